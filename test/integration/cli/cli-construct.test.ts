import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../bin/operations/finding.ts';
import { openDynamoDbLedger } from '../../../functions/shared/adapters/dynamodb/open-ledger.ts';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { Engines } from '../../../local/runtime/engines.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import { aJob } from '../../contracts/samples.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { exampleApp } from '../../stack/synthesis.ts';
import { batchdrop } from '../child-runtime.ts';

let directory: string;
let engines: Engines;
let endpoint: Endpoint;
let queues: { logicalId: string; physicalId: string }[] = [];
let resources: { logicalId: string; physicalId: string }[] = [];

/** Deploys a stack of the user's own. All resources exist, but no function runs. */
async function deploy(name: string, fill: (stack: Stack) => void): Promise<void> {
  const app = exampleApp();
  fill(new Stack(app, name));
  const assembly = readAssembly(app.synth().directory);
  const plan = parseTemplate(assembly, endpoint.url);
  await engines.apply(plan);
  for (const described of plan.stacks) {
    engines.cloudFormation.add(described);
    resources = [...resources, ...described.resources];
    queues = [...queues, ...described.resources.filter(({ type }) => type === 'AWS::SQS::Queue')];
  }
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

describe('a construct of an app on this machine', () => {
  const local = (...args: string[]) => batchdrop([...args, '--endpoint', endpoint.url]);

  it('is selected by its stack and its id, or by its id alone', async () => {
    for (const which of [
      ['--stack', 'Reports', '--construct', 'By-Request'],
      ['--construct', 'Embeddings'],
    ])
      expect(await local('list', ...which, '--json')).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('has to be selected, because the app has several', async () => {
    expect(await local('list')).toMatchObject({
      code: 1,
      stderr:
        'The app on this machine contains 3 Batchdrops. Select one with --local --stack and --construct: Reports Nightly, Reports ByRequest, Search Embeddings.\n',
    });
  });
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

  it('has the logs of a job in the log groups of its functions', async () => {
    const [table] = resources.filter(({ logicalId }) => /^EmbeddingsLedger/.test(logicalId));
    const groups = resources.filter(({ logicalId }) => /^Embeddings\w+WorkerLogs/.test(logicalId));
    const tableName = table?.physicalId ?? '';
    const { ledger, close } = openDynamoDbLedger({
      clientConfig: clientConfig(endpoint.url),
      tableName,
      clock: Date,
    });
    const job = aJob({ jobId: 'a2'.repeat(13) });
    await ledger.createJob(job);
    close();
    const asked: { logGroupName: string; filterPattern: string; startTime: number; nextToken?: string }[] =
      [];
    const line = (second: number, service: string) =>
      JSON.stringify({
        timestamp: `2026-11-01T12:00:0${second}.000Z`,
        level: 'WARN',
        service,
        code: 'retry',
        jobId: job.jobId,
        tries: 2,
      });
    // Stands in for CloudWatch Logs: two pages of lines in one group, and none in the others.
    const cloudWatch = createServer(async (request, response) => {
      const query = JSON.parse(await text(request));
      asked.push(query);
      const isFirst = query.logGroupName === asked[0]?.logGroupName;
      const second = query.nextToken === undefined;
      const events = isFirst
        ? [{ message: second ? line(7, 'submit') : line(3, 'intake') }, { message: 'START' }]
        : [];
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      response.end(JSON.stringify({ events, ...(isFirst && second && { nextToken: 'more' }) }));
    });
    await new Promise<void>((resolve) => cloudWatch.listen(0, '127.0.0.1', () => resolve()));
    const address = cloudWatch.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const logs = await cli('logs', 'a2a2', '--stack', 'Search', {
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: `http://127.0.0.1:${port}`,
    });
    cloudWatch.close();
    expect(logs).toEqual({
      ...{ code: 0, stderr: '' },
      stdout:
        '2026-11-01 12:00:03  WARN   intake    retry  tries=2\n2026-11-01 12:00:07  WARN   submit    retry  tries=2\n',
    });
    expect(new Set(asked.map(({ logGroupName }) => logGroupName))).toEqual(
      new Set(groups.map(({ physicalId }) => physicalId)),
    );
    expect(groups.length).toBeGreaterThan(4);
    for (const query of asked)
      expect(query).toMatchObject({ filterPattern: `"${job.jobId}"`, startTime: job.createdAt - 60_000 });
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
