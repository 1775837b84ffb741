import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import type { Queues } from '../../../local/aws/sqs/queues.ts';
import { VirtualClock } from '../../../local/clock.ts';
import {
  EventSourceMapping,
  failedIds,
  type MappingSpec,
} from '../../../local/lambda/event-source-mapping.ts';
import { functionEnvironment } from '../../../local/lambda/function-environment.ts';
import type { FunctionSpec } from '../../../local/lambda/function-spec.ts';
import { LambdaFunction } from '../../../local/lambda/lambda-function.ts';

const VISIBILITY_SECONDS = 600;

let directory: string;
let clock: VirtualClock;
let engine: SqsEngine;
let queues: Queues;
let queueArn: string;
const closing: (() => Promise<void>)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-mapping-'));
  clock = new VirtualClock({ speed: 6_000 });
  engine = new SqsEngine({ directory, clock });
  queues = engine.queues;
  const deadLetterTargetArn = queues.createQueue('dead', { time: 'clock' });
  queueArn = queues.createQueue('work', {
    time: 'clock',
    visibilityTimeoutSeconds: VISIBILITY_SECONDS,
    redrive: { deadLetterTargetArn, maxReceiveCount: 2 },
  });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await engine.close();
  clock.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Maps the queue to a function that appends each body with its time to `seen.jsonl` and then runs `source`. */
function mapped(
  source: string,
  spec: Partial<MappingSpec> = {},
): { seen: () => Seen[]; concurrent: () => number } {
  const code = join(directory, 'code');
  mkdirSync(code);
  const journal = join(code, 'seen.jsonl');
  writeFileSync(journal, '');
  writeFileSync(
    join(code, 'index.js'),
    `const { appendFileSync } = require('node:fs');
     const note = (line) => appendFileSync(${JSON.stringify(journal)}, JSON.stringify(line) + '\\n');
     exports.handler = async (event) => {
       note({ bodies: event.Records.map((record) => record.body), records: event.Records, at: Date.now() });
       ${source}
     };`,
  );
  const lambdaSpec: FunctionSpec = {
    name: 'mapped',
    arn: 'arn:aws:lambda:us-east-1:000000000000:function:mapped',
    codeDirectory: code,
    handler: 'index.handler',
    memoryMb: 128,
    timeoutSeconds: 30,
    logGroup: '/aws/lambda/mapped',
    environment: {},
    asynchronous: { retries: 0, maxEventAgeSeconds: 60 },
  };
  const lambda = new LambdaFunction(lambdaSpec, {
    environment: functionEnvironment(lambdaSpec, {
      endpointUrl: 'http://127.0.0.1:1',
      credentials: { accessKeyId: 'LOCAL', secretAccessKey: 'local' },
    }),
    clock,
    logDirectory: join(directory, 'logs'),
    mayLog: () => true,
    onProblem: () => {},
  });
  const whole = { queueArn, batchSize: 10, maximumConcurrency: 2, reportsItemFailures: true, ...spec };
  const mapping = new EventSourceMapping(whole, lambda, queues);
  mapping.start();
  closing.push(async () => {
    const stopping = mapping.stop();
    await lambda.close();
    await stopping;
  });
  return {
    seen: () =>
      readFileSync(journal, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    concurrent: () => lambda.pids.length,
  };
}

interface Seen {
  bodies: string[];
  records: (Record<string, unknown> & { attributes: Record<string, string> })[];
  at: number;
}

function left(arn: string): number {
  const { visible, inFlight } = queues.counts(queues.byArn(arn));
  return visible + inFlight;
}

describe('an event source mapping', () => {
  it('delivers the messages in the queue and new ones, and deletes them after success', async () => {
    queues.send(queueArn, 'was there');
    const { seen } = mapped('');
    queues.send(queueArn, 'came later');
    await expect.poll(() => left(queueArn), { timeout: 10_000 }).toBe(0);
    expect(
      seen()
        .flatMap(({ bodies }) => bodies)
        .sort(),
    ).toEqual(['came later', 'was there']);
  });

  it('passes records as Lambda does', async () => {
    queues.send(queueArn, 'body', { attributes: { kind: { DataType: 'String', StringValue: 'x' } } });
    const { seen } = mapped('');
    await expect.poll(() => left(queueArn), { timeout: 10_000 }).toBe(0);
    expect(seen()[0]?.records[0]).toMatchObject({
      messageId: expect.any(String),
      receiptHandle: expect.any(String),
      body: 'body',
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d+$/) },
      messageAttributes: { kind: { dataType: 'String', stringValue: 'x' } },
      md5OfBody: '841a2d689ad86bd1611447453c22c6fc',
      eventSource: 'aws:sqs',
      eventSourceARN: queueArn,
      awsRegion: 'us-east-1',
    });
  });

  it('keeps a failed record hidden until its visibility time-out and deletes the other records', async () => {
    for (const body of ['good', 'bad', 'fine']) queues.send(queueArn, body);
    const { seen } = mapped(`
      const bad = event.Records.filter((record) => record.body === 'bad' && record.attributes.ApproximateReceiveCount === '1');
      return { batchItemFailures: bad.map((record) => ({ itemIdentifier: record.messageId })) };`);
    await expect.poll(() => left(queueArn), { timeout: 10_000 }).toBe(0);
    const tries = seen().filter(({ bodies }) => bodies.includes('bad'));
    expect(tries).toHaveLength(2);
    // Counted from the receipt. The function starts a little later, and until then the clock runs fast.
    const again = tries[1]?.records.find(({ body }) => body === 'bad');
    const received = Number(again?.attributes.ApproximateFirstReceiveTimestamp);
    expect(Number(tries[1]?.at) - received).toBeGreaterThanOrEqual(VISIBILITY_SECONDS * 1_000);
    expect(seen().filter(({ bodies }) => bodies.includes('good'))).toHaveLength(1);
  });

  it('moves a message that always fails to the dead-letter queue', async () => {
    queues.send(queueArn, 'poison');
    const { seen } = mapped(`throw new Error('never');`);
    await expect.poll(() => left('arn:aws:sqs:us-east-1:000000000000:dead'), { timeout: 10_000 }).toBe(1);
    expect(seen()).toHaveLength(2);
    expect(left(queueArn)).toBe(0);
  });

  it('ignores reported failures if the mapping does not enable them', async () => {
    queues.send(queueArn, 'bad');
    mapped('return { batchItemFailures: [{ itemIdentifier: event.Records[0].messageId }] };', {
      reportsItemFailures: false,
    });
    await expect.poll(() => left(queueArn), { timeout: 10_000 }).toBe(0);
    expect(left('arn:aws:sqs:us-east-1:000000000000:dead')).toBe(0);
  });

  it('respects its batch size and its concurrency', async () => {
    for (let at = 0; at < 8; at++) queues.send(queueArn, `message ${at}`);
    // The invocations of each pair run at the same time: the first one waits until the second has begun.
    const { seen, concurrent } = mapped(
      `const { readFileSync } = require('node:fs');
       const begun = () => readFileSync(${JSON.stringify(join(directory, 'code', 'seen.jsonl'))}, 'utf8').split('\\n').slice(0, -1);
       const mine = 1 + begun().findIndex((line) => line.includes(event.Records[0].messageId));
       while (begun().length < mine + (mine % 2)) await new Promise((resolve) => setTimeout(resolve, 20));`,
      { batchSize: 2, maximumConcurrency: 2 },
    );
    await expect.poll(() => left(queueArn), { timeout: 10_000 }).toBe(0);
    expect(seen().map(({ bodies }) => bodies.length)).toEqual([2, 2, 2, 2]);
    expect(concurrent()).toBe(2);
  });
});

describe('the failures that a handler reports', () => {
  const messages = [{ messageId: 'a' }, { messageId: 'b' }];
  const reported = (...failures: unknown[]) => ({ batchItemFailures: failures });

  it.each([
    ['nothing', undefined, []],
    ['null', null, []],
    ['an empty object', {}, []],
    ['an empty list', reported(), []],
    ['no list', { batchItemFailures: null }, []],
    ['one record', reported({ itemIdentifier: 'b' }), ['b']],
    ['a null id, which fails all', reported({ itemIdentifier: null }), ['a', 'b']],
    ['an empty id, which fails all', reported({ itemIdentifier: '' }), ['a', 'b']],
    ['an unknown id, which fails all', reported({ itemIdentifier: 'c' }), ['a', 'b']],
    ['a wrong key, which fails all', reported({ id: 'a' }), ['a', 'b']],
    ['a string, which fails all', 'done', ['a', 'b']],
  ])('may be %s', (_, answer, failed) => {
    expect([...failedIds(answer, messages)].sort()).toEqual(failed);
  });
});
