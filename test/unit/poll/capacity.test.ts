import { describe, expect, it } from 'vitest';
import { Capacity, type Taken } from '../../../functions/poll/admission/capacity.ts';
import type { WaitingPart } from '../../../functions/shared/domain/admission-queue.ts';
import { AdmissionQueue } from '../../../functions/shared/domain/admission-queue.ts';
import type { BatchLimits } from '../../../functions/shared/domain/batch-limits.ts';
import type { Waiting } from '../../../functions/shared/domain/part.ts';
import { NOON } from '../../contracts/samples.ts';

const MINUTE = 60_000;
const tokenLimitRejections = (differences: Partial<Waiting> = {}): Waiting => ({
  for: 'token_limit',
  since: NOON,
  until: NOON + 5 * MINUTE,
  ...differences,
});

/** A part of the n-th oldest job, of 400 bytes: 100 tokens. */
function waits(n: number, differences: Partial<WaitingPart> = {}): WaitingPart {
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

const runs = (differences: Partial<Taken> = {}): Taken => ({
  model: 'm',
  uploadBytes: 400,
  pending: false,
  ...differences,
});

function chosen(
  line: WaitingPart[],
  {
    limits = {},
    taken = [],
    ended = {},
    now = NOON,
  }: { limits?: Partial<BatchLimits>; taken?: Taken[]; ended?: Record<string, number>; now?: number },
) {
  const capacity = new Capacity({ enqueuedTokens: {}, ...limits }, {}, taken);
  return capacity.choose(line, new Map(Object.entries(ended)), now);
}

const names = (found: ReturnType<typeof chosen>) => found.map(({ part }) => part.jobId);

describe('of the parts that wait', () => {
  it('so many begin as there may be open batches, oldest job first, whatever their models', () => {
    const line = [waits(1), waits(2, { model: 'n' }), waits(3), waits(4)];
    const limits = { maxOpenBatches: 3 };
    expect(names(chosen(line, { limits, taken: [runs()] }))).toEqual(['job1', 'job2']);
    expect(names(chosen(line, { limits, taken: [runs(), runs(), runs({ model: 'n' })] }))).toEqual([]);
  });

  it('so many begin as there may be tokens, and nobody overtakes who would fit', () => {
    const line = [waits(1), waits(2, { uploadBytes: 800 }), waits(3)];
    const limits = { enqueuedTokens: { m: 250 } };
    expect(names(chosen(line, { limits }))).toEqual(['job1']);
    expect(names(chosen(line, { limits: { enqueuedTokens: { m: 300 } } }))).toEqual(['job1', 'job2']);
    expect(names(chosen(line, { limits: { enqueuedTokens: { m: 400 } } }))).toEqual(['job1', 'job2', 'job3']);
  });

  it('those of one model hold up no other', () => {
    const full = waits(1, { waiting: tokenLimitRejections() });
    expect(names(chosen([full, waits(2), waits(3, { model: 'n' })], {}))).toEqual(['job3']);
  });

  it('one that is larger than the whole limit begins alone, and says so', () => {
    const line = [waits(1, { uploadBytes: 4000 }), waits(2)];
    const limits = { enqueuedTokens: { m: 250 } };
    expect(names(chosen(line, { limits, taken: [runs()] }))).toEqual([]);
    const [first, ...others] = chosen(line, { limits });
    expect(others).toEqual([]);
    expect(first?.admission).toEqual({ at: NOON, estimate: { tokens: 1000, limit: 250 }, alone: true });
  });

  it('a model whose name is that of a thing every object has is not limited', () => {
    expect(names(chosen([waits(1, { model: 'constructor' })], {}))).toEqual(['job1']);
  });
});

describe('of the parts that were put back', () => {
  const line = [1, 2, 3].map((n) => waits(n, { waiting: tokenLimitRejections() }));

  it('none begins during its pause, and the oldest when it is over', () => {
    expect(names(chosen(line, { now: NOON + 5 * MINUTE - 1 }))).toEqual([]);
    expect(names(chosen(line, { now: NOON + 5 * MINUTE }))).toEqual(['job1']);
  });

  it('one begins for each batch of the model that has ended', () => {
    expect(names(chosen(line, { ended: { m: 2 } }))).toEqual(['job1', 'job2']);
    expect(names(chosen(line, { ended: { n: 2 } }))).toEqual([]);
  });

  it('the next waits until the API has taken the one before', () => {
    const now = NOON + 5 * MINUTE;
    expect(names(chosen(line, { now, taken: [runs({ pending: true })] }))).toEqual([]);
    expect(names(chosen(line, { now, taken: [runs()] }))).toEqual(['job1']);
  });

  it('the oldest holds up what is younger and came later', () => {
    const [first] = line;
    const later = waits(2, { waiting: { for: 'token_limit', since: NOON } });
    expect(names(chosen(first ? [first, later] : [], {}))).toEqual([]);
    expect(names(chosen([later], {}))).toEqual(['job2']);
  });

  it('one that was put back alone lets others pass during its pause, and no longer', () => {
    const alone = waits(1, { waiting: tokenLimitRejections({ alone: true }) });
    const later = waits(2, { waiting: { for: 'token_limit', since: NOON } });
    expect(names(chosen([alone, later], {}))).toEqual(['job2']);
    expect(names(chosen([alone, later], { ended: { m: 1 } }))).toEqual(['job2']);
    const now = NOON + 5 * MINUTE;
    expect(names(chosen([alone, later], { now }))).toEqual(['job1']);
    expect(names(chosen([alone, later], { now, taken: [runs({ pending: true })] }))).toEqual([]);
  });
});

describe('the line', () => {
  it('is in the order of the age of jobs, then of parts', () => {
    const line = new AdmissionQueue();
    for (const [n, number] of [
      [2, 2],
      [1, 10],
      [2, 1],
      [1, 9],
    ] as const)
      line.add(waits(n, { number }));
    expect(line.inOrder().map(({ jobId, number }) => `${jobId}/${number}`)).toEqual([
      'job1/9',
      'job1/10',
      'job2/1',
      'job2/2',
    ]);
  });

  it('tells a place among those of the same model, also to one who does not stand in it', () => {
    const line = new AdmissionQueue();
    for (const part of [waits(1), waits(2, { model: 'n' }), waits(4)]) line.add(part);
    expect([waits(0), waits(1), waits(3), waits(4), waits(5)].map((part) => line.positionOf(part))).toEqual([
      1, 1, 2, 2, 3,
    ]);
  });
});
