import type { Policies } from '../../aws/iam/decision.ts';
import { parseStatements, type Statement } from '../../aws/iam/statement.ts';
import { LOCAL_ACCOUNT } from '../../aws/protocol/aws-service.ts';
import { queueArn } from '../../aws/sqs/queue.ts';
import { managedPolicy } from './managed-policies.ts';
import type { Properties } from './properties.ts';
import { busArnOf, functionArnOf } from './resource-readers.ts';

/** Collects the policies of an app. */
export class PolicyCollection implements Policies {
  readonly ofRoles = new Map<string, Statement[]>();
  readonly trust = new Map<string, Statement[]>();
  readonly ofResources = new Map<string, Statement[]>();
  /**
   * By role ARN: what is not supported in the policies of a role. It matters only if something runs with the role: people and
   * deployments have roles as well.
   */
  readonly problemsOfRoles = new Map<string, string[]>();

  /** Policies of the app that roles name by ARN. */
  readonly #attached: { readonly policy: string; readonly role: string }[] = [];
  readonly #managed = new Map<string, () => Statement[]>();

  /** Gives a role the policy with that ARN, once all of the app is read. */
  attach(policy: string, role: string): void {
    this.#attached.push({ policy, role });
  }

  addManaged(policy: string, statements: () => Statement[]): void {
    this.#managed.set(policy, statements);
  }

  /** Call this when all resources are read: a role may name a policy of a later stack. */
  finish(): void {
    for (const { policy, role } of this.#attached) {
      const missing = () => {
        throw new Error(`the app has no managed policy ${policy}`);
      };
      addToRole(this, this.ofRoles, role, this.#managed.get(policy) ?? missing);
    }
  }

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
  readonly arn: () => string;
}

/** In the ARN of each policy that AWS manages. */
const OF_AWS = ':iam::aws:policy/';

type PolicyReader = (policies: PolicyCollection, properties: Properties, names: Names) => void;

const READERS = new Map<string, PolicyReader>([
  ['AWS::IAM::Role', readRole],
  ['AWS::IAM::Policy', readPolicy],
  ['AWS::IAM::ManagedPolicy', readManagedPolicy],
  ['AWS::S3::BucketPolicy', readBucketPolicy],
  ['AWS::SQS::QueuePolicy', readQueuePolicy],
  ['AWS::Events::EventBusPolicy', readBusPolicy],
  ['AWS::Lambda::Permission', readLambdaPermission],
]);

function readRole(policies: PolicyCollection, properties: Properties, { logicalId, name }: Names): void {
  properties.ignore('RoleName', 'Description', 'MaxSessionDuration', 'Path', 'Tags');
  const arn = roleArnOf(name);
  const trust = properties.json('AssumeRolePolicyDocument');
  addToRole(policies, policies.trust, arn, () => parseStatements(trust, logicalId));
  for (const policy of properties.texts('ManagedPolicyArns')) {
    if (policy.includes(OF_AWS)) addToRole(policies, policies.ofRoles, arn, () => managedPolicy(policy));
    else policies.attach(policy, arn);
  }
  for (const policy of properties.objects('Policies')) {
    policy.ignore('PolicyName');
    const document = policy.json('PolicyDocument');
    addToRole(policies, policies.ofRoles, arn, () => parseStatements(document, logicalId));
    policy.done();
  }
}

function readPolicy(policies: PolicyCollection, properties: Properties, { logicalId }: Names): void {
  properties.ignore('PolicyName', 'Users', 'Groups');
  const document = properties.json('PolicyDocument');
  for (const name of properties.texts('Roles'))
    addToRole(policies, policies.ofRoles, roleArnOf(name), () => parseStatements(document, logicalId));
}

function readManagedPolicy(policies: PolicyCollection, properties: Properties, names: Names): void {
  const document = properties.json('PolicyDocument');
  policies.addManaged(names.arn(), () => parseStatements(document, names.logicalId));
  properties.ignore('ManagedPolicyName', 'Description', 'Path', 'Users', 'Groups');
  for (const name of properties.texts('Roles')) policies.attach(names.arn(), roleArnOf(name));
}

function addToRole(
  policies: PolicyCollection,
  to: Map<string, Statement[]>,
  arn: string,
  parse: () => Statement[],
): void {
  try {
    add(to, arn, parse());
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    policies.problemsOfRoles.set(arn, [...(policies.problemsOfRoles.get(arn) ?? []), problem]);
  }
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
