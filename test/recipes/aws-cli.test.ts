import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, list } from '../stack/template-reading.ts';
import { Emulator } from './emulator.ts';
import { pythonTools } from './python-tools.ts';
import { type ReleasedTemplate, run, unpacked } from './written-template.ts';

const BUCKET = 'our-assets';
const STACKS = ['one', 'two'];

/** What moto's CloudFormation does not create. The tests in test/stack/template compare its names. */
const NOT_IN_MOTO = [
  'AWS::CloudWatch::Alarm',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
];

let emulator: Emulator;
let release: string;
let template: ReleasedTemplate;

beforeAll(async () => {
  const tools = await pythonTools();
  release = await unpacked();
  template = writeTemplate(({ Type }) => !NOT_IN_MOTO.includes(Type));
  emulator = await Emulator.start(tools);
  await run('aws', ['s3', 'mb', `s3://${BUCKET}`], { env: emulator.env });
}, 1_200_000);

afterAll(() => emulator?.close());

/** Replaces the unpacked template by one with fewer resources. */
function writeTemplate(isKept: (resource: { Type: string }) => boolean): ReleasedTemplate {
  const path = join(release, 'batchdrop.template.json');
  const whole: ReleasedTemplate = JSON.parse(readFileSync(path, 'utf8'));
  const kept = Object.entries(whole.Resources).filter(([, resource]) => isKept(resource));
  const reduced = { ...whole, Resources: Object.fromEntries(kept) };
  writeFileSync(path, JSON.stringify(reduced));
  return reduced;
}

/** Runs the recipe. Returns what it printed. */
async function deploy(stack: string, ...parameters: string[]): Promise<string> {
  const { stdout } = await run(join(release, 'recipes', 'deploy.sh'), [BUCKET, stack, ...parameters], {
    env: emulator.env,
  });
  return stdout;
}

async function statusOf(stack: string): Promise<unknown> {
  const described = await emulator.aws('cloudformation', 'describe-stacks', '--stack-name', stack);
  return at(described, 'Stacks', 0, 'StackStatus');
}

/** Returns the type and the physical id of each resource. */
async function resourcesOf(stack: string): Promise<{ type: string; id: string }[]> {
  const all = await emulator.aws('cloudformation', 'describe-stack-resources', '--stack-name', stack);
  return list(at(all, 'StackResources')).map((resource) => ({
    type: String(at(resource, 'ResourceType')),
    id: String(at(resource, 'PhysicalResourceId')),
  }));
}

/** Returns the environment of the DELIVER of a stack, and the size of its code. */
async function deliverOf(stack: string): Promise<unknown> {
  const all = await emulator.aws('lambda', 'list-functions');
  return list(at(all, 'Functions')).find(
    (each) =>
      at(each, 'Environment', 'Variables', 'INSTANCE') === `${stack}.Batchdrop` &&
      at(each, 'Environment', 'Variables', 'MAX_ATTEMPTS') !== undefined,
  );
}

/** Returns the variables of a function that are values of parameters. moto has numbers where CloudFormation has text. */
function settingsOf(deliver: unknown) {
  const variable = (name: string) => String(at(deliver, 'Environment', 'Variables', name));
  return {
    attempts: variable('MAX_ATTEMPTS'),
    tables: variable('FLAT_RESULTS'),
    secret: variable('OPENAI_SECRET_ID'),
  };
}

describe('deploy.sh, with the AWS CLI', () => {
  it('deploys two stacks side by side', async () => {
    await deploy('one');
    await deploy('two', 'MaxAttempts=5', 'ApiKeySecretName=batchdrop/two');
    for (const stack of STACKS) expect(await statusOf(stack)).toBe('CREATE_COMPLETE');
  });

  it('creates every resource of the template', async () => {
    const wanted = Object.values(template.Resources)
      .map(({ Type }) => Type)
      .sort();
    const made = await resourcesOf('one');
    expect(made.map(({ type }) => type).sort()).toEqual(wanted);
    const { EventBuses } = Object(await emulator.aws('events', 'list-event-buses'));
    expect(list(EventBuses).map((bus) => at(bus, 'Name'))).toEqual(
      expect.arrayContaining(['one.Batchdrop', 'two.Batchdrop']),
    );
    const { Functions } = Object(await emulator.aws('lambda', 'list-functions'));
    expect(Functions).toHaveLength(2 * wanted.filter((type) => type === 'AWS::Lambda::Function').length);
  });

  it('gives no resource of one stack the name of a resource of the other', async () => {
    const [one = [], two = []] = await Promise.all(STACKS.map(resourcesOf));
    const named = ({ type, id }: { type: string; id: string }) => `${type} ${id}`;
    const others = new Set(two.map(named));
    expect(one.length).toBeGreaterThan(40);
    // moto has no id for a bus. It has refused a second one of the same name; see below.
    const shared = one.filter((each) => each.type !== 'AWS::Events::EventBus' && others.has(named(each)));
    expect(shared).toEqual([]);
  });

  it('could not deploy a second stack with a name of its own in the template', async () => {
    const [bus] = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Events::EventBus');
    const Resources = { Bus: { ...bus, Properties: { Name: 'one.Batchdrop' } } };
    const file = join(release, 'clash.json');
    writeFileSync(file, JSON.stringify({ Resources }));
    const create = ['create-stack', '--stack-name', 'clash', '--template-body', `file://${file}`];
    await expect(emulator.aws('cloudformation', ...create)).rejects.toThrow('already exists');
  });

  it('passes the parameters to the functions, and their code from the bucket', async () => {
    const [one, two] = await Promise.all(STACKS.map(deliverOf));
    expect(settingsOf(one)).toEqual({ attempts: '3', tables: 'no', secret: 'batchdrop/openai' });
    expect(settingsOf(two)).toEqual({ attempts: '5', tables: 'no', secret: 'batchdrop/two' });
    const archive = readdirSync(join(release, 'functions')).find((name) => name.startsWith('delivery-'));
    expect(at(one, 'CodeSize')).toBe(statSync(join(release, 'functions', archive ?? '')).size);
  });

  it('updates a stack, whose other parameters keep their values', async () => {
    await deploy('two', 'FlatResults=yes');
    expect(await statusOf('two')).toBe('UPDATE_COMPLETE');
    expect(settingsOf(await deliverOf('two'))).toEqual({
      attempts: '5',
      tables: 'yes',
      secret: 'batchdrop/two',
    });
  });

  it('explains its use without arguments', async () => {
    const refused = run(join(release, 'recipes', 'deploy.sh'), [BUCKET]);
    await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('usage:') });
  });
});

describe('the commands of docs/cloudformation.md', () => {
  it('create a stack from a template in the bucket, whose outputs say how to begin', async () => {
    const key = 'batchdrop/VERSION.template.json';
    const env = { env: emulator.env };
    await run('aws', ['s3', 'cp', join(release, 'batchdrop.template.json'), `s3://${BUCKET}/${key}`], env);
    await emulator.aws(
      ...['cloudformation', 'create-stack', '--stack-name', 'three', '--capabilities', 'CAPABILITY_IAM'],
      ...['--template-url', `${emulator.env.AWS_ENDPOINT_URL}/${BUCKET}/${key}`],
      ...['--parameters', `ParameterKey=AssetsBucket,ParameterValue=${BUCKET}`],
    );
    await emulator.aws('cloudformation', 'wait', 'stack-create-complete', '--stack-name', 'three');
    const described = await emulator.aws('cloudformation', 'describe-stacks', '--stack-name', 'three');
    const outputs = new Map(
      list(at(described, 'Stacks', 0, 'Outputs')).map((one) => [
        at(one, 'OutputKey'),
        at(one, 'OutputValue'),
      ]),
    );
    expect(outputs.get('Instance')).toBe('three.Batchdrop');
    expect(outputs.get('StoreApiKey')).toContain('create-secret --name batchdrop/openai');
    expect(outputs.get('SubscribeToAlarms')).toContain(':three-AlarmTopic');
    expect([...outputs.keys()].sort()).toEqual(Object.keys(template.Outputs).sort());
  });
});
