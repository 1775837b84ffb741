import type { TemplateResource } from './assembly.ts';
import { LEFT_OUT } from './left-out.ts';

const TOPIC = 'AWS::SNS::Topic';
const OF_TOPICS = new Set(['AWS::SNS::Subscription', 'AWS::SNS::TopicPolicy']);
const ALARM = 'AWS::CloudWatch::Alarm';

/**
 * Returns the ids of the topics that receive only alarms, with their subscriptions and policies. They have no effect on one
 * machine, because alarms have none. A topic for anything else is not among them, nor is what belongs to it.
 */
export function alarmTopics(resources: Readonly<Record<string, TemplateResource>>): Set<string> {
  const all = Object.entries(resources);
  const usersOf = (id: string) => all.filter(([, { Properties }]) => mentionedIn(Properties).has(id));
  const topics = all
    .filter(([id, { Type }]) => Type === TOPIC && isOnlyForAlarms(usersOf(id).map(([, user]) => user.Type)))
    .map(([id]) => id);
  const attached = all.filter(([, { Type, Properties }]) => {
    const named = [...mentionedIn(Properties)].filter((id) => resources[id]?.Type === TOPIC);
    return OF_TOPICS.has(Type) && named.length > 0 && named.every((id) => topics.includes(id));
  });
  return new Set([...topics, ...attached.map(([id]) => id)]);
}

function isOnlyForAlarms(types: readonly string[]): boolean {
  return types.includes(ALARM) && types.every((type) => LEFT_OUT.has(type) || OF_TOPICS.has(type));
}

/** Returns the ids that `Ref`, `Fn::GetAtt` and `Fn::Sub` name. */
function mentionedIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set([...ownMentions(value), ...Object.values(value).flatMap((each) => [...mentionedIn(each)])]);
}

function ownMentions(value: object): string[] {
  if ('Ref' in value) return [String(value.Ref)];
  if ('Fn::GetAtt' in value) return [String([value['Fn::GetAtt']].flat()[0]).split('.')[0] ?? ''];
  if (!('Fn::Sub' in value)) return [];
  const [text] = [value['Fn::Sub']].flat();
  return [...String(text).matchAll(/\$\{([^!.}]+)/g)].map(([, id = '']) => id);
}
