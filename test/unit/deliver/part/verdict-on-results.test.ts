import { describe, expect, it } from 'vitest';
import { isReleased, type Reading, verdictOn } from '../../../../functions/deliver/part/results-agreement.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../../contracts/samples.ts';
import { HOUR, MINUTE } from '../../small-world.ts';

/** A reading of two files with a line for two of ten rows. */
const reading = (differences: Partial<Reading> = {}): Reading => ({
  ...{ rows: 10, rowsWithLine: 2, rowsInOutput: 2, rowsThatRan: 2, foreignLines: 0, damagedLines: 0 },
  ...{ problems: [], digest: 'same', ...differences },
});

const counts = (completed: number, failed: number) => ({ total: 10, completed, failed });
const ended = (status: string, completed?: number, failed = 0): PartFields => ({
  batch: aBatch({ status, ...(completed === undefined ? {} : { counts: counts(completed, failed) }) }),
});

/** Since when the results are checked, and since when they are the same. */
const waits = (hours: number, differences: object = {}): PartFields => ({
  resultsWait: {
    ...{ since: NOON - hours * HOUR, looks: 6, until: NOON, why: 'w', mostRows: 2 },
    ...{ reading: { digest: 'same', since: NOON - hours * HOUR }, ...differences },
  },
});

const verdict = (fields: PartFields, read: Reading) => verdictOn(aPart(fields), read, NOON).is;

describe('results are believed', () => {
  it.each<[string, PartFields, Partial<Reading>, boolean]>([
    ['if each row has its own line', ended('completed', 1), { rowsWithLine: 10 }, true],
    ['not if a row of a completed batch has none', ended('completed', 2), { rowsWithLine: 9 }, false],
    ['if as many rows as completed are in the output', ended('expired', 2, 3), {}, true],
    ['not if fewer are', ended('expired', 3, 3), {}, false],
    ['if as many rows ran as the API counts', ended('expired', 3, 1), { rowsThatRan: 4 }, true],
    ['not if fewer ran', ended('expired', 3, 2), { rowsThatRan: 4 }, false],
    ['not if a file was not read', ended('expired', 2), { problems: ['p'] }, false],
    ['if a batch failed without counts', ended('failed'), { rowsInOutput: 0, rowsThatRan: 0 }, true],
    ['if the part has no batch', { ended: { as: 'lost', reason: { code: 'c', message: 'm' } } }, {}, true],
    ['not at the first reading if the API does not count', ended('cancelled'), {}, false],
    [
      'if they are the same for an hour, where the API does not count',
      { ...ended('cancelled'), ...waits(1) },
      {},
      true,
    ],
    ['not if they are the same for less', { ...ended('cancelled'), ...waits(0.99) }, {}, false],
    ['not if they differ', { ...ended('cancelled'), ...waits(1) }, { digest: 'other' }, false],
    ['not with lines of other rows', { ...ended('cancelled'), ...waits(1) }, { foreignLines: 1 }, false],
  ])('%s', (_, fields, read, isAgreed) => {
    expect(verdict(fields, reading(read))).toBe(isAgreed ? 'agreed' : 'look_again');
  });
});

describe('results that do not agree are delivered as they are', () => {
  const completed = ended('completed', 2);
  it.each<[string, PartFields, Partial<Reading>, boolean]>([
    ['after a day of checks', waits(24), { digest: 'other' }, true],
    ['not before', waits(23.99), { digest: 'other' }, false],
    ['not after too few of them', waits(24, { looks: 5 }), { digest: 'other' }, false],
    [
      'not after a day, if an earlier check saw more rows',
      waits(24, { mostRows: 3 }),
      { digest: 'other' },
      false,
    ],
    ['after two days, even then', waits(48, { mostRows: 3 }), { digest: 'other' }, true],
    ['not while a call has no response', waits(72), { unanswered: 'u' }, false],
    ['if all other lines are damaged, and stay so for two hours', waits(2), { damagedLines: 8 }, true],
    ['not if they stay so for less', waits(1.99), { damagedLines: 8 }, false],
    ['not if lines are missing as well', waits(2), { damagedLines: 7 }, false],
    [
      'if a person has released the part',
      { ...waits(1), releasedAt: NOON - HOUR },
      { unanswered: 'u' },
      true,
    ],
    ['not if that was before the first check', { ...waits(1), releasedAt: NOON - HOUR - 1 }, {}, false],
  ])('%s', (_, fields, read, isFinal) => {
    expect(verdict({ ...completed, ...fields }, reading(read))).toBe(isFinal ? 'doubtful' : 'look_again');
  });

  it('if a batch that did not complete has as many results as the API counts, some damaged', () => {
    const expired = (damagedLines: number) =>
      verdict({ ...ended('expired', 4, 2), ...waits(2) }, reading({ damagedLines, rowsThatRan: 3 }));
    expect([expired(3), expired(2)]).toEqual(['doubtful', 'look_again']);
  });

  it('if the batch is lost', () => {
    const lost = { ...completed, ended: { as: 'lost', reason: { code: 'c', message: 'm' } } } as const;
    expect(verdict(lost, reading())).toBe('doubtful');
  });
});

describe('the next check of results', () => {
  const wait = (fields: PartFields, read: Partial<Reading> = {}) => {
    const next = verdictOn(aPart({ ...ended('completed', 2), ...fields }), reading(read), NOON);
    return next.is === 'look_again' ? next.wait : undefined;
  };

  it('comes after a minute, and notes what was seen', () => {
    expect(wait({})).toEqual({
      ...{ since: NOON, looks: 1, until: NOON + MINUTE, why: expect.any(String), mostRows: 2 },
      reading: { digest: 'same', since: NOON },
    });
  });

  it('comes later each time, and keeps since when the results are the same, and the most rows', () => {
    expect(wait(waits(1, { looks: 2, mostRows: 5 }))).toMatchObject({
      ...{ since: NOON - HOUR, looks: 3, until: NOON + 4 * MINUTE, mostRows: 5 },
      reading: { digest: 'same', since: NOON - HOUR },
    });
    expect(wait(waits(1, { looks: 20 }))?.until).toBe(NOON + HOUR);
    expect(wait(waits(1), { rowsWithLine: 3 })?.mostRows).toBe(3);
  });

  it('begins anew with other results, but not because of a call without a response', () => {
    const before = { digest: 'same', since: NOON - HOUR };
    expect(wait(waits(1), { digest: 'other' })?.reading).toEqual({ digest: 'other', since: NOON });
    expect(wait(waits(1), { digest: 'other', unanswered: 'u' })?.reading).toEqual(before);
  });
});

it('a part is released from its wait for results only while it waits for them', () => {
  expect(isReleased(aPart({ ...ended('completed'), releasedAt: NOON }))).toBe(false);
  expect(isReleased(aPart({ ...ended('completed'), ...waits(1) }))).toBe(false);
  expect(isReleased(aPart({ ...ended('completed'), ...waits(1), releasedAt: NOON }))).toBe(true);
});
