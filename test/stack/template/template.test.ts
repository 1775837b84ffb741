import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { BatchdropStack } from '../../../lib/batchdrop-stack.ts';
import { BUNDLES_CONTEXT } from '../../../lib/stages/function-bundles.ts';
import { synthesizeTemplate } from '../../../lib/template/synthesize-template.ts';
import { resolve, type Scope } from '../../../local/runtime/template/intrinsics.ts';
import { exampleApp, placeholderBundles } from '../synthesis.ts';
import { at } from '../template-reading.ts';

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

interface ParsedTemplate {
  Description: string;
  Parameters: Record<string, { Default?: string | number; Description: string }>;
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

const bundles = placeholderBundles();

function written(context: Record<string, string> = {}) {
  const { template: text, archives } = synthesizeTemplate({
    version: '1.2.3',
    context,
    more: { [BUNDLES_CONTEXT]: bundles },
  });
  const template: ParsedTemplate = JSON.parse(text);
  return { text, template, archives };
}

/** Everything that is fixed when a template is built, and adds something to it. */
const EVERYTHING = {
  webhook: 'yes',
  budget: '{"perDay":10}',
  expireFilesAfterDays: '30',
  approveAbove: '5',
  enqueuedTokens: 'gpt-4o-mini=2000000',
  monitoring: 'full',
  alarmEmail: 'team@example.com',
};

const plain = written();
const largest = written(EVERYTHING);

/** Returns a scope in which references to parameters, or to the stack's name, have these values, and others stay as they are. */
function scopeWith(values: Record<string, unknown>): Scope {
  const refuse = (what: string) => (name: string) => {
    throw new Error(`the template has the ${what} ${name}`);
  };
  return {
    ref: (name) => (Object.hasOwn(values, name) ? values[name] : `<${name}>`),
    attribute: (logicalId, attribute) => `<${logicalId}.${attribute}>`,
    condition: refuse('condition'),
    mapping: refuse('mapping'),
    exported: refuse('import'),
    output: refuse('reference to the stack'),
  };
}

function defaultsOf({ Parameters }: ParsedTemplate): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(Parameters).map(([name, { Default }]) => [name, Default ?? `<${name}>`]),
  );
}

/** The property with the physical name, by type. All other names in a template are names within a resource. */
const NAME_PROPERTY: Record<string, string> = {
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::Events::EventBus': 'Name',
  'AWS::Events::Rule': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::Scheduler::Schedule': 'Name',
};
/** They have no name of their own in an account. */
const PART_OF_ANOTHER = [
  'AWS::IAM::Policy',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Url',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
];

describe('a template for accounts without the CDK', () => {
  it.each([
    ['', plain],
    [' with everything on', largest],
  ])('has no trace of the CDK%s: no bootstrap, no metadata, no asset of its own', (_, { template, text }) => {
    expect(Object.keys(template).sort()).toEqual([
      'Description',
      'Metadata',
      'Outputs',
      'Parameters',
      'Resources',
    ]);
    expect(text).not.toMatch(/hnb659fds|cdk-|aws:cdk|bootstrap|Custom::|asset\./i);
    const members = Object.values(template.Resources).flatMap((resource) => Object.keys(resource));
    expect([...new Set(members)].sort()).toEqual([
      'DeletionPolicy',
      'DependsOn',
      'Properties',
      'Type',
      'UpdateReplacePolicy',
    ]);
  });

  it('is within the limits of CloudFormation, and too large to be sent without a bucket', () => {
    for (const { template, text } of [plain, largest]) {
      expect(Buffer.byteLength(text)).toBeLessThan(1_048_576);
      expect(Object.keys(template.Parameters).length).toBeLessThanOrEqual(200);
      expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
      expect(Object.keys(template.Outputs).length).toBeLessThanOrEqual(200);
      expect(template.Description.length).toBeLessThanOrEqual(1_024);
      for (const { Description } of Object.values(template.Parameters))
        expect(Description.length).toBeLessThanOrEqual(4_000);
    }
    expect(Buffer.byteLength(plain.text)).toBeGreaterThan(51_200);
  });

  it('is plain ASCII, because CloudFormation replaces other characters by question marks', () => {
    expect([...largest.text].filter((character) => character.charCodeAt(0) > 126)).toEqual([]);
  });

  it('names its version, and the archive of each function in the bucket that a parameter names', () => {
    expect(plain.template.Description).toContain('1.2.3');
    const codes = Object.values(plain.template.Resources).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function'
        ? [resolve(Properties.Code, scopeWith({ AssetsBucket: 'mine', AssetsPrefix: 'x/' }))]
        : [],
    );
    expect(codes).toHaveLength(6);
    expect(plain.archives.size).toBe(6);
    expect(codes.map((code) => at(code, 'S3Bucket'))).toEqual(codes.map(() => 'mine'));
    expect(codes.map((code) => at(code, 'S3Key')).sort()).toEqual(
      [...plain.archives.keys()].map((path) => `x/${path}`).sort(),
    );
  });
});

describe('two stacks of one template in an account and region', () => {
  /** Returns what is unique in an account, of a stack with this name. */
  function names(stack: string): string[] {
    const scope = scopeWith({ ...defaultsOf(largest.template), 'AWS::StackName': stack });
    return Object.entries(largest.template.Resources).flatMap(([id, { Type, Properties }]) => {
      if (PART_OF_ANOTHER.includes(Type)) return [];
      const property = NAME_PROPERTY[Type];
      if (property === undefined) throw new Error(`${id}: what is the name of a ${Type}?`);
      const name = Properties[property];
      return name === undefined ? [] : [String(resolve(name, scope))]; // CloudFormation generates one with the stack's
    });
  }

  it('share no name: each name in the template begins with the name of the stack', () => {
    const [one, two] = [names('one'), names('two')];
    expect(one).toContain('one.Batchdrop'); // the bus
    expect(one.filter((name) => !/^one\.Batchdrop($|-)/.test(name))).toEqual([]);
    expect(new Set(one).size).toBe(one.length);
    expect(two).toEqual(one.map((name) => name.replace(/^one/, 'two')));
  });

  it('share no metric, no instance in events, and no export', () => {
    const scope = scopeWith({ ...defaultsOf(largest.template), 'AWS::StackName': 'one' });
    const resources = Object.values(largest.template.Resources);
    const ofBatchdrop = (metric: unknown) => at(metric, 'Namespace') === 'Batchdrop';
    const metrics = resources
      .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
      .flatMap(({ Properties }) => [
        Properties,
        ...[Properties.Metrics ?? []].flat().map((each) => at(each, 'MetricStat', 'Metric')),
      ])
      .filter(ofBatchdrop);
    expect(metrics.length).toBeGreaterThan(10);
    for (const metric of metrics)
      expect(resolve(at(metric, 'Dimensions'), scope)).toEqual([{ Name: 'service', Value: 'one.Batchdrop' }]);
    const instances = resources.flatMap(
      ({ Properties }) => at(Properties, 'Environment', 'Variables', 'INSTANCE') ?? [],
    );
    expect(instances).toHaveLength(7);
    for (const instance of instances) expect(resolve(instance, scope)).toBe('one.Batchdrop');
    expect(largest.text).not.toContain('"Export"');
    const webhook = resources.flatMap(
      ({ Properties }) => at(Properties, 'Environment', 'Variables', 'WEBHOOK_SECRET_ID') ?? [],
    );
    expect(webhook.map((each) => resolve(each, scope))).toEqual(['batchdrop/webhook/one']);
    // Nothing else contains the name that a stack of a CDK app would have.
    expect(largest.text).not.toMatch(/"Batchdrop\.Batchdrop|Batchdrop-Batchdrop/);
  });
});

describe('the parameters', () => {
  it('need only the name of the bucket, and each is used', () => {
    const { Parameters } = plain.template;
    const required = Object.entries(Parameters).filter(([, { Default }]) => Default === undefined);
    expect(required.map(([name]) => name)).toEqual(['AssetsBucket']);
    for (const name of Object.keys(Parameters)) expect(plain.text, name).toContain(`"Ref": "${name}"`);
  });

  it('give by default what `cdk deploy` deploys', () => {
    const scope = scopeWith({ ...defaultsOf(plain.template), 'AWS::StackName': 'Batchdrop' });
    const stack = new BatchdropStack(exampleApp(bundles), 'Batchdrop');
    const deployed: Record<string, Resource> = Template.fromStack(stack).toJSON().Resources;
    const ours = Object.entries(plain.template.Resources).filter(([id]) => !id.startsWith('AlarmTopic'));
    expect(ours.map(([id]) => id).sort()).toEqual(Object.keys(deployed).sort());
    for (const [id, { Type, Properties }] of ours) {
      const expected = Object(resolve(deployed[id]?.Properties, scope));
      if (Type === 'AWS::Lambda::Function') expected.Code = expect.anything();
      if (Type === 'AWS::CloudWatch::Alarm') expected.AlarmActions = ['<AlarmTopicD01E77F9>'];
      if (Type === 'AWS::Logs::LogGroup') expected.RetentionInDays = String(expected.RetentionInDays);
      const variables = at(expected, 'Environment', 'Variables');
      if (at(variables, 'MAX_ATTEMPTS') !== undefined)
        Object.assign(Object(variables), { MAX_ATTEMPTS: 3, FLAT_RESULTS: 'no' });
      expect(resolve(Properties, scope), id).toEqual(expected);
    }
  });

  it('leave the alarms to a topic that people can subscribe to, unless the template names an address or has no alarms', () => {
    const topicsOf = ({ Resources }: ParsedTemplate) =>
      Object.entries(Resources).flatMap(([id, { Type }]) => (Type === 'AWS::SNS::Topic' ? [id] : []));
    expect(topicsOf(plain.template)).toEqual([expect.stringMatching(/^AlarmTopic/)]);
    expect(Object.keys(plain.template.Outputs)).toContain('SubscribeToAlarms');
    expect(topicsOf(largest.template)).toEqual([expect.stringMatching(/^BatchdropAlarmMail/)]);
    expect(topicsOf(written({ monitoring: 'none' }).template)).toEqual([]);
  });

  it('do not contain what is fixed in the template', () => {
    const fixed = { baseUrl: 'https://api.groq.com/openai/v1', maxAttempts: '5', flatResults: 'yes' };
    const { template, text } = written(fixed);
    const names = Object.keys(template.Parameters);
    expect(names).toContain('ApiKeySecretName');
    for (const name of ['BaseUrl', 'MaxAttempts', 'FlatResults']) expect(names).not.toContain(name);
    expect(text).toContain('"MAX_ATTEMPTS": "5"');
    expect(text).toContain('"OPENAI_BASE_URL": "https://api.groq.com/openai/v1"');
    // Files that expire do so after all attempts, so their number is fixed as well.
    expect(Object.keys(largest.template.Parameters)).not.toContain('MaxAttempts');
  });

  it('change no resource: the template has no conditions', () => {
    expect(largest.text).not.toMatch(/"Fn::If"|"Condition": "/);
  });
});

describe('what cannot be meant', () => {
  it.each([
    ['a name that nothing reads', { stage: 'prod' }, 'context stage is unknown'],
    ['a name with a typing error', { pollMinute: '5' }, 'did you mean pollMinutes?'],
    ['the name of a stack', { stackName: 'two' }, 'name the stack when you create it'],
    ['an invalid value', { maxAttempts: '11' }, 'maxAttempts is 11'],
  ])('%s is refused', (_, context, problem) => {
    expect(() => written(context)).toThrow(problem);
  });
});
