import { stackId } from '../../aws/cloudformation/stack-id.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../aws/protocol/aws-service.ts';
import { secretArn } from '../../aws/secretsmanager/secret-arn.ts';
import { queueUrl } from '../../aws/sqs/queue.ts';
import { functionUrl } from '../../lambda/function-urls.ts';
import type { AssembledStack, Template, TemplateResource } from './assembly.ts';
import { evaluate, NO_VALUE, resolve, type Scope } from './intrinsics.ts';
import { LEFT_OUT } from './left-out.ts';
import { localEnvironment } from './local-environment.ts';
import { keyOf, physicalNames } from './physical-names.ts';

/** How the resources of a type are named and referenced. */
interface ReferenceStyle {
  /** The property with the name, if the template sets it. */
  readonly nameProperty?: string;
  /** Returns the ARN without `arn:aws:`. */
  readonly arn: (name: string) => string;
  /** The property that names the parent resource, which is part of the ARN. */
  readonly parentProperty?: string;
  /** What `Ref` returns, if it is not the name. */
  readonly ref?: 'url' | 'arn';
}

const here = `${LOCAL_REGION}:${LOCAL_ACCOUNT}`;

const STYLES = new Map<string, ReferenceStyle>([
  ['AWS::S3::Bucket', { nameProperty: 'BucketName', arn: (name) => `s3:::${name}` }],
  ['AWS::SQS::Queue', { nameProperty: 'QueueName', arn: (name) => `sqs:${here}:${name}`, ref: 'url' }],
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
  [
    'AWS::IAM::ManagedPolicy',
    {
      nameProperty: 'ManagedPolicyName',
      arn: (name) => `iam::${LOCAL_ACCOUNT}:policy/${name}`,
      ref: 'arn',
    },
  ],
  [
    'AWS::SecretsManager::Secret',
    { nameProperty: 'Name', arn: (name) => secretArn(name).slice('arn:aws:'.length), ref: 'arn' },
  ],
  ['AWS::SNS::Topic', { nameProperty: 'TopicName', arn: (name) => `sns:${here}:${name}`, ref: 'arn' }],
  ['AWS::KMS::Key', { arn: (name) => `kms:${here}:key/${name}` }],
]);

/** Attributes that are part of no behavior here, by type. */
const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, (name: string) => string>>>> = {
  'AWS::S3::Bucket': {
    DomainName: (name) => `${name}.s3.amazonaws.com`,
    RegionalDomainName: (name) => `${name}.s3.${LOCAL_REGION}.amazonaws.com`,
  },
  'AWS::SNS::Topic': { TopicArn: (name) => `arn:aws:sns:${here}:${name}`, TopicName: (name) => name },
  'AWS::IAM::Role': { RoleId: (name) => `AROA-${name}` },
};

const PSEUDO_PARAMETERS = new Map<string, unknown>([
  ['AWS::AccountId', LOCAL_ACCOUNT],
  ['AWS::Region', LOCAL_REGION],
  ['AWS::Partition', 'aws'],
  ['AWS::URLSuffix', 'amazonaws.com'],
  ['AWS::NotificationARNs', []],
  ['AWS::NoValue', NO_VALUE],
]);

/** The stacks of an app, whose templates refer to each other. */
export class AppScope {
  readonly endpointUrl: string;
  readonly stacks: readonly TemplateScope[];
  readonly names: ReadonlyMap<string, string>;
  /** Replaces the accounts and Regions that the stacks name. */
  readonly localize: (value: unknown) => unknown;

  constructor(
    stacks: readonly Pick<AssembledStack, 'name' | 'template' | 'environment'>[],
    endpointUrl: string,
  ) {
    this.endpointUrl = endpointUrl;
    this.names = physicalNames(
      stacks.flatMap(({ name, template }) =>
        Object.keys(template.Resources).map((logicalId) => ({ stack: name, logicalId })),
      ),
    );
    this.localize = localEnvironment(stacks.map(({ environment }) => environment));
    this.stacks = stacks.map(({ name, template }) => new TemplateScope(name, template, this));
  }

  exported(name: string): unknown {
    for (const stack of this.stacks) {
      const found = stack.exportNamed(name);
      if (found !== undefined) return found;
    }
    return fail(`no stack of the app exports ${name}`);
  }

  output(stackName: string, output: string): unknown {
    const stack = this.stacks.find(({ name }) => name === stackName);
    return stack === undefined ? fail(`the app has no stack ${stackName}`) : stack.ownOutput(output);
  }
}

/** The local names of a template: physical names, ARNs and queue URLs of its resources. */
export class TemplateScope implements Scope {
  readonly name: string;
  readonly template: Template;
  readonly #app: AppScope;

  constructor(name: string, template: Template, app: AppScope) {
    this.name = name;
    this.template = template;
    this.#app = app;
  }

  /** Resolves a value of the template. Throws an Error for what is not supported. */
  resolve(value: unknown): unknown {
    return this.#app.localize(resolve(value, this));
  }

  ref(name: string): unknown {
    if (name === 'AWS::StackName') return this.name;
    if (name === 'AWS::StackId') return stackId(this.name);
    if (PSEUDO_PARAMETERS.has(name)) return PSEUDO_PARAMETERS.get(name);
    const parameter = this.template.Parameters[name];
    if (parameter !== undefined) {
      return parameter.Default ?? fail(`the parameter ${name} of the template has no default: give it one`);
    }
    const style = this.#styleOf(name);
    if (style?.ref === 'arn') return this.arnOf(name);
    const physical = this.nameOf(name);
    return style?.ref === 'url' ? queueUrl(this.#app.endpointUrl, physical) : physical;
  }

  attribute(logicalId: string, attribute: string): unknown {
    if (attribute === 'Arn') return this.arnOf(logicalId);
    if (attribute === 'Name' || attribute === 'QueueName') return this.nameOf(logicalId);
    if (attribute === 'QueueUrl') return this.ref(logicalId);
    if (attribute === 'FunctionUrl') return this.#functionUrlOf(logicalId);
    const { Type } = this.#resource(logicalId);
    const known = ATTRIBUTES[Type]?.[attribute];
    if (known !== undefined) return known(this.nameOf(logicalId));
    if (LEFT_OUT.has(Type)) return `${this.nameOf(logicalId)}.${attribute}`;
    return fail(`Fn::GetAtt ${logicalId}.${attribute} is not supported`);
  }

  condition(name: string): boolean {
    const condition = this.template.Conditions[name] ?? fail(`the template has no condition ${name}`);
    return evaluate(condition, this);
  }

  mapping(name: string, first: string, second: string): unknown {
    const found = Object(Object(this.template.Mappings[name])[first])[second];
    return found ?? fail(`the template has no ${first}.${second} in the mapping ${name}`);
  }

  exported(name: string): unknown {
    return this.#app.exported(name);
  }

  output(stack: string, name: string): unknown {
    return this.#app.output(stack, name);
  }

  ownOutput(name: string): unknown {
    const found = this.template.Outputs[name] ?? fail(`the stack ${this.name} has no output ${name}`);
    return this.resolve(found.Value);
  }

  /** Returns the value that the stack exports under a name. Undefined if it does not. */
  exportNamed(name: string): unknown {
    const found = Object.values(this.template.Outputs).find(
      ({ Export }) => Export !== undefined && this.resolve(Export.Name) === name,
    );
    return found && this.resolve(found.Value);
  }

  /** Returns whether a resource or an output exists. */
  isThere({ Condition }: { readonly Condition?: string }): boolean {
    return Condition === undefined || this.condition(Condition);
  }

  /** Returns the local name of the resource: the name in the template, or one derived from its ids. */
  nameOf(logicalId: string): string {
    const resource = this.#resource(logicalId);
    const { nameProperty } = this.#styleOf(logicalId) ?? {};
    const given = nameProperty === undefined ? undefined : resource.Properties?.[nameProperty];
    const own = given === undefined ? undefined : this.resolve(given);
    if (typeof own === 'string') return own;
    return this.#app.names.get(keyOf({ stack: this.name, logicalId })) ?? logicalId;
  }

  arnOf(logicalId: string): string {
    const { Type, Properties } = this.#resource(logicalId);
    const style = this.#styleOf(logicalId);
    if (style === undefined) {
      if (!LEFT_OUT.has(Type)) return fail(`the local runtime does not know the ARN of ${logicalId}`);
      return `arn:aws:${Type.split('::')[1]?.toLowerCase()}:${here}:${this.nameOf(logicalId)}`;
    }
    const parent = style.parentProperty && Properties?.[style.parentProperty];
    const within = parent === undefined ? '' : `${lastName(this.resolve(parent))}/`;
    return `arn:aws:${style.arn(within + this.nameOf(logicalId))}`;
  }

  /** Returns the path of the construct, or else the logical id, for a person. */
  placeOf(logicalId: string): string {
    const path = this.#resource(logicalId).Metadata?.['aws:cdk:path'];
    return typeof path === 'string' ? path.replace(/\/(Resource|Default)$/, '') : `${this.name}/${logicalId}`;
  }

  #functionUrlOf(logicalId: string): string {
    const target = String(this.resolve(this.#resource(logicalId).Properties?.TargetFunctionArn));
    return functionUrl(this.#app.endpointUrl, target.slice(target.lastIndexOf(':') + 1));
  }

  #styleOf(logicalId: string): ReferenceStyle | undefined {
    return STYLES.get(this.#resource(logicalId).Type);
  }

  #resource(logicalId: string): TemplateResource {
    return (
      this.template.Resources[logicalId] ??
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
