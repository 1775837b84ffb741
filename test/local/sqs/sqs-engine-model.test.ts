import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { Queues } from '../../../local/aws/sqs/queues.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const VISIBILITY_SECONDS = 30;
const RETENTION_SECONDS = 600;
const MAX_RECEIVES = 3;
const directory = mkdtempSync(join(tmpdir(), 'batchdrop-sqs-model-'));
const clock = new ManualClock();
let queues = new Queues({ directory, clock });
let runs = 0;

afterAll(() => {
  queues.close();
  rmSync(directory, { recursive: true });
});

interface ModelMessage {
  readonly body: string;
  readonly sentAt: number;
  visibleAt: number;
  receives: number;
  handle: string | undefined;
  deleted: boolean;
  redriven: boolean;
}

/** A simple model of a queue that keeps every message in its list. */
class Model {
  readonly messages: ModelMessage[] = [];
  readonly staleHandles: string[] = [];

  live(): ModelMessage[] {
    return this.messages.filter((message) => !message.deleted && !message.redriven && !isExpired(message));
  }
}

const isExpired = (message: ModelMessage) => clock.now() >= message.sentAt + RETENTION_SECONDS * 1000;
const isDue = (message: ModelMessage) => message.visibleAt <= clock.now();
const isSpent = (message: ModelMessage) => message.receives >= MAX_RECEIVES;

/** The queue and its dead-letter queue under test. */
interface Real {
  readonly arn: string;
  readonly deadArn: string;
}

type Step = (model: Model, real: Real) => void;

const send: fc.Arbitrary<Step> = fc.integer({ min: 0, max: 40 }).map((delaySeconds) => (model, { arn }) => {
  const body = `message ${model.messages.length}`;
  queues.send(arn, body, { delaySeconds });
  const visibleAt = clock.now() + delaySeconds * 1000;
  model.messages.push({
    body,
    sentAt: clock.now(),
    visibleAt,
    receives: 0,
    handle: undefined,
    deleted: false,
    redriven: false,
  });
});

const receive: fc.Arbitrary<Step> = fc.integer({ min: 1, max: 10 }).map((max) => (model, { arn }) => {
  const due = model.live().filter(isDue);
  const received = queues.receive(arn, max);
  // Computed before this receipt is counted: a message that is received for the last time is still in flight.
  const spent = due.filter(isSpent);
  const fresh = due.filter((message) => !isSpent(message));
  expect(received).toHaveLength(Math.min(max, fresh.length));
  for (const { body, receiptHandle, systemAttributes } of received) {
    const message = fresh.find((candidate) => candidate.body === body);
    if (message === undefined) throw new Error(`${body} was received although it was not due`);
    if (message.handle !== undefined) model.staleHandles.push(message.handle);
    message.receives += 1;
    message.handle = receiptHandle;
    message.visibleAt = clock.now() + VISIBILITY_SECONDS * 1000;
    expect(systemAttributes.ApproximateReceiveCount).toBe(String(message.receives));
    expect(systemAttributes.SentTimestamp).toBe(String(message.sentAt));
  }
  // All spent messages that are due move to the dead-letter queue once a receive has reached them.
  if (received.length < max) for (const message of spent) message.redriven = true;
});

const remove: fc.Arbitrary<Step> = fc.nat().map((pick) => (model, { arn }) => {
  // Whether a spent message that is due has already been moved depends on how far the receives went, so this is not
  // compared.
  const held = model.messages.filter(
    (message) => message.handle !== undefined && !(isSpent(message) && isDue(message)),
  );
  const message = held[pick % Math.max(1, held.length)];
  if (message?.handle === undefined) return;
  queues.delete(arn, message.handle);
  if (!message.redriven) message.deleted = true;
});

const removeByStaleHandle: fc.Arbitrary<Step> = fc.nat().map((pick) => (model, { arn }) => {
  const handle = model.staleHandles[pick % Math.max(1, model.staleHandles.length)];
  if (handle !== undefined) queues.delete(arn, handle); // changes nothing in the model
});

const changeVisibility: fc.Arbitrary<Step> = fc
  .tuple(fc.nat(), fc.integer({ min: 0, max: 100 }))
  .map(([pick, seconds]) => (model, { arn }) => {
    const held = model.live().filter((message) => message.handle !== undefined && !isDue(message));
    const message = held[pick % Math.max(1, held.length)];
    if (message?.handle === undefined) return;
    queues.changeVisibility(arn, message.handle, seconds);
    message.visibleAt = clock.now() + seconds * 1000;
  });

const advance: fc.Arbitrary<Step> = fc
  .integer({ min: 1, max: 60_000 })
  .map((milliseconds) => () => clock.advance(milliseconds));

/** Closes the engine and opens it again on the same files. */
const restart: fc.Arbitrary<Step> = fc.constant(() => {
  queues.close();
  queues = new Queues({ directory, clock });
});

it('a queue behaves like its model after any sequence of calls', () => {
  const step = fc.oneof(
    { arbitrary: send, weight: 4 },
    { arbitrary: receive, weight: 5 },
    { arbitrary: remove, weight: 2 },
    { arbitrary: removeByStaleHandle, weight: 1 },
    { arbitrary: changeVisibility, weight: 2 },
    { arbitrary: advance, weight: 4 },
    { arbitrary: restart, weight: 1 },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      runs += 1;
      const deadArn = queues.createQueue(`dead-${runs}`, {
        time: 'clock',
        retentionSeconds: RETENTION_SECONDS,
      });
      const arn = queues.createQueue(`queue-${runs}`, {
        time: 'clock',
        visibilityTimeoutSeconds: VISIBILITY_SECONDS,
        retentionSeconds: RETENTION_SECONDS,
        redrive: { deadLetterTargetArn: deadArn, maxReceiveCount: MAX_RECEIVES },
      });
      const model = new Model();
      for (const take of steps) take(model, { arn, deadArn });
      expectAllAccountedFor(model, { arn, deadArn });
    }),
    { numRuns: 150 },
  );
});

/** In the end, every message is where the model has it: in the queue, in the dead-letter queue, or deleted. */
function expectAllAccountedFor(model: Model, { arn, deadArn }: Real): void {
  const counts = queues.counts(queues.byArn(arn));
  const deadCounts = queues.counts(queues.byArn(deadArn));
  const undecided = model.live().filter((message) => isSpent(message) && isDue(message)).length;
  const inQueue = counts.visible + counts.inFlight + counts.delayed;
  const live = model.live();
  const dead = model.messages.filter((message) => message.redriven && !isExpired(message));
  expect(inQueue + deadCounts.visible).toBe(live.length + dead.length);
  expect(inQueue).toBeLessThanOrEqual(live.length);
  expect(inQueue).toBeGreaterThanOrEqual(live.length - undecided);
}
