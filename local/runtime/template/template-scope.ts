import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../aws/protocol/aws-service.ts';
import { queueUrl } from '../../aws/sqs/queue.ts';
import { functionUrl } from '../../lambda/function-urls.ts';
import type { Template, TemplateResource } from './assembly.ts';
import { evaluate, NO_VALUE, resolve, type Scope } from './intrinsics.ts';
import { physicalNames } from './physical-names.ts';

/** How the resources of a type are named and referenced. */
interface ReferenceStyle {
  /** The property with the name, if the template sets it. */
  readonly nameProperty?: string;
  /** Returns the ARN without `arn:aws:`. */
  readonly arn: (name: string) => string;
  /** The property that names the parent resource, which is part of the ARN. */
  readonly parentProperty?: string;
  /** Set if `Ref` returns the queue's URL, as only for SQS. Otherwise `Ref` returns the name. */
  readonly refIsUrl?: true;
}

const here = `${LOCAL_REGION}:${LOCAL_ACCOUNT}`;

const STYLES = new Map<string, ReferenceStyle>([
  ['AWS::S3::Bucket', { nameProperty: 'BucketName', arn: (name) => `s3:::${name}` }],
  ['AWS::SQS::Queue', { nameProperty: 'QueueName', arn: (name) => `sqs:${here}:${name}`, refIsUrl: true }],
  ['AWS::DynamoDB::Table', { nameProperty: 'TableName', arn: (name) => `dynamodb:${here}:table/${name}` }],
  [
    'AWS::Lambda::Function',
    { nameProperty: 'FunctionName', arn: (name) => `lambda:${here}:function:${name}` },
  ],
  ['AWS::Events::EventBus', { nameProperty: 'Name', arn: (name) => `events:${here}:event-bus/${name}` }],
  [
    'AWS::Events::Rule',
    {
      nameProperty: 'Name',
      parentProperty: 'EventBusName',
      arn: (name) => `events:${here}:rule/${name}`,
    },
  ],
  [
    'AWS::Scheduler::Schedule',
    { nameProperty: 'Name', arn: (name) => `scheduler:${here}:schedule/default/${name}` },
  ],
  [
    'AWS::Logs::LogGroup',
    { nameProperty: 'LogGroupName', arn: (name) => `logs:${here}:log-group:${name}:*` },
  ],
  ['AWS::IAM::Role', { nameProperty: 'RoleName', arn: (name) => `iam::${LOCAL_ACCOUNT}:role/${name}` }],
]);

const PSEUDO_PARAMETERS = new Map<string, unknown>([
  ['AWS::AccountId', LOCAL_ACCOUNT],
  ['AWS::Region', LOCAL_REGION],
  ['AWS::Partition', 'aws'],
  ['AWS::URLSuffix', 'amazonaws.com'],
  ['AWS::StackName', 'Batchdrop'],
  ['AWS::NoValue', NO_VALUE],
]);

/** The local names of a template: physical names, ARNs and queue URLs of its resources. */
export class TemplateScope implements Scope {
  readonly #template: Template;
  readonly #endpointUrl: string;
  readonly #names: Map<string, string>;

  constructor(template: Template, endpointUrl: string) {
    this.#template = template;
    this.#endpointUrl = endpointUrl;
    this.#names = physicalNames(Object.keys(template.Resources));
  }

  ref(name: string): unknown {
    if (PSEUDO_PARAMETERS.has(name)) return PSEUDO_PARAMETERS.get(name);
    const parameter = this.#template.Parameters[name];
    if (parameter !== undefined) return parameter.Default ?? fail(`the parameter ${name} has no default`);
    const physical = this.nameOf(name);
    return this.#styleOf(name)?.refIsUrl ? queueUrl(this.#endpointUrl, physical) : physical;
  }

  attribute(logicalId: string, attribute: string): unknown {
    if (attribute === 'Arn') return this.arnOf(logicalId);
    if (attribute === 'Name' || attribute === 'QueueName') return this.nameOf(logicalId);
    if (attribute === 'QueueUrl') return this.ref(logicalId);
    if (attribute === 'FunctionUrl') return this.#functionUrlOf(logicalId);
    return fail(`the local runtime does not support Fn::GetAtt ${logicalId}.${attribute}`);
  }

  condition(name: string): boolean {
    const condition = this.#template.Conditions[name] ?? fail(`the template has no condition ${name}`);
    return evaluate(condition, this);
  }

  /** Returns the local name of the resource: the name in the template, or one derived from its logical id. */
  nameOf(logicalId: string): string {
    const resource = this.#resource(logicalId);
    const { nameProperty } = this.#styleOf(logicalId) ?? {};
    const given = nameProperty === undefined ? undefined : resource.Properties?.[nameProperty];
    const own = given === undefined ? undefined : resolve(given, this);
    return typeof own === 'string' ? own : (this.#names.get(logicalId) ?? logicalId);
  }

  arnOf(logicalId: string): string {
    const style = this.#styleOf(logicalId) ?? fail(`the local runtime does not know the ARN of ${logicalId}`);
    const parent = style.parentProperty && this.#resource(logicalId).Properties?.[style.parentProperty];
    const within = parent === undefined ? '' : `${lastName(resolve(parent, this))}/`;
    return `arn:aws:${style.arn(within + this.nameOf(logicalId))}`;
  }

  #functionUrlOf(logicalId: string): string {
    const target = String(resolve(this.#resource(logicalId).Properties?.TargetFunctionArn, this));
    return functionUrl(this.#endpointUrl, target.slice(target.lastIndexOf(':') + 1));
  }

  #styleOf(logicalId: string): ReferenceStyle | undefined {
    return STYLES.get(this.#resource(logicalId).Type);
  }

  #resource(logicalId: string): TemplateResource {
    return (
      this.#template.Resources[logicalId] ??
      fail(`the template refers to ${logicalId}, which it does not have`)
    );
  }
}

/** Returns the name of a bus that is given by name or by ARN. */
function lastName(given: unknown): string {
  return String(given).split('/').at(-1) ?? '';
}

function fail(problem: string): never {
  throw new Error(problem);
}
