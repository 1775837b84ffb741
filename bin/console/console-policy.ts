/** The least IAM policy that the console needs, from the calls that it makes. A test runs it with no other permission. */
import { arnsIn } from '../connection/arns.ts';
import type { Connection } from '../connection/connection.ts';
import type { StackNames } from '../connection/stack-names.ts';
import { outputsAt } from '../connection/stack-outputs.ts';
import { resourcesOf } from '../connection/stack-resources.ts';
import { DEAD_LETTER_QUEUES } from '../operations/dead-letters.ts';
import { functionOf, mappingOf, WORKERS } from '../operations/doctor/subject.ts';

/** A policy document of IAM. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** What the policy names. */
interface Named {
  readonly stack: string;
  readonly names: StackNames;
  /** Of the API key: a name or an ARN. */
  readonly secret: string;
  /** The physical ids of resources by the paths of their constructs. */
  readonly resources: ReadonlyMap<string, string>;
}

/** Returns the policy for this Batchdrop. `mayOperate`: also to submit, cancel, approve and retry. */
export async function consolePolicy(
  { target, names }: Connection,
  { mayOperate }: { readonly mayOperate: boolean },
): Promise<PolicyDocument> {
  const { stack, value: output } = await outputsAt(target);
  const [resources, secret] = [await resourcesOf(target), output('ApiKeySecret')];
  const named = { stack, names, secret, resources };
  const statements = mayOperate
    ? [...statementsToLook(named), ...statementsToAct(named)]
    : statementsToLook(named);
  return { Version: '2012-10-17', Statement: statements };
}

/** Returns what the page needs to show everything. */
export function statementsToLook({ stack, names, secret, resources }: Named): Statement[] {
  const { arn, bucket, queue } = arnsIn(names);
  const table = arn('dynamodb', `table/${names.ledgerTable}`);
  const deadLetters = Object.values(DEAD_LETTER_QUEUES).flatMap(
    (each) => resources.get(each.deadLetters) ?? [],
  );
  const requests = bucket(names.requestBucket);
  const results = bucket(names.resultsBucket);
  const stackActions = ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'];
  const bucketChecks = ['s3:GetBucketLocation', 's3:GetBucketVersioning', 's3:GetBucketNotification'];
  const functions = WORKERS.flatMap((worker) => functionOf({ resources }, worker) ?? []);
  const mappings = WORKERS.flatMap((worker) => mappingOf({ resources }, worker) ?? []);
  const schedule = arn('scheduler', `schedule/default/${resources.get('PollingTick')}`);
  return [
    allow('Stack', stackActions, [arn('cloudformation', `stack/${stack}/*`)]),
    allow('Jobs', ['dynamodb:GetItem', 'dynamodb:Query'], [table]),
    allow('Lists', ['dynamodb:Query'], [`${table}/index/jobs`, `${table}/index/due`]),
    allow('RequestFiles', ['s3:GetObjectVersion'], [`${requests}/*`]),
    allow('Results', ['s3:GetObject'], [`${results}/${names.resultsPrefix ?? ''}*`]),
    allow('Buckets', ['s3:ListBucket'], [requests, results]), // without it, S3 does not say that an object is missing
    allow('BucketChecks', bucketChecks, [requests]),
    allow('QueueChecks', ['sqs:GetQueueAttributes'], deadLetters.map(queue)),
    allow('ScheduleCheck', ['scheduler:GetSchedule'], [schedule]),
    allow(
      'RuleCheck',
      ['events:DescribeRule'],
      [arn('events', `rule/${resources.get('IntakeObjectCreated')}`)],
    ),
    allow(
      'FunctionChecks',
      ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConcurrency'],
      functions.map((name) => arn('lambda', `function:${name}`)),
    ),
    allow(
      'EventSourceChecks',
      ['lambda:GetEventSourceMapping'],
      mappings.map((id) => arn('lambda', `event-source-mapping:${id}`)),
    ),
    allow(
      'SecretCheck',
      ['secretsmanager:DescribeSecret'],
      [secret.startsWith('arn:') ? secret : arn('secretsmanager', `secret:${secret}-*`)],
    ),
  ];
}

/** Returns what the page needs besides to submit, cancel, approve and retry. */
export function statementsToAct({ names }: Pick<Named, 'names'>): Statement[] {
  const { bucket, queue } = arnsIn(names);
  const { cancelQueueUrl, approvalQueueUrl } = names;
  const queues = approvalQueueUrl === undefined ? [cancelQueueUrl] : [cancelQueueUrl, approvalQueueUrl];
  return [
    allow('Submit', ['s3:PutObject'], [`${bucket(names.requestBucket)}/*`]),
    allow('Act', ['sqs:SendMessage'], queues.map(queue)),
  ];
}

function allow(Sid: string, Action: readonly string[], Resource: readonly string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}
