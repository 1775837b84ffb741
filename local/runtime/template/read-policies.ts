import type { Policies } from '../../aws/iam/decision.ts';
import { parseStatements, type Statement } from '../../aws/iam/statement.ts';
import { LOCAL_ACCOUNT } from '../../aws/protocol/aws-service.ts';
import { queueArn } from '../../aws/sqs/queue.ts';
import type { Properties } from './properties.ts';
import { busArnOf, functionArnOf } from './resource-readers.ts';

/** Collects the policies of a template. */
export class PolicyCollection implements Policies {
  readonly ofRoles = new Map<string, Statement[]>();
  readonly trust = new Map<string, Statement[]>();
  readonly ofResources = new Map<string, Statement[]>();

  /** Reads a resource that is or has a policy; returns false for other types. */
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

type PolicyReader = (policies: PolicyCollection, properties: Properties, names: Names) => void;

const READERS = new Map<string, PolicyReader>([
  ['AWS::IAM::Role', readRole],
  ['AWS::IAM::Policy', readPolicy],
  ['AWS::IAM::ManagedPolicy', readPolicy],
  ['AWS::S3::BucketPolicy', readBucketPolicy],
  ['AWS::SQS::QueuePolicy', readQueuePolicy],
  ['AWS::Events::EventBusPolicy', readBusPolicy],
  ['AWS::Lambda::Permission', readLambdaPermission],
]);

function readRole(policies: PolicyCollection, properties: Properties, { logicalId, name }: Names): void {
  properties.ignore('RoleName', 'Description', 'MaxSessionDuration', 'Path', 'Tags');
  const arn = roleArnOf(name);
  add(policies.trust, arn, parseStatements(properties.json('AssumeRolePolicyDocument'), logicalId));
  for (const policy of properties.objects('Policies')) {
    policy.ignore('PolicyName');
    add(policies.ofRoles, arn, parseStatements(policy.json('PolicyDocument'), logicalId));
    policy.done();
  }
}

function readPolicy(policies: PolicyCollection, properties: Properties, { logicalId }: Names): void {
  properties.ignore('PolicyName', 'ManagedPolicyName', 'Description', 'Path');
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  for (const name of properties.texts('Roles')) add(policies.ofRoles, roleArnOf(name), statements);
}

function readBucketPolicy(policies: PolicyCollection, properties: Properties, { logicalId }: Names): void {
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  add(policies.ofResources, `arn:aws:s3:::${properties.text('Bucket')}`, statements);
}

function readQueuePolicy(policies: PolicyCollection, properties: Properties, { logicalId }: Names): void {
  const statements = parseStatements(properties.json('PolicyDocument'), logicalId);
  for (const url of properties.texts('Queues')) {
    add(policies.ofResources, queueArn(url.slice(url.lastIndexOf('/') + 1)), statements);
  }
}

function readBusPolicy(policies: PolicyCollection, properties: Properties, { logicalId }: Names): void {
  properties.ignore('StatementId');
  const statements = parseStatements({ Statement: properties.json('Statement') }, logicalId);
  add(policies.ofResources, busArnOf(properties.optionalText('EventBusName') ?? 'default'), statements);
}

/** Returns the statement of a function's policy for an `AWS::Lambda::Permission`. */
function readLambdaPermission(
  policies: PolicyCollection,
  properties: Properties,
  { logicalId }: Names,
): void {
  const arn = functionArnOf(properties.text('FunctionName'));
  const sourceArn = properties.optionalText('SourceArn');
  const sourceAccount = properties.optionalText('SourceAccount');
  const urlAuthType = properties.optionalText('FunctionUrlAuthType');
  const viaUrl = properties.optionalFlag('InvokedViaFunctionUrl');
  const principal = properties.text('Principal');
  const Statement = {
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : { Service: principal },
    Action: properties.text('Action'),
    Resource: arn,
    Condition: {
      ...(sourceArn !== undefined && { ArnLike: { 'aws:SourceArn': sourceArn } }),
      StringEquals: {
        ...(sourceAccount !== undefined && { 'aws:SourceAccount': sourceAccount }),
        ...(urlAuthType !== undefined && { 'lambda:FunctionUrlAuthType': urlAuthType }),
      },
      ...(viaUrl !== undefined && { Bool: { 'lambda:InvokedViaFunctionUrl': String(viaUrl) } }),
    },
  };
  add(policies.ofResources, arn, parseStatements({ Statement }, logicalId));
}

function roleArnOf(name: string): string {
  return `arn:aws:iam::${LOCAL_ACCOUNT}:role/${name}`;
}

function add(to: Map<string, Statement[]>, arn: string, statements: readonly Statement[]): void {
  to.set(arn, [...(to.get(arn) ?? []), ...statements]);
}
