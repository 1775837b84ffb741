import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { csvLines } from '../../../bin/terminal/csv.ts';
import { columnsOf, cutTo, fitted } from '../../../bin/terminal/fit-line.ts';

const RED = '\u001b[31m';
const DEFAULT = '\u001b[39m';

describe('a line on a terminal', () => {
  it.each([
    ['that fits is not changed', 'twelve chars', 12, 'twelve chars'],
    ['that is too long ends with an ellipsis', 'thirteen chars', 12, 'thirteen ch…'],
    ['with wide characters takes two columns for each', '日本語テスト', 7, '日本語…'],
    ['with an emoji takes two columns', 'ab🚀cd', 5, 'ab🚀…'],
    ['with combining marks takes none for them', 'e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301'],
    ['of one column', 'ab', 1, '…'],
  ])('%s', (_, line, columns, cut) => {
    expect(cutTo(line, columns)).toBe(cut);
    expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
  });

  it('is cut by what is seen, and its color ends with it', () => {
    expect(cutTo(`${RED}failed${DEFAULT}  the rest`, 8)).toBe(`${RED}failed${DEFAULT} …\u001b[0m`);
    expect(stripVTControlCharacters(cutTo(`${RED}failed`, 4))).toBe('fai…');
    expect(cutTo(`${RED}fail${DEFAULT}`, 4)).toBe(`${RED}fail${DEFAULT}`);
  });

  it('is whole in a pipe', () => {
    expect(fitted('a'.repeat(500), { columns: 80 })).toHaveLength(500);
    expect(fitted('a'.repeat(500), { isTTY: true, columns: 80 })).toHaveLength(80);
  });
});

describe('facts as CSV', () => {
  it('have a column for each field, fields of fields with a dot, and lists as JSON', () => {
    expect(
      csvLines([
        { jobId: 'a', rows: { total: 2 }, history: [{ at: 1 }] },
        { jobId: 'b', cost: null, note: 'x, "y"' },
      ]),
    ).toEqual(['jobId,rows.total,history,cost,note', 'a,2,"[{""at"":1}]",,', 'b,,,,"x, ""y"""']);
  });

  it('never begin a cell as a formula does, and never break a line', () => {
    expect(csvLines([{ key: '=1+1', other: '-5', third: '@x', fourth: 'a\nb' }])[1]).toBe(
      "'=1+1,-5,'@x,a\\nb",
    );
  });

  it('of nothing are nothing', () => {
    expect(csvLines([])).toEqual([]);
  });
});
