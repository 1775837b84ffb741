import type { Policies } from '../aws/iam/decision.ts';
import { parseStatements, type Statement } from '../aws/iam/statement.ts';
import { LOCAL_ACCOUNT } from '../aws/protocol/aws-service.ts';
import { queueArn } from '../aws/sqs/queue.ts';
import type { Properties } from './properties.ts';
import { busArnOf, functionArnOf } from './resource-readers.ts';

/** Who may do what, gathered from all over a template. */
export class PolicyBook implements Policies {
  readonly ofRoles = new Map<string, Statement[]>();
  readonly trust = new Map<string, Statement[]>();
  readonly ofResources = new Map<string, Statement[]>();

  /** Takes a resource that is or has a policy; false for one of another type. */
  take(type: string, properties: Properties, names: Names): boolean {
    const read = READERS.get(type);
    read?.(this, properties, names);
    return read !== undefined;
  }
}

interface Names {
  readonly logicalId: string;
  readonly name: string;
}

type PolicyReader = (book: PolicyBook, properties: Properties, names: Names) => void;

const READERS = new Map<string, PolicyReader>([
  ['AWS::IAM::Role', readRole],
  ['AWS::IAM::Policy', readPolicy],
  ['AWS::IAM::ManagedPolicy', readPolicy],
  ['AWS::S3::BucketPolicy', readBucketPolicy],
  ['AWS::SQS::QueuePolicy', readQueuePolicy],
  ['AWS::Events::EventBusPolicy', readBusPolicy],
  ['AWS::Lambda::Permission', readLambdaPermission],
]);

function readRole(book: PolicyBook, properties: Properties, { logicalId, name }: Names): void {
  properties.passOver('RoleName', 'Description', 'MaxSessionDuration', 'Path', 'Tags');
  const arn = roleArnOf(name);
  add(book.trust, arn, parseStatements(properties.json('AssumeRolePolicyDocument'), logicalId));
  for (const policy of properties.objects('Policies')) {
    policy.passOver('PolicyName');
    add(book.ofRoles, arn, parseStatements(policy.json('PolicyDocument'), logicalId));
    policy.done();
  }
}

function readPolicy(book: PolicyBook, properties: Properties, { logicalId }: Names): void {
  properties.passOver('PolicyName', 'ManagedPolicyName', 'Description', 'Path');
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  for (const name of properties.texts('Roles')) add(book.ofRoles, roleArnOf(name), statements);
}

function readBucketPolicy(book: PolicyBook, properties: Properties, { logicalId }: Names): void {
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  add(book.ofResources, `arn:aws:s3:::${properties.text('Bucket')}`, statements);
}

function readQueuePolicy(book: PolicyBook, properties: Properties, { logicalId }: Names): void {
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  for (const url of properties.texts('Queues')) {
    add(book.ofResources, queueArn(url.slice(url.lastIndexOf('/') + 1)), statements);
  }
}

function readBusPolicy(book: PolicyBook, properties: Properties, { logicalId }: Names): void {
  properties.passOver('StatementId');
  const statements = parseStatements({ Statement: properties.json('Statement') }, logicalId);
  add(book.ofResources, busArnOf(properties.optionalText('EventBusName') ?? 'default'), statements);
}

/** A statement of the function's policy, in words of its own. */
function readLambdaPermission(book: PolicyBook, properties: Properties, { logicalId }: Names): void {
  const arn = functionArnOf(properties.text('FunctionName'));
  const sourceArn = properties.optionalText('SourceArn');
  const sourceAccount = properties.optionalText('SourceAccount');
  const Statement = {
    Effect: 'Allow',
    Principal: { Service: properties.text('Principal') },
    Action: properties.text('Action'),
    Resource: arn,
    Condition: {
      ...(sourceArn !== undefined && { ArnLike: { 'aws:SourceArn': sourceArn } }),
      ...(sourceAccount !== undefined && { StringEquals: { 'aws:SourceAccount': sourceAccount } }),
    },
  };
  add(book.ofResources, arn, parseStatements({ Statement }, logicalId));
}

function roleArnOf(name: string): string {
  return `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}`;
}

function add(to: Map<string, Statement[]>, arn: string, statements: readonly Statement[]): void {
  to.set(arn, [...(to.get(arn) ?? []), ...statements]);
}
