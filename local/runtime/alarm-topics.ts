import type { TemplateResource } from './assembly.ts';

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
  return types.includes(ALARM) && types.every((type) => type === ALARM || OF_TOPICS.has(type));
}

/** Returns the ids that `Ref` and `Fn::GetAtt` name. */
function mentionedIn(value: unknown): Set<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  const own =
    'Ref' in value ? [String(value.Ref)] : 'Fn::GetAtt' in value ? [firstOf(value['Fn::GetAtt'])] : [];
  return new Set([...own, ...Object.values(value).flatMap((each) => [...mentionedIn(each)])]);
}

function firstOf(path: unknown): string {
  return Array.isArray(path) ? String(path[0]) : (String(path).split('.')[0] ?? '');
}
