import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../bin/operations/finding.ts';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { readAssembly } from '../../../local/runtime/assembly.ts';
import { describeStack } from '../../../local/runtime/describe-stack.ts';
import { Engines } from '../../../local/runtime/engines.ts';
import { parseTemplate } from '../../../local/runtime/parse-template.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { exampleApp } from '../../stack/synthesis.ts';
import { batchdrop } from '../child-runtime.ts';

let directory: string;
let engines: Engines;
let endpoint: Endpoint;
let queues: { logicalId: string; physicalId: string }[] = [];

/** Deploys a stack of the user's own. All resources exist, but no function runs. */
async function deploy(name: string, fill: (stack: Stack) => void): Promise<void> {
  const app = exampleApp();
  fill(new Stack(app, name));
  const assembly = readAssembly(app.synth().directory);
  await engines.apply(parseTemplate(assembly, endpoint.url));
  const described = { ...describeStack(assembly.template, endpoint.url), name };
  engines.cloudFormation.add(described);
  queues = [...queues, ...described.resources.filter(({ type }) => type === 'AWS::SQS::Queue')];
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-constructs-'));
  const invocations = { invoke: async () => {}, invokeLater: () => {}, report: () => {} };
  engines = new Engines({
    directory,
    clock: new ManualClock(Date.now()),
    invocations,
    authorizer: new Authorizer(),
  });
  endpoint = await startEndpoint({ services: engines.all, port: 0 });
  await deploy('Reports', (stack) => {
    new Batchdrop(stack, 'Nightly');
    new Batchdrop(stack, 'By-Request');
    new CfnOutput(stack, 'CancelQueueUrl', { value: 'of something else' });
  });
  await deploy('Search', (stack) => {
    new Batchdrop(stack, 'Embeddings');
  });
  await deploy('Unrelated', (stack) => {
    new Queue(stack, 'Queue');
  });
});

afterAll(async () => {
  await endpoint?.close();
  await engines?.close();
  rmSync(directory, { recursive: true });
});

/** Runs a command in the account. Variables may follow the arguments. */
const cli = (...args: (string | Record<string, string>)[]) =>
  batchdrop([...args.filter((arg) => typeof arg === 'string'), '--region', 'us-east-1'], {
    env: {
      ...args.find((arg) => typeof arg !== 'string'),
      AWS_ENDPOINT_URL: endpoint.url,
      AWS_ACCESS_KEY_ID: 'somebody',
      AWS_SECRET_ACCESS_KEY: 'something',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });

describe("a construct in the user's own stack", () => {
  it('is found if it is the only one', async () => {
    expect(await cli('pause', '--stack', 'Search')).toEqual({
      ...{ code: 0, stderr: '' },
      stdout:
        'Paused in the stack Search of account 000000000000. Batchdrop sends nothing new to the API. To resume: batchdrop resume\n',
    });
    expect(await cli('list', '--stack', 'Search', '--json')).toMatchObject({
      code: 0,
      stdout: '[]\n',
    });
  });

  it('is checked by the doctor', async () => {
    const { stdout } = await cli('doctor', '--stack', 'Search', '--json');
    const findings: Finding[] = JSON.parse(stdout);
    const passed = findings.filter(({ verdict }) => verdict === 'ok').map(({ check }) => check);
    const queues = ['intake', 'submit', 'deliver', 'cancel', 'approve', 'undelivered'].map(
      (name) => `DLQ ${name}`,
    );
    expect(passed).toEqual(expect.arrayContaining(['stack', 'request bucket', ...queues]));
    // This secret contains no key, and no tick has run.
    expect(findings.find(({ check }) => check === 'secret')?.found).toContain('batchdrop/openai');
  });

  it('is selected by its id if there are two, each with its own ledger', async () => {
    const pause = (construct: string) =>
      cli('pause', '--stack', 'Reports', '--construct', construct, '--json');
    const paused = [await pause('Nightly'), await pause('Nightly'), await pause('By-Request')];
    expect(paused.map(({ stdout }) => JSON.parse(stdout).changed)).toEqual([true, false, true]);
  });

  it('is selected by BATCHDROP_STACK, and then acts only after a yes', async () => {
    const inSearch = (...args: string[]) => cli(...args, { BATCHDROP_STACK: 'Search' });
    expect(await inSearch('list', '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
    for (const args of [['pause'], ['resume'], ['redrive', 'submit'], ['cancel', '--key', 'a.jsonl']]) {
      const refused = await inSearch(...args);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(
        /^This command asks: .* in the stack Search of account 000000000000\? \(BATCHDROP_STACK names this stack\.\) .* name the stack with --stack, or add --yes\.\n$/,
      );
    }
    expect(await inSearch('resume', '--yes')).toMatchObject({
      code: 0,
      stdout: 'Resumed in the stack Search of account 000000000000. No file was waiting.\n',
    });
    expect(await inSearch('resume', '--stack', 'Search')).toMatchObject({ code: 0 });
    const local = await batchdrop(['list', '--local'], {
      env: { BATCHDROP_STACK: 'Search' },
      cwd: directory,
    });
    expect(local.stderr).toContain('No Batchdrop is running in .batchdrop');
  });

  it('has its own queues, and dead letters move back to them', async () => {
    const client = new SQSClient(clientConfig(endpoint.url));
    const url = (id: RegExp) => queues.find(({ logicalId }) => id.test(logicalId))?.physicalId ?? '';
    await client.send(
      new SendMessageCommand({
        QueueUrl: url(/^ByRequestSubmissionWorkDeadLetters/),
        MessageBody: 'of the second',
      }),
    );
    const redrive = (construct: string) =>
      cli('redrive', 'submit', '--stack', 'Reports', '--construct', construct, '--json');
    expect(JSON.parse((await redrive('Nightly')).stdout)).toEqual({ queue: 'submit', moved: 0 });
    expect(JSON.parse((await redrive('By-Request')).stdout)).toEqual({ queue: 'submit', moved: 1 });
    const QueueUrl = url(/^ByRequestSubmissionWorkQueue/);
    const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['of the second']);
    client.destroy();
  });

  it.each([
    [
      'there are several',
      ['--stack', 'Reports'],
      'The stack Reports contains 2 Batchdrops. Select one with --construct: Nightly, ByRequest.',
    ],
    [
      'none has this id',
      ['--stack', 'Search', '--construct', 'Nightly'],
      'The stack Search contains no Batchdrop Nightly. It contains: Embeddings.',
    ],
    [
      'there is none',
      ['--stack', 'Unrelated'],
      'The stack Unrelated contains no Batchdrop, or its deployment has not completed.',
    ],
  ])('must be selected if %s', async (_, where, sentence) => {
    expect(await cli('list', ...where)).toEqual({ code: 1, stdout: '', stderr: `${sentence}\n` });
  });
});
