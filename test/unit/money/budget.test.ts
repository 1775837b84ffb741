import { describe, expect, it } from 'vitest';
import { amountOf, decimalOf } from '../../../functions/shared/domain/money/amount.ts';
import {
  type Budget,
  type Charge,
  chargesToStop,
  groupOf,
  Purses,
  type Spending,
  spendingAt,
  withoutCharge,
} from '../../../functions/shared/domain/money/budget.ts';

const NOON = Date.UTC(2026, 10, 20, 12);
const DAY = 86_400_000;

const money = (decimal: string) => amountOf(decimal) ?? 0n;

const BUDGET: Budget = {
  all: { day: money('100'), month: money('1000') },
  by: 'team',
  each: { search: { day: money('50') } },
  others: { day: money('20') },
};

function charge(differences: Partial<Charge> = {}): Charge {
  const { at = NOON } = differences;
  const day = new Date(at).toISOString().slice(0, 10);
  return { jobId: 'j', planId: 'p', number: 1, at, day, group: '', high: '5', ...differences };
}

const spending = (...charges: Charge[]): Spending => ({ ...spendingAt(undefined, NOON), charges });

const roomOf = (group: string, spent: Spending, budget = BUDGET) => {
  const left = new Purses(budget, spent).leftFor(group);
  return left === undefined ? undefined : decimalOf(left);
};

describe('a purse', () => {
  it('has what is neither spent nor reserved, and the smallest one decides', () => {
    expect(roomOf('search', spending())).toBe('50.00');
    expect(roomOf('', spending())).toBe('20.00');
    expect(roomOf('search', spending(charge({ group: 'search', high: '12.5' })))).toBe('37.50');
    expect(roomOf('', spending(charge({ group: 'search', high: '90' })))).toBe('10.00');
  });

  it('has the true cost in place of the estimate once it is settled, and second batches on top', () => {
    expect(roomOf('', spending(charge({ settled: '1.25' })))).toBe('18.75');
    expect(roomOf('', spending(charge({ settled: '1.25', seconds: 2 })))).toBe('8.75');
    expect(roomOf('', spending(charge({ high: null })))).toBe('20.00');
  });

  it('is shared by all groups that are not named', () => {
    expect(groupOf(BUDGET, { team: 'search' })).toBe('search');
    for (const metadata of [{ team: 'ads' }, {}, { team: 'constructor' }, { other: 'search' }])
      expect(groupOf(BUDGET, metadata)).toBe('');
  });

  it('also pays for groups that were named when their files came', () => {
    expect(roomOf('', spending(charge({ group: 'ads' })))).toBe('15.00');
  });

  it('that is not set holds any amount', () => {
    const free: Budget = { all: {}, each: {}, others: {} };
    expect(roomOf('', spending(charge()), free)).toBeUndefined();
    expect(new Purses(free, spending()).all()).toEqual([]);
  });
});

describe('a period', () => {
  it('is the UTC day or month of the admission', () => {
    const late = charge({ at: Date.UTC(2026, 10, 20, 23, 59, 59) });
    const before = spending(late);
    expect(roomOf('', spendingAt(before, Date.UTC(2026, 10, 20, 23, 59, 59)))).toBe('15.00');
    const after = spendingAt(before, Date.UTC(2026, 10, 21));
    expect(roomOf('', after)).toBe('20.00');
    expect(new Purses(BUDGET, after).of('').map(({ period, used }) => [period, decimalOf(used)])).toEqual([
      ['day', '0.00'],
      ['month', '5.00'],
      ['day', '0.00'],
    ]);
  });

  it('does not return when a clock runs behind', () => {
    const today = spendingAt(undefined, NOON + DAY);
    expect(spendingAt(today, NOON)).toBe(today);
  });

  it('keeps charges of an earlier month only while they are open', () => {
    const open = charge();
    const all = spending(open, charge({ jobId: 'k', settled: '3' }));
    const next = spendingAt(all, Date.UTC(2026, 11, 1));
    expect(next).toMatchObject({ day: '2026-12-01', month: '2026-12', charges: [open], spentInMonth: {} });
    expect(roomOf('', next)).toBe('20.00');
  });
});

describe('a charge that is no longer listed', () => {
  it('is in the sums of its periods, once', () => {
    const [one, other] = [charge({ settled: '1.1' }), charge({ jobId: 'k', settled: '2.2', seconds: 1 })];
    let after = withoutCharge(spending(one, other), one);
    after = withoutCharge(after, other);
    expect(after).toMatchObject({
      charges: [],
      spentInDay: { '': '8.30' },
      spentInMonth: { '': '8.30' },
    });
    expect(roomOf('', after)).toBe('11.70');
  });

  it('of an earlier day is only in the sum of the month', () => {
    const old = charge({ at: NOON - DAY, settled: '4' });
    expect(withoutCharge(spending(old), old)).toMatchObject({ spentInDay: {}, spentInMonth: { '': '4.00' } });
    const older = charge({ at: NOON - 30 * DAY, settled: '4' });
    expect(withoutCharge(spending(older), older)).toMatchObject({ spentInDay: {}, spentInMonth: {} });
  });
});

describe('the charges to stop once a purse is used up', () => {
  const running = (number: number, differences: Partial<Charge> = {}) =>
    charge({ number, group: 'search', ...differences });
  const done = (settled: string, differences: Partial<Charge> = {}) =>
    charge({ number: 9, group: 'search', settled, ...differences });
  const stopped = (...charges: Charge[]) =>
    chargesToStop(BUDGET, spending(...charges)).map(({ number }) => number);

  it('are those that it pays for and that still run, as soon as what was delivered has reached its limit', () => {
    expect(stopped(running(1), running(2), done('50'))).toEqual([1, 2]);
    expect(stopped(running(1), done('49.99'))).toEqual([]);
    expect(stopped(done('50'))).toEqual([]);
  });

  it('are not chosen by what is only reserved', () => {
    expect(stopped(running(1, { high: '60' }), running(2))).toEqual([]);
  });

  it('are not those of another group, unless the purse of all is used up', () => {
    expect(stopped(running(1), running(2, { group: '' }), done('50'))).toEqual([1]);
    expect(stopped(running(1), running(2, { group: '' }), done('100'))).toEqual([1, 2]);
  });

  it('are not those of another day, unless the purse of the month is used up', () => {
    const yesterday = { at: NOON - DAY };
    expect(stopped(running(1), running(2, yesterday), done('50'))).toEqual([1]);
    expect(stopped(running(1), running(2, yesterday), done('1000', yesterday))).toEqual([1, 2]);
    const lastMonth = { at: Date.UTC(2026, 9, 31) };
    expect(stopped(running(1), running(2, lastMonth), done('1000', yesterday))).toEqual([1]);
  });
});
