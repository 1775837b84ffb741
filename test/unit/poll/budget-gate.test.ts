import { describe, expect, it } from 'vitest';
import { BudgetGate, type EstimateCost } from '../../../functions/poll/admission/budget-gate.ts';
import { amountOf, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import { type Budget, Purses, spendingAt } from '../../../functions/shared/domain/money/budget.ts';
import { NO_LIMIT } from '../../../functions/shared/domain/money/estimate.ts';
import type { WaitingPart } from '../../../functions/shared/domain/waiting/admission-queue.ts';
import { NOON } from '../../contracts/samples.ts';

const money = (decimal: string) => amountOf(decimal) ?? 0n;

/** A dollar for each hundred bytes, if each row has a limit for its output. */
const BY_BYTES: EstimateCost = ({ uploadBytes, output }) => {
  const likely = money((uploadBytes / 100).toFixed(2));
  const isBounded = output !== undefined && output.unboundedRows === 0;
  return { low: 0n, likely, high: isBounded ? likely : NO_LIMIT };
};

/** A part of ten rows that may cost ten dollars. */
const part = (differences: Partial<WaitingPart> = {}): WaitingPart => ({
  ...{ jobId: 'j', planId: 'p', number: 1, jobCreatedAt: NOON, model: 'm', uploadBytes: 1_000, rows: 10 },
  ...{ output: { tokens: 100, largest: 10, unboundedRows: 0 }, waiting: { for: 'budget', since: NOON } },
  ...differences,
});

const UNBOUNDED = { output: { tokens: 0, largest: 0, unboundedRows: 10 } };

/** A gate of a budget of so many dollars for a day, of which some are spent. */
function gateOf(day: number, spent = 0, estimate = BY_BYTES): BudgetGate {
  const budget: Budget = { all: { day: money(`${day}`) }, each: {}, others: {} };
  const none = spendingAt(undefined, NOON);
  return new BudgetGate(new Purses(budget, { ...none, spentInDay: { '': `${spent}` } }), estimate);
}

function decided(gate: BudgetGate, one = part()) {
  const decision = gate.decide(one);
  const { reserve, ...rest } = { reserve: undefined, ...decision };
  return { ...rest, ...(reserve === undefined ? {} : { reserve: decimalOf(reserve) }) };
}

const WAITS = { may: 'wait', for: 'budget' };
const slice = (rows: number, uploadBytes = 100 * rows) => ({
  ...{ may: 'begin', charges: true, atMost: { rows, uploadBytes }, reserve: (uploadBytes / 100).toFixed(2) },
});

describe('a part may begin', () => {
  it('as a whole if it fits what is left, and waits if only the whole budget is enough', () => {
    expect(decided(gateOf(10))).toEqual({ may: 'begin', charges: true, reserve: '10.00' });
    expect(decided(gateOf(10, 0.01))).toEqual(WAITS);
    expect(decided(gateOf(12, 2))).toEqual({ may: 'begin', charges: true, reserve: '10.00' });
  });

  it('without a charge if no purse pays for it', () => {
    const free = new BudgetGate(
      new Purses({ all: {}, each: {}, others: {} }, spendingAt(undefined, NOON)),
      BY_BYTES,
    );
    expect(decided(free)).toEqual({ may: 'begin', charges: false });
  });

  it('in a slice of as many rows as fit, if it may cost more than the whole budget', () => {
    expect(decided(gateOf(9))).toEqual(slice(9));
    expect(decided(gateOf(9, 5))).toEqual(slice(4));
    expect(decided(gateOf(9, 7.5))).toEqual(slice(1));
    expect(decided(gateOf(9, 8.1))).toEqual({ ...slice(1, 90) }); // a short row may fit what is left
  });

  it('in a slice only while a tenth of the budget is left', () => {
    expect(decided(gateOf(9, 8.11))).toEqual(WAITS);
  });

  it('not at all if a single row may cost more than the whole budget', () => {
    const { may, ...stopped } = decided(gateOf(9), part({ uploadBytes: 901, rows: 1 }));
    expect(may).toBe('stop');
    expect(stopped).toMatchObject({
      reason: { code: 'row_above_budget', message: expect.stringContaining('may cost 9.01') },
    });
    expect(decided(gateOf(9), part({ uploadBytes: 900, rows: 1 }))).toMatchObject({ may: 'begin' });
  });

  it('not while nobody knows the price of its model', () => {
    expect(decided(gateOf(9, 0, () => null))).toEqual({ may: 'wait', for: 'price_unknown' });
  });

  it('in a slice of at most a twentieth of the budget, if its rows have no limit and nothing was measured', () => {
    expect(decided(gateOf(40), part(UNBOUNDED))).toEqual(slice(2));
    expect(decided(gateOf(40, 38.5), part(UNBOUNDED))).toEqual(slice(1));
    expect(decided(gateOf(40, 39.5), part(UNBOUNDED))).toEqual(WAITS);
    // A single row of them reserves at most the whole budget.
    expect(decided(gateOf(9), part({ ...UNBOUNDED, rows: 1 }))).toMatchObject({
      may: 'begin',
      reserve: '9.00',
    });
  });

  it('in any case if its job was approved, and what it may cost is reserved', () => {
    const approvedAt = NOON;
    expect(decided(gateOf(1, 1), part({ approvedAt }))).toEqual({
      may: 'begin',
      charges: true,
      reserve: '10.00',
    });
    expect(decided(gateOf(1, 1), part({ approvedAt, ...UNBOUNDED }))).toMatchObject({
      may: 'begin',
      reserve: '10.00',
    });
    expect(
      decided(
        gateOf(1, 1, () => null),
        part({ approvedAt }),
      ),
    ).toEqual({ may: 'begin', charges: true });
  });

  it('within the size that the capacity allows, and a slice stays a slice', () => {
    const gate = gateOf(10);
    expect(gate.decide(part(), { uploadBytes: 250 })).toMatchObject({ reserve: money('2.5'), may: 'begin' });
    expect(gate.decide(part(), { uploadBytes: 1_000, rows: 3 })).toMatchObject({ atMost: { rows: 3 } });
    expect(decided(gate, part({ isSlice: true }))).toEqual(slice(10));
  });
});

describe('what begins', () => {
  it('reserves its amount, so that the next part sees what is left', () => {
    const gate = gateOf(15);
    const [first, second] = [part(), part({ number: 2 })];
    const decision = gate.decide(first);
    expect(decided(gate, second)).toMatchObject({ may: 'begin' });
    const charge = decision.may === 'begin' && gate.begin(first, decision, NOON);
    expect(charge).toEqual({
      ...{
        jobId: 'j',
        planId: 'p',
        number: 1,
        at: NOON,
        day: spendingAt(undefined, NOON).day,
        group: '',
        high: '10.00',
      },
    });
    expect(decided(gate, second)).toEqual(WAITS);
  });

  it('has a charge without an amount if nobody knows the price, and none if no purse pays', () => {
    const gate = gateOf(15);
    expect(gate.begin(part(), { may: 'begin', charges: true }, NOON)).toMatchObject({ high: null });
    expect(gate.begin(part(), { may: 'begin', charges: false }, NOON)).toBeUndefined();
  });
});
