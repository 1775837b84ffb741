import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  type NotificationConfiguration,
} from '@aws-sdk/client-s3';
import { clientConfigAt } from '../../connection/target.ts';
import { failed, ok, type Verdict } from '../finding.ts';
import type { Subject } from './subject.ts';

const RULE = 'IntakeObjectCreated';

/** Checks that the bucket keeps versions and tells EventBridge about new files. */
export async function bucketIsConfigured({ connection: { s3, names } }: Subject): Promise<Verdict> {
  const Bucket = names.requestBucket;
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  const { $metadata: _, ...notifications } = await s3.send(
    new GetBucketNotificationConfigurationCommand({ Bucket }),
  );
  const unfit = [
    {
      isUnfit: Status !== 'Enabled',
      found: 'versioning is off, so every file is rejected',
      advice: `aws s3api put-bucket-versioning --bucket ${Bucket} --versioning-configuration Status=Enabled`,
    },
    {
      isUnfit: notifications.EventBridgeConfiguration === undefined,
      found: 'sends no events to EventBridge, so no file is noticed',
      advice: `${switchedOn(Bucket, notifications)} (it keeps the other notifications). Then upload the files again.`,
    },
  ].filter(({ isUnfit }) => isUnfit);
  if (unfit.length === 0) return ok('versioning is on, events go to EventBridge');
  const together = (said: 'found' | 'advice') => unfit.map((one) => one[said]).join('; ');
  return failed(together('found'), together('advice'));
}

/** Checks that the rule sends the events of new files to INTAKE. */
export async function filesAreNoticed(subject: Subject): Promise<Verdict> {
  const { State, Name } = await ruleOf(subject);
  if (State === 'ENABLED') return ok('the rule is on');
  return failed(
    `the rule ${Name} is ${State}, so no file is noticed`,
    `aws events enable-rule --name ${Name}. Then upload again the files that came meanwhile.`,
  );
}

/** Returns the start of the keys that the rule matches; undefined if every key is a request file. Errors: those of EventBridge. */
export async function requestPrefixOf(subject: Subject): Promise<string | undefined> {
  const { EventPattern = '{}' } = await ruleOf(subject);
  const [first] = [Object(Object(JSON.parse(EventPattern).detail).object).key].flat();
  const { prefix } = Object(first);
  return typeof prefix === 'string' ? prefix : undefined;
}

/** The API replaces all notifications of a bucket. */
function switchedOn(bucket: string, others: NotificationConfiguration): string {
  const all = JSON.stringify({ ...others, EventBridgeConfiguration: {} });
  return `aws s3api put-bucket-notification-configuration --bucket ${bucket} --notification-configuration '${all}'`;
}

async function ruleOf({ connection: { target }, resources }: Subject) {
  const events = new EventBridgeClient(clientConfigAt(target));
  try {
    return await events.send(new DescribeRuleCommand({ Name: resources.get(RULE) }));
  } finally {
    events.destroy();
  }
}
