import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { buildApp } from 'fauxqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { queueUrl } from '../../../local/aws/sqs/queue.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { SqsCaller } from './sqs-caller.ts';
import { Comparison, type Step } from './sqs-comparison.ts';

const VISIBILITY_SECONDS = 30;
const MAX_RECEIVES = 2;
const SEQUENCES = 300;

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-sqs-differential-'));
const clock = new ManualClock();
const engine = new SqsEngine({ directory, clock });
const other = buildApp({ logger: false });
let endpoint: Endpoint;
let ours: SqsCaller;
let theirs: SqsCaller;
let sequences = 0;

beforeAll(async () => {
  endpoint = await startEndpoint({ services: [engine], port: 0 });
  // `startFauxqs` would listen on every interface. This listens on only one.
  await other.listen({ port: 0, host: '127.0.0.1' });
  const { address, port } = other.server.address() as AddressInfo;
  expect(address).toBe('127.0.0.1');
  ours = new SqsCaller(endpoint.url);
  theirs = new SqsCaller(`http://127.0.0.1:${port}`);
  vi.useFakeTimers({ toFake: ['Date'], now: clock.now() }); // fauxqs uses Date
});

afterAll(async () => {
  vi.useRealTimers();
  ours.close();
  theirs.close();
  await endpoint.close();
  await engine.close();
  await other.close();
  rmSync(directory, { recursive: true });
});

/** Creates a queue and its dead-letter queue on both sides. */
async function queuesOfBoth(): Promise<Comparison> {
  sequences += 1;
  const [name, dead] = [`queue-${sequences}`, `dead-${sequences}`];
  const { queues } = engine;
  const deadLetterTargetArn = queues.createQueue(dead, { time: 'clock' });
  const redrive = { deadLetterTargetArn, maxReceiveCount: MAX_RECEIVES };
  queues.createQueue(name, { time: 'clock', visibilityTimeoutSeconds: VISIBILITY_SECONDS, redrive });
  await theirs.call('CreateQueue', { QueueName: dead });
  const RedrivePolicy = JSON.stringify(redrive);
  const Attributes = { VisibilityTimeout: String(VISIBILITY_SECONDS), RedrivePolicy };
  await theirs.call('CreateQueue', { QueueName: name, Attributes });
  const side = (caller: SqsCaller) => ({
    caller,
    url: queueUrl(caller.origin, name),
    deadUrl: queueUrl(caller.origin, dead),
  });
  return new Comparison({
    ours: side(ours),
    theirs: side(theirs),
    visibilitySeconds: VISIBILITY_SECONDS,
    now: () => clock.now(),
    wait: (seconds) => {
      clock.advance(seconds * 1000);
      vi.setSystemTime(clock.now());
    },
  });
}

const nth = fc.nat({ max: 9 });
const visibility = fc.constantFrom(0, 5, VISIBILITY_SECONDS, 100);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('send'),
      delay: fc.constantFrom(0, 0, 7),
      attributes: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('send batch'), count: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('receive'),
      visibility: fc.option(visibility, { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('delete'), nth }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('delete batch'), nth }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('hide'), nth, seconds: visibility }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('hide batch'), nth, seconds: visibility }) },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('wait'),
      seconds: fc.constantFrom(1, 5, 7, VISIBILITY_SECONDS, 120),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('count') }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('receive dead') }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('purge') }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('err'), nth }) },
);

/** Receives a message as often as the queue allows, and once more, which moves it to the dead-letter queue. */
const spend: readonly Step[] = [
  ...Array.from({ length: MAX_RECEIVES + 1 }, (): Step => ({ does: 'receive', visibility: 0 })),
  { does: 'receive dead' },
];
const sequence = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: step.map((each) => [each]) },
      { weight: 1, arbitrary: fc.constant(spend) },
    ),
    { minLength: 6, maxLength: 16 },
  )
  .map((parts) => parts.flat());

it(`${SEQUENCES} random sequences of operations give the same responses as fauxqs`, async () => {
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(sequence, async (steps) => {
    const comparison = await queuesOfBoth();
    for (const each of steps) await comparison.take(each);
    for (const [what, times] of comparison.seen) seen.set(what, (seen.get(what) ?? 0) + times);
  });
  await fc.assert(property, { numRuns: SEQUENCES });
  // A case that never occurred was not compared.
  for (const what of [
    'received',
    'deleted',
    'hidden',
    'refused',
    'dead',
    'counted',
    'came back',
    'powerless',
  ]) {
    expect(seen.get(what), what).toBeGreaterThan(SEQUENCES / 20);
  }
});
