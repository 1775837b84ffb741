import { describe, expect, it } from 'vitest';
import { learnedFrom, withMeasuredBatches } from '../../../functions/poll/admission/learn.ts';
import type { CompletedBatch, SeenByTick, Verified } from '../../../functions/poll/admission/seen-by-tick.ts';
import type { Admissions } from '../../../functions/shared/domain/ledger-records.ts';
import {
  AdmissionQueue,
  type WaitingPart,
} from '../../../functions/shared/domain/waiting/admission-queue.ts';
import { enqueuedLimitIn } from '../../../functions/shared/domain/waiting/enqueued-limit.ts';
import type { LearnedLimit } from '../../../functions/shared/domain/waiting/learned-limits.ts';
import { aBatch, aPart, NOON } from '../../contracts/samples.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { createRecordingMetrics } from '../../fakes/recording-metrics.ts';

const MODEL = 'gpt-4o-mini';
const OTHER = {
  models: ['gpt-4o'],
  name: 'gpt-4o',
  counts: 'tokens' as const,
  limit: 7,
  said: 's',
  at: NOON,
} satisfies LearnedLimit;
const stated = (limit: number) =>
  `Enqueued token limit reached for gpt-4o-mini. Limit: ${limit} enqueued tokens.`;

/** A part of a thousand tokens by the estimate, that was refused so many minutes after noon. */
function refused(number: number, minutes: number, said: string): WaitingPart {
  const at = NOON + minutes * 60_000;
  const limit = enqueuedLimitIn(said, 'token_limit_exceeded');
  return {
    ...{
      jobId: 'j',
      planId: 'p',
      number,
      jobCreatedAt: NOON,
      model: MODEL,
      uploadBytes: 4_000,
      rows: 2,
    },
    waiting: {
      for: 'token_limit',
      since: at,
      refused: { sentAt: at, uploadBytes: 4_000, said, ...(limit && { limit }) },
    },
  };
}

function tick({
  waiting = [],
  ...seen
}: Partial<Omit<SeenByTick, 'queue'>> & { waiting?: WaitingPart[] }): SeenByTick {
  const queue = new AdmissionQueue();
  for (const part of waiting) queue.add(part);
  const none = { open: new Map(), ended: new Map(), completed: new Map(), breakers: [], measured: [] };
  return { ...none, sawAll: true, ...seen, queue };
}

const open = (uploadBytes: number, model = MODEL) =>
  ({
    ...{
      batchId: 'b',
      createdAt: NOON,
      status: 'validating',
      model,
      uploadBytes,
      rows: 5,
      jobCreatedAt: NOON,
    },
  }) as const;

const admittedPart = (number: number) => {
  const { jobId, planId, model } = aPart();
  return { jobId, planId, number, since: NOON, model, uploadBytes: 4_000, rows: 1 };
};

function learning(seen: SeenByTick, admissions: Partial<Admissions> = {}, verified: Verified[] = []) {
  const [log, metrics] = [createRecordingLog(), createRecordingMetrics()];
  const before: Admissions = { version: 1, admitted: [], measured: {}, ...admissions };
  const learned = learnedFrom({ log, metrics }, before, seen, verified);
  return { learned, lines: log.lines.map(({ facts }) => facts), count: metrics.of('LimitsLearned').length };
}

describe('the limits that a tick learns', () => {
  const known: LearnedLimit[] = [OTHER];

  it('are those that refusals state, each reported with its own numbers', () => {
    const seen = tick({ waiting: [refused(1, 0, stated(90_000))] });
    const { learned, lines, count } = learning(seen, { learned: known });
    expect(learned).toMatchObject([...known, { name: MODEL, counts: 'tokens', limit: 90_000 }]);
    expect(lines).toMatchObject([{ model: MODEL, name: MODEL, counts: 'tokens', limit: 90_000 }]);
    expect(count).toBe(1);
  });

  it('are learned in the order in which the refusals were received, whatever the order of the parts', () => {
    const waiting = [refused(1, 2, stated(80_000)), refused(2, 1, stated(90_000))];
    const { learned, lines } = learning(tick({ waiting }));
    expect(lines.map(({ limit }) => limit)).toEqual([90_000, 80_000]);
    expect(learned).toMatchObject([{ limit: 80_000 }]);
  });

  it('are the same list, and are not reported, if a tick sees nothing new', () => {
    const seen = tick({ waiting: [refused(1, 0, stated(90_000))] });
    const { learned } = learning(seen);
    const again = learning(seen, { learned: [...learned] });
    expect(again).toMatchObject({ learned, lines: [], count: 0 });
    expect(learning(tick({}), { learned: known }).learned).toBe(known);
  });

  it('are assumed from what else is enqueued for the model, where no refusal states a number', () => {
    const said = 'Enqueued token limit reached. Please try again later.';
    const seen = tick({
      waiting: [refused(1, 0, said)],
      open: new Map([
        ['a', open(8_000)],
        ['b', open(999_999, 'gpt-4o')],
      ]),
    });
    const ofPart = (is: Verified['is'], number: number): Verified => ({
      is,
      admitted: admittedPart(number),
    });
    const assumed = (verified: Verified[]) => learning(seen, {}, verified).learned[0]?.assumed?.limit;
    expect(assumed([])).toBe(2_000); // the open batch of the model
    expect(assumed([ofPart('pending', 8)])).toBe(3_000);
    expect(assumed([ofPart('pending', 8), ofPart('over', 9)])).toBe(3_000);
  });

  it('grow with each completed batch of the model, if they are assumed', () => {
    const learned: LearnedLimit[] = [
      {
        name: 'm',
        counts: 'tokens',
        models: ['m'],
        assumed: { limit: 100, step: 10 },
        said: '',
        at: NOON,
      },
    ];
    const completed = (name: string): [string, CompletedBatch] => [
      name,
      { model: 'm', uploadBytes: 1, batch: {} },
    ];
    const seen = tick({ completed: new Map([completed('a'), completed('b')]) });
    const after = learning(seen, { learned });
    expect(after.learned).toMatchObject([{ assumed: { limit: 120 } }]);
    expect(after.count).toBe(0);
  });
});

describe('the tokens of a byte', () => {
  const usage = {
    inputTokens: 500,
    cachedInputTokens: 0,
    outputTokens: 9,
    reasoningTokens: 0,
    totalTokens: 509,
  };
  const counts = { total: 4, completed: 4, failed: 0 };
  const batch = (differences = {}) => aBatch({ status: 'completed', usage, counts, ...differences });
  const LIMITS = { limits: { enqueuedTokens: { [MODEL]: 9 } }, learned: [] };
  const measured = (
    completed: [string, CompletedBatch][],
    verified: Verified[] = [],
    admitted: Admissions['admitted'] = [],
  ) =>
    withMeasuredBatches(
      LIMITS,
      { version: 1, measured: { gone: { bytes: 1, tokens: 1 } }, admitted },
      verified,
      new Map(completed),
    );
  const of = (model: string, differences = {}): CompletedBatch => ({
    model,
    uploadBytes: 1_000,
    batch: batch(differences),
  });

  it('are measured for models with a limit, by the rows that did not fail', () => {
    expect(
      measured([
        ['a', of(MODEL)],
        ['b', of('free')],
      ]),
    ).toEqual({ [MODEL]: { bytes: 1_000, tokens: 500 } });
    const half = of(MODEL, { counts: { total: 4, completed: 2, failed: 2 } });
    expect(measured([['a', half]])).toEqual({ [MODEL]: { bytes: 500, tokens: 500 } });
  });

  it.each([
    ['reports no tokens', { usage: undefined }],
    ['reports none of them', { usage: { ...usage, inputTokens: 0 } }],
    ['counts no rows', { counts: undefined }],
    ['completed no row', { counts: { total: 4, completed: 0, failed: 4 } }],
  ])('are not measured with a batch that %s', (_, differences) => {
    expect(measured([['a', of(MODEL, differences)]])).toEqual({});
  });

  it('count an admitted part once, when it leaves the list', () => {
    const part = aPart({ batch: batch(), model: MODEL, uploadBytes: 1_000, admission: { at: NOON } });
    const admitted = admittedPart(1);
    const name = `${part.jobId}/${part.planId}/1`;
    const one = { [MODEL]: { bytes: 1_000, tokens: 500 } };
    expect(measured([[name, of(MODEL)]], [{ is: 'taken', part, admitted }], [admitted])).toEqual({});
    expect(measured([[name, of(MODEL)]], [{ is: 'over', part, admitted }], [admitted])).toEqual(one);
    const failed = aPart({ ...part, batch: batch({ status: 'failed' }) } as object);
    expect(measured([], [{ is: 'over', part: failed, admitted }], [admitted])).toEqual({});
  });
});
