import { describe, expect, it } from 'vitest';
import { afterLook, type KnownOfCharges } from '../../../functions/poll/admission/charges.ts';
import { TickBudget } from '../../../functions/poll/admission/tick-budget.ts';
import { type Charge, spendingAt } from '../../../functions/shared/domain/money/budget.ts';
import { type ModelTokens, NO_TOKENS } from '../../../functions/shared/domain/money/token-counts.ts';
import type { BilledBatch } from '../../../functions/shared/domain/part-results.ts';
import { nameOf, type WaitingPart } from '../../../functions/shared/domain/waiting/admission-queue.ts';
import type { JobFields, PartFields } from '../../contracts/samples.ts';
import { aBatch, aJob, aPart, DELIVERED, NOON } from '../../contracts/samples.ts';
import { HOUR, SmallWorld } from '../small-world.ts';

const DAY = '2026-11-01';
const PRICES = { models: { 'gpt-4o-mini': { input: 1, output: 2 } }, batchDiscount: 0 };
const USAGE = {
  inputTokens: 1_000_000,
  cachedInputTokens: 0,
  outputTokens: 500_000,
  reasoningTokens: 0,
  totalTokens: 1_500_000,
};
const NOTHING_OPEN: KnownOfCharges = { open: new Map(), unaware: new Set() };

const { jobId, planId, number } = aPart();
const CHARGE: Charge = { jobId, planId, number, at: NOON, day: DAY, group: '', high: '9.00' };
const ADMITTED = { admission: { at: NOON } };
const ADMITTED_AGAIN = { admission: { at: NOON + HOUR } };
const ENDED = aBatch({ status: 'completed', usage: USAGE });
const SENT = { id: 'i', at: NOON, fileId: 'file-1', sendBy: NOON };
const ABANDONED = [{ intentId: 'i', at: NOON, fileId: 'file-1', givenUpAt: NOON + 1 }];
const LATER = NOON + HOUR;

const tokens = (input: number): ModelTokens => ({ ...NO_TOKENS, model: 'gpt-4o-mini', rows: 3, input });

interface Look {
  charge?: Partial<Charge>;
  /** Undefined: the ledger has no such part. */
  part?: PartFields | undefined;
  job?: JobFields;
  known?: Partial<KnownOfCharges>;
}

/** Returns the charge after a look at noon, without the fields that identify it, and what has moved into the sums. */
async function looked({ charge = {}, part, job = { status: 'submitted' }, known = {} }: Look) {
  const world = new SmallWorld({ prices: PRICES });
  world.clock.advance(NOON - world.clock.now());
  if (part) await world.ledger.createPart(aPart(part));
  await world.ledger.createJob(aJob(job));
  const spending = { ...spendingAt(undefined, NOON), charges: [{ ...CHARGE, ...charge }] };
  const after = await afterLook(world.ports, spending, { ...NOTHING_OPEN, ...known });
  const [one] = after.charges;
  if (!one) return { over: after.spentInDay[''] };
  const {
    jobId: _job,
    planId: _plan,
    number: _number,
    at: _at,
    day: _day,
    group: _group,
    high: _high,
    ...news
  } = one;
  return news;
}

const SEARCHED = { status: 'completed', secondBatchSearch: 'complete' } as const;

describe('the charge of an attempt', () => {
  it.each<[string, Look, object]>([
    ['that has no batch yet stays reserved', { part: { ...ADMITTED, phase: 'ready' } }, {}],
    ['whose create may have been sent stays reserved', { part: { ...ADMITTED, intent: SENT } }, {}],
    ['whose batch runs names the batch', { part: { ...ADMITTED, batch: aBatch() } }, { batchId: 'batch_1' }],
    ['whose batch has ended stays reserved', { part: { ...ADMITTED, batch: ENDED } }, { batchId: 'batch_1' }],
    [
      'that is delivered has the true cost',
      { part: { ...ADMITTED, batch: ENDED, delivered: DELIVERED } },
      { settled: '2.00', lookAt: LATER },
    ],
    [
      'whose batch reports no tokens did cost as much as was reserved',
      { part: { ...ADMITTED, batch: aBatch({ status: 'completed' }), delivered: DELIVERED } },
      { settled: '9.00', lookAt: LATER },
    ],
    [
      'whose batch is lost did cost as much as was reserved',
      {
        part: {
          ...ADMITTED,
          batch: ENDED,
          delivered: DELIVERED,
          ended: { as: 'lost', reason: { code: 'c', message: 'm' } },
        },
      },
      { settled: '9.00', lookAt: LATER },
    ],
    [
      'that ended without a batch costs nothing',
      {
        part: {
          ...ADMITTED,
          delivered: DELIVERED,
          ended: { as: 'cancelled', reason: { code: 'c', message: 'm' } },
        },
      },
      { settled: '0', lookAt: LATER },
    ],
    [
      'whose batch the API rejected costs nothing',
      {
        part: {
          ...ADMITTED,
          batch: aBatch({ status: 'failed' }),
          waiting: { for: 'token_limit', since: NOON },
        },
      },
      { settled: '0', lookAt: LATER },
    ],
    [
      'before the present one has the cost of its batch',
      {
        part: {
          ...ADMITTED_AGAIN,
          phase: 'ready',
          attempt: 2,
          ran: [{ batch: ENDED, intent: SENT, rows: 3, ...ADMITTED }],
        },
      },
      { settled: '2.00', lookAt: LATER },
    ],
    [
      'before the present one, whose batch was rejected, costs nothing',
      {
        charge: { batchId: 'batch_0' },
        part: { ...ADMITTED_AGAIN, phase: 'ready', earlierBatchIds: ['batch_0'] },
      },
      { batchId: 'batch_0', settled: '0', lookAt: LATER },
    ],
    [
      'before the present one, without a batch, costs nothing',
      { part: { ...ADMITTED_AGAIN, phase: 'ready' } },
      { settled: '0', lookAt: LATER },
    ],
    [
      'before the present one, of whose batch nothing is known, did cost as much as was reserved',
      { charge: { batchId: 'batch_0' }, part: { ...ADMITTED_AGAIN, phase: 'ready' } },
      { batchId: 'batch_0', settled: '9.00', lookAt: LATER },
    ],
    ['of a part that is gone is over', {}, { over: '9.00' }],
  ])('%s', async (_, look, expected) => {
    expect(await looked(look)).toEqual(expected);
  });

  it.each<[string, Partial<BilledBatch>, string]>([
    ['the higher cost of its result lines', { tokens: [tokens(3_000_000)] }, '3.00'],
    ['what the API reports, if its result lines cost less', { tokens: [tokens(1)] }, '2.00'],
    [
      'what the API reports, if a line reports no tokens',
      { tokens: [tokens(3_000_000)], rowsWithoutUsage: 1 },
      '2.00',
    ],
    [
      'what the API reports, if the lines name a model without a price',
      { tokens: [{ ...tokens(1), model: 'own' }] },
      '2.00',
    ],
    [
      'what the API reports, if the lines are those of another batch',
      { tokens: [tokens(3_000_000)], batchId: 'b' },
      '2.00',
    ],
  ])('of a delivered batch is %s', async (_, differences, settled) => {
    const ofBatch = { batchId: 'batch_1', tokens: [], rowsWithoutUsage: 0, ...differences };
    const part = { ...ADMITTED, batch: ENDED, delivered: { ...DELIVERED, ofBatch } };
    expect(await looked({ part })).toMatchObject({ settled });
  });

  const uncertain = { ...ADMITTED, phase: 'ready', abandoned: ABANDONED } as const;

  it.each<[string, Look, object]>([
    ['stays reserved', { part: uncertain }, { lookAt: LATER }],
    [
      'stays reserved after it begins again',
      { part: { ...uncertain, ...ADMITTED_AGAIN } },
      { lookAt: LATER },
    ],
    [
      'stays reserved until second batches are searched for',
      { part: uncertain, job: { status: 'completed' } },
      { lookAt: LATER },
    ],
    [
      'costs nothing after a search that found none',
      { part: uncertain, job: SEARCHED },
      { settled: '0', lookAt: LATER },
    ],
    [
      'has the cost of the batch that a person found for it',
      { part: { abandoned: ABANDONED, batch: ENDED, delivered: DELIVERED } },
      { settled: '2.00', lookAt: LATER },
    ],
    [
      'stays reserved while the batch runs that a person found for it',
      { part: { abandoned: ABANDONED, batch: aBatch() } },
      { batchId: 'batch_1' },
    ],
  ])('without a known outcome of its create %s', async (_, look, expected) => {
    expect(await looked(look)).toEqual(expected);
  });

  it('without a known outcome was abandoned at its time, or later', async () => {
    const abandoned = ABANDONED.map((one) => ({ ...one, givenUpAt: NOON - 1 }));
    expect(await looked({ part: { ...uncertain, abandoned } })).toEqual({});
    expect(
      await looked({
        part: { ...uncertain, abandoned: abandoned.map((one) => ({ ...one, givenUpAt: NOON })) },
      }),
    ).toEqual({
      lookAt: LATER,
    });
  });

  it('counts the second batches of its part that no earlier charge counts', async () => {
    const part = { ...ADMITTED, batch: ENDED, delivered: DELIVERED, secondBatchIds: ['b2', 'b3'] };
    expect(await looked({ part })).toMatchObject({ seconds: 2 });
    expect(await looked({ part, charge: { secondsBefore: 1 } })).toMatchObject({ seconds: 1 });
    expect(await looked({ part, charge: { secondsBefore: 2 } })).not.toHaveProperty('seconds');
    expect(await looked({ part, charge: { seconds: 3 } })).toMatchObject({ seconds: 3 });
  });

  it('is over when its job is, and nothing has changed since the last look', async () => {
    const part = { ...ADMITTED, batch: ENDED, delivered: DELIVERED };
    const settled = { settled: '2.00', lookAt: NOON };
    expect(await looked({ part, charge: settled, job: SEARCHED })).toEqual({ over: '2.00' });
    expect(await looked({ part, charge: settled })).toEqual({ settled: '2.00', lookAt: LATER });
    expect(await looked({ part, charge: settled, job: { status: 'completed' } })).toEqual({
      settled: '2.00',
      lookAt: LATER,
    });
    expect(await looked({ part, charge: { ...settled, settled: '1.00' }, job: SEARCHED })).toEqual({
      settled: '2.00',
      lookAt: LATER,
    });
    const more = { ...part, secondBatchIds: ['b2'] };
    expect(await looked({ part: more, charge: settled, job: SEARCHED })).toEqual({
      settled: '2.00',
      lookAt: LATER,
      seconds: 1,
    });
  });

  it('is looked at when that is due, and not while the tick knows more than the ledger', async () => {
    const part = { ...ADMITTED, batch: aBatch() };
    const name = nameOf(CHARGE);
    const open = {
      batchId: 'batch_1',
      createdAt: NOON,
      status: 'validating',
      model: 'm',
      uploadBytes: 1,
      jobCreatedAt: NOON,
    };
    expect(await looked({ part, charge: { lookAt: NOON + 1 } })).toEqual({ lookAt: NOON + 1 });
    expect(await looked({ part, charge: { lookAt: NOON } })).toEqual({ lookAt: NOON, batchId: 'batch_1' });
    expect(await looked({ part, known: { unaware: new Set([name]) } })).toEqual({});
    const ended = { ...ADMITTED, batch: ENDED, delivered: DELIVERED };
    const charge = { batchId: 'batch_1' };
    expect(await looked({ part: ended, charge, known: { open: new Map([[name, open]]) } })).toEqual(charge);
    const other = new Map([[name, { ...open, batchId: 'batch_2' }]]);
    expect(await looked({ part: ended, charge, known: { open: other } })).toMatchObject({ settled: '2.00' });
  });
});

describe('a part that begins again', () => {
  const waits: WaitingPart = {
    ...{ jobId, planId, number, jobCreatedAt: NOON, model: 'gpt-4o-mini', uploadBytes: 1 },
    waiting: { for: 'budget', since: NOON },
  };

  /** Returns the charges after the part, which had these charges, begins with a new one. */
  async function charged(...earlier: Partial<Charge>[]) {
    const world = new SmallWorld({ prices: PRICES, limits: { budget: { all: {}, each: {}, others: {} } } });
    world.clock.advance(NOON - world.clock.now());
    await world.ledger.createPart(aPart({ ...ADMITTED, phase: 'ready' }));
    const charges = earlier.map((one) => ({ ...CHARGE, lookAt: LATER, ...one }));
    const spending = { ...spendingAt(undefined, NOON), charges };
    const admissions = { ...(await world.ledger.readAdmissions()), spending };
    const budget = await TickBudget.open(world.ports, admissions, { ...NOTHING_OPEN, measured: [] });
    const begins = { part: waits, admission: { at: LATER }, charge: { ...CHARGE, at: LATER } };
    return budget?.after([begins]);
  }

  it('has one charge more, and those that are settled move into the sums', async () => {
    const { charges, spentInDay } = (await charged({ settled: '2.00' }, { at: NOON + 1 })) ?? {};
    expect(charges).toEqual([
      { ...CHARGE, at: NOON + 1, lookAt: LATER },
      { ...CHARGE, at: LATER },
    ]);
    expect(spentInDay).toEqual({ '': '2.00' });
  });

  it.each<[string, Partial<Charge>[], number | undefined]>([
    ['no earlier charge', [], undefined],
    ['a charge without a second batch', [{ settled: '2.00' }], undefined],
    ['a charge with one', [{ settled: '2.00', seconds: 1 }], 1],
    ['a charge after others with two', [{ secondsBefore: 2 }], 2],
    ['a charge with one after others with two', [{ secondsBefore: 2, seconds: 1 }], 3],
    ['several charges', [{ seconds: 2 }, { secondsBefore: 2, seconds: 1 }], 3],
  ])('knows the second batches that are counted already: %s', async (_, earlier, expected) => {
    const after = await charged(...earlier);
    expect(after?.charges.at(-1)?.secondsBefore).toBe(expected);
  });

  it('of another part knows nothing of them', async () => {
    const after = await charged({ number: 2, seconds: 1 });
    expect(after?.charges).toHaveLength(2);
    expect(after?.charges.at(-1)).not.toHaveProperty('secondsBefore');
  });
});
