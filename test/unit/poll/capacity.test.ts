import { describe, expect, it } from 'vitest';
import { admitParts } from '../../../functions/poll/admission/admit-parts.ts';
import { Capacity, type Taken } from '../../../functions/poll/admission/capacity.ts';
import type { Part, Waiting } from '../../../functions/shared/domain/part.ts';
import type { WaitingPart } from '../../../functions/shared/domain/waiting/admission-queue.ts';
import { AdmissionQueue } from '../../../functions/shared/domain/waiting/admission-queue.ts';
import type { BatchLimits } from '../../../functions/shared/domain/waiting/batch-limits.ts';
import type { LearnedLimit } from '../../../functions/shared/domain/waiting/learned-limits.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

const MINUTE = 60_000;
const requeued = (differences: Partial<Waiting> = {}): Waiting => ({
  for: 'token_limit',
  since: NOON,
  until: NOON + 5 * MINUTE,
  ...differences,
});

/** Returns a part of the n-th oldest job, with 400 bytes: 100 tokens. */
function waitingPart(n: number, differences: Partial<WaitingPart> = {}): WaitingPart {
  const waiting: Waiting = { for: 'enqueued_tokens', since: NOON };
  return {
    jobId: `job${n}`,
    planId: 'p',
    number: 1,
    jobCreatedAt: NOON + n,
    model: 'm',
    uploadBytes: 400,
    waiting,
    ...differences,
  };
}

const openBatch = (differences: Partial<Taken> = {}): Taken => ({
  model: 'm',
  uploadBytes: 400,
  pending: false,
  ...differences,
});

function chosen(
  queue: WaitingPart[],
  {
    limits = {},
    taken = [],
    ended = {},
    now = NOON,
  }: { limits?: Partial<BatchLimits>; taken?: Taken[]; ended?: Record<string, number>; now?: number },
) {
  const known = { limits: { enqueuedTokens: {}, ...limits }, measured: {} };
  return new Capacity(known, taken).choose(queue, { ended: new Map(Object.entries(ended)), now });
}

const names = (found: ReturnType<typeof chosen>) => found.map(({ part }) => part.jobId);

describe('waiting parts', () => {
  it('are admitted up to the limit of open batches, oldest job first, whatever their models', () => {
    const queue = [waitingPart(1), waitingPart(2, { model: 'n' }), waitingPart(3), waitingPart(4)];
    const limits = { maxOpenBatches: 3 };
    expect(names(chosen(queue, { limits, taken: [openBatch()] }))).toEqual(['job1', 'job2']);
    expect(
      names(chosen(queue, { limits, taken: [openBatch(), openBatch(), openBatch({ model: 'n' })] })),
    ).toEqual([]);
  });

  it('are admitted up to the token limit, and a smaller part does not overtake a larger one', () => {
    const queue = [waitingPart(1), waitingPart(2, { uploadBytes: 800 }), waitingPart(3)];
    const limits = { enqueuedTokens: { m: 250 } };
    expect(names(chosen(queue, { limits }))).toEqual(['job1']);
    expect(names(chosen(queue, { limits: { enqueuedTokens: { m: 300 } } }))).toEqual(['job1', 'job2']);
    expect(names(chosen(queue, { limits: { enqueuedTokens: { m: 400 } } }))).toEqual([
      'job1',
      'job2',
      'job3',
    ]);
  });

  it('of one model do not block those of another', () => {
    const full = waitingPart(1, { waiting: requeued() });
    expect(names(chosen([full, waitingPart(2), waitingPart(3, { model: 'n' })], {}))).toEqual(['job3']);
  });

  it('larger than the limit are admitted alone, and send a slice of their rows', () => {
    const queue = [waitingPart(1, { uploadBytes: 4000, rows: 10 }), waitingPart(2)];
    const limits = { enqueuedTokens: { m: 250 } };
    expect(names(chosen(queue, { limits, taken: [openBatch()] }))).toEqual([]);
    const [first] = chosen(queue, { limits });
    const atMost = { uploadBytes: 500 }; // half the limit, because the estimate was never measured
    expect(first?.admission).toMatchObject({ estimate: { tokens: 125, limit: 250 }, atMost });
  });

  it('that just fit a limit that is set are sent whole, although the estimate was never measured', () => {
    const admission = (uploadBytes: number) =>
      chosen([waitingPart(1, { uploadBytes, rows: 10 })], { limits: { enqueuedTokens: { m: 250 } } })[0]
        ?.admission;
    expect(admission(1_000)).toEqual({ at: NOON, estimate: { tokens: 250, limit: 250 }, alone: true });
    expect(admission(1_004)?.atMost).toEqual({ uploadBytes: 500 });
  });

  it('of one row that is larger than the limit are admitted alone, and marked as alone', () => {
    const queue = [waitingPart(1, { uploadBytes: 4000, rows: 1 }), waitingPart(2)];
    const limits = { enqueuedTokens: { m: 250 } };
    expect(names(chosen(queue, { limits, taken: [openBatch()] }))).toEqual([]);
    const [first, ...others] = chosen(queue, { limits });
    expect(others).toEqual([]);
    expect(first?.admission).toEqual({ at: NOON, estimate: { tokens: 1000, limit: 250 }, alone: true });
  });

  it("of a model with the name of an object's built-in property have no limit", () => {
    expect(names(chosen([waitingPart(1, { model: 'constructor' })], {}))).toEqual(['job1']);
  });
});

describe('requeued parts', () => {
  const queue = [1, 2, 3].map((n) => waitingPart(n, { waiting: requeued() }));

  it('are not admitted during their backoff; after it, the oldest is', () => {
    expect(names(chosen(queue, { now: NOON + 5 * MINUTE - 1 }))).toEqual([]);
    expect(names(chosen(queue, { now: NOON + 5 * MINUTE }))).toEqual(['job1']);
  });

  it('are admitted one by one, each when a batch of the model has ended', () => {
    expect(names(chosen(queue, { ended: { m: 2 } }))).toEqual(['job1', 'job2']);
    expect(names(chosen(queue, { ended: { n: 2 } }))).toEqual([]);
  });

  it('are admitted one at a time, each after the API has accepted the previous one', () => {
    const now = NOON + 5 * MINUTE;
    expect(names(chosen(queue, { now, taken: [openBatch({ pending: true })] }))).toEqual([]);
    expect(names(chosen(queue, { now, taken: [openBatch()] }))).toEqual(['job1']);
  });

  it('block younger parts that arrived later', () => {
    const [first] = queue;
    const later = waitingPart(2, { waiting: { for: 'token_limit', since: NOON } });
    expect(names(chosen(first ? [first, later] : [], {}))).toEqual([]);
    expect(names(chosen([later], {}))).toEqual(['job2']);
  });

  it('that were rejected while they ran alone let others pass only during their backoff', () => {
    const alone = waitingPart(1, { waiting: requeued({ alone: true }) });
    const later = waitingPart(2, { waiting: { for: 'token_limit', since: NOON } });
    expect(names(chosen([alone, later], {}))).toEqual(['job2']);
    expect(names(chosen([alone, later], { ended: { m: 1 } }))).toEqual(['job2']);
    const now = NOON + 5 * MINUTE;
    expect(names(chosen([alone, later], { now }))).toEqual(['job1']);
    expect(names(chosen([alone, later], { now, taken: [openBatch({ pending: true })] }))).toEqual([]);
  });
});

describe('the admission queue', () => {
  it('is ordered by the age of the job, then by the number of the part', () => {
    const queue = new AdmissionQueue();
    for (const [n, number] of [
      [2, 2],
      [1, 10],
      [2, 1],
      [1, 9],
    ] as const)
      queue.add(waitingPart(n, { number }));
    expect(queue.inOrder().map(({ jobId, number }) => `${jobId}/${number}`)).toEqual([
      'job1/9',
      'job1/10',
      'job2/1',
      'job2/2',
    ]);
  });

  it('returns the position among the parts of the same model, also for a part that is not in the queue', () => {
    const queue = new AdmissionQueue();
    for (const part of [waitingPart(1), waitingPart(2, { model: 'n' }), waitingPart(4)]) queue.add(part);
    expect(
      [waitingPart(0), waitingPart(1), waitingPart(3), waitingPart(4), waitingPart(5)].map((part) =>
        queue.positionOf(part),
      ),
    ).toEqual([1, 1, 2, 2, 3]);
  });
});

describe('an admitted part stays on the list of admissions', () => {
  const part = (differences: PartFields) => aPart({ admission: { at: NOON }, ...differences });
  const running = (status: string) => part({ batch: aBatch({ status }) });
  const LEARNED = [
    {
      name: 'm',
      counts: 'tokens',
      models: [part({}).model],
      limit: 9,
      said: '',
      at: NOON,
    } satisfies LearnedLimit,
  ];

  it.each<[string, Part, Partial<BatchLimits>, LearnedLimit[], boolean]>([
    ['while it has no batch', part({ phase: 'ready' }), {}, [], true],
    ['until the API has accepted its batch', running('validating'), {}, [], true],
    ['no longer, if its model has no limit', running('in_progress'), {}, [], false],
    [
      'as long as its batch is open, if its model has a limit',
      running('in_progress'),
      { maxOpenBatches: 9 },
      [],
      true,
    ],
    ['as long as its batch is open, if its limit was learned', running('in_progress'), {}, LEARNED, true],
    [
      'until it ends, although it was cancelled',
      part({ phase: 'ready', cancelRequestedAt: 7 }),
      {},
      [],
      true,
    ],
    [
      'while it is tried again',
      part({ phase: 'retrying', batch: aBatch({ status: 'failed' }) }),
      {},
      [],
      true,
    ],
    [
      'not if that was cancelled',
      part({ phase: 'retrying', batch: aBatch({ status: 'failed' }), cancelRequestedAt: 7 }),
      {},
      [],
      false,
    ],
    ['until it knows of its admission', part({ waiting: requeued() }), {}, [], true],
    ['not if it waits again', part({ waiting: requeued({ since: NOON + 1 }) }), {}, [], false],
    ['not after its batch has ended', running('completed'), { maxOpenBatches: 9 }, [], false],
    [
      'not if it was cancelled while it waited',
      part({ waiting: requeued(), cancelRequestedAt: 7 }),
      {},
      [],
      false,
    ],
  ])('%s', async (_, admitted, limits, learned, isListed) => {
    const world = new SmallWorld({ limits });
    await world.ledger.createPart(admitted);
    const { jobId, planId, number, model } = admitted;
    const listed = { jobId, planId, number, model, uploadBytes: 9, rows: 1, since: NOON };
    await world.ledger.replaceAdmissions({ version: 0, admitted: [listed], measured: {}, learned });
    const queue = new AdmissionQueue();
    queue.add(waitingPart(7, { waiting: requeued({ until: Number.MAX_SAFE_INTEGER }) }));
    const none = { open: new Map(), ended: new Map(), completed: new Map(), breakers: [], measured: [] };
    await admitParts(world.ports, { ...none, queue, sawAll: true });
    const { admitted: after } = await world.ledger.readAdmissions();
    expect(after.map((one) => one.jobId)).toEqual(isListed ? [jobId] : []);
  });
});
