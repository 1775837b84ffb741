/** The least IAM policy that the console needs, from the calls that it makes. A test runs it with no other permission. */
import type { Connection } from '../connection/connection.ts';
import { accountIn, apiKeySecretOf } from '../connection/stack-names.ts';
import { resourcesOf } from '../connection/stack-resources.ts';
import { stackIn } from '../connection/target.ts';
import { DEAD_LETTER_QUEUES } from '../operations/dead-letters.ts';

/** A policy document of IAM. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
  }[];
}

/** Where the resources are. */
interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

const LOCAL_REGION = 'us-east-1';

/** Returns the policy for this Batchdrop. `mayOperate`: also to submit, cancel, approve and retry. */
export async function consolePolicy(
  connection: Connection,
  { mayOperate }: { readonly mayOperate: boolean },
): Promise<PolicyDocument> {
  const { target, names } = connection;
  const [resources, secret] = await Promise.all([resourcesOf(target), apiKeySecretOf(target)]);
  const place = placeOf(names.cancelQueueUrl);
  const arn = (service: string, resource: string) =>
    `arn:${place.partition}:${service}:${place.region}:${place.account}:${resource}`;
  const bucket = (name: string) => `arn:${place.partition}:s3:::${name}`;
  const queue = (url: string) => arn('sqs', url.slice(url.lastIndexOf('/') + 1));
  const table = arn('dynamodb', `table/${names.ledgerTable}`);
  const deadLetters = Object.values(DEAD_LETTER_QUEUES).flatMap(
    (each) => resources.get(each.deadLetters) ?? [],
  );
  const allow = (Sid: string, Action: readonly string[], Resource: readonly string[]) => ({
    ...{ Sid, Effect: 'Allow' as const, Action, Resource },
  });
  return {
    Version: '2012-10-17',
    Statement: [
      allow(
        'Stack',
        ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'],
        [arn('cloudformation', `stack/${stackIn(target)}/*`)],
      ),
      allow('Jobs', ['dynamodb:GetItem', 'dynamodb:Query'], [table]),
      allow('Lists', ['dynamodb:Query'], [`${table}/index/jobs`, `${table}/index/due`]),
      allow('RequestFiles', ['s3:GetObjectVersion'], [`${bucket(names.requestBucket)}/*`]),
      allow('Results', ['s3:GetObject'], [`${bucket(names.resultsBucket)}/${names.resultsPrefix ?? ''}*`]),
      // Without it, S3 does not say that an object is missing.
      allow('Buckets', ['s3:ListBucket'], [bucket(names.requestBucket), bucket(names.resultsBucket)]),
      allow(
        'BucketChecks',
        ['s3:GetBucketLocation', 's3:GetBucketVersioning', 's3:GetBucketNotification'],
        [bucket(names.requestBucket)],
      ),
      allow('QueueChecks', ['sqs:GetQueueAttributes'], deadLetters.map(queue)),
      allow(
        'ScheduleCheck',
        ['scheduler:GetSchedule'],
        [arn('scheduler', `schedule/default/${resources.get('PollingTick')}`)],
      ),
      allow(
        'SecretCheck',
        ['secretsmanager:DescribeSecret'],
        [secret.startsWith('arn:') ? secret : arn('secretsmanager', `secret:${secret}-*`)],
      ),
      ...(mayOperate
        ? [
            allow('Submit', ['s3:PutObject'], [`${bucket(names.requestBucket)}/*`]),
            allow(
              'Act',
              ['sqs:SendMessage'],
              [names.cancelQueueUrl, names.approvalQueueUrl].flatMap((url) =>
                url === undefined ? [] : [queue(url)],
              ),
            ),
          ]
        : []),
    ],
  };
}

/** Reads the place from the URL of a queue: `https://sqs.eu-west-1.amazonaws.com/123456789012/name`. */
function placeOf(queueUrl: string): Place {
  const { hostname } = new URL(queueUrl);
  const region = /^sqs\.([\w-]+)\.amazonaws\.com/.exec(hostname)?.[1] ?? LOCAL_REGION;
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  return { partition, region, account: accountIn({ cancelQueueUrl: queueUrl }) };
}
