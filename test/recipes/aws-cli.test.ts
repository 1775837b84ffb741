import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, list } from '../stack/template-reading.ts';
import { Emulator } from './emulator.ts';
import { pythonTools } from './python-tools.ts';
import { type ReleasedTemplate, run, unpacked } from './written-template.ts';

const BUCKET = 'our-assets';
const STACKS = ['one', 'two'];

let emulator: Emulator;
let release: string;
let tools: string;
let template: ReleasedTemplate;

beforeAll(async () => {
  tools = await pythonTools();
  release = await unpacked();
  template = JSON.parse(readFileSync(join(release, 'batchdrop.template.json'), 'utf8'));
  emulator = await Emulator.start(tools);
  await run('aws', ['s3', 'mb', `s3://${BUCKET}`], { env: emulator.env });
}, 1_200_000);

afterAll(() => emulator?.close());

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

describe('cfn-lint', () => {
  it('finds nothing in the template', async () => {
    // W3005: the CDK names dependencies that a reference implies.
    const { stdout } = await run(join(tools, 'cfn-lint'), [
      '--ignore-checks',
      'W3005',
      '--',
      join(release, 'batchdrop.template.json'),
    ]);
    expect(stdout).toBe('');
  });
});

describe('deploy.sh, with the AWS CLI', () => {
  it('deploys two stacks side by side, and prints the commands to begin with', async () => {
    const printed = await deploy('one');
    expect(printed).toContain('create-secret --name batchdrop/openai');
    expect(printed).toContain('one.Batchdrop');
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
    const { QueueUrls } = Object(await emulator.aws('sqs', 'list-queues'));
    expect(QueueUrls).toHaveLength(2 * wanted.filter((type) => type === 'AWS::SQS::Queue').length);
  });

  it('gives no resource of one stack the name of a resource of the other', async () => {
    const [one = [], two = []] = await Promise.all(STACKS.map(resourcesOf));
    const named = ({ type, id }: { type: string; id: string }) => `${type} ${id}`;
    const others = new Set(two.map(named));
    // A policy is a part of its role, and has no name of its own.
    const shared = one.filter((each) => each.type !== 'AWS::IAM::Policy' && others.has(named(each)));
    expect(shared).toEqual([]);
  });

  it('passes the parameters to the functions, and their code from the bucket', async () => {
    const [one, two] = await Promise.all(STACKS.map(deliverOf));
    expect(at(one, 'Environment', 'Variables')).toMatchObject({
      MAX_ATTEMPTS: '3',
      FLAT_RESULTS: 'no',
      OPENAI_SECRET_ID: 'batchdrop/openai',
    });
    expect(at(two, 'Environment', 'Variables')).toMatchObject({
      MAX_ATTEMPTS: '5',
      OPENAI_SECRET_ID: 'batchdrop/two',
    });
    const archive = readdirSync(join(release, 'functions')).find((name) => name.startsWith('delivery-'));
    expect(at(one, 'CodeSize')).toBe(statSync(join(release, 'functions', archive ?? '')).size);
  });

  it('updates a stack, whose other parameters keep their values', async () => {
    await deploy('two', 'FlatResults=yes');
    expect(await statusOf('two')).toBe('UPDATE_COMPLETE');
    expect(at(await deliverOf('two'), 'Environment', 'Variables')).toMatchObject({
      MAX_ATTEMPTS: '5',
      FLAT_RESULTS: 'yes',
    });
  });

  it('explains its use without arguments', async () => {
    const refused = run(join(release, 'recipes', 'deploy.sh'), [BUCKET]);
    await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('usage:') });
  });
});
