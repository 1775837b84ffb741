import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvRow } from '../../functions/shared/flat-results/csv.ts';
import { parseExact } from '../../functions/shared/flat-results/exact-json.ts';
import { chatRequest, chatResult, schemaOf, tableOf } from '../unit/flat-results/sample-lines.ts';

const NASTY = [...'=+-@\t\r\n",;\' a1ü😀', '\0', '\ufeff'];
const nasty = fc.array(fc.constantFrom(...NASTY), { maxLength: 8 }).map((characters) => characters.join(''));
const text = fc.oneof(nasty, fc.string({ unit: 'binary' }));
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.bigInt().map(String),
  fc.tuple(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n })).map(([whole, part]) => `${whole}.${part}`),
);

const SCHEMA = schemaOf({
  text: { type: 'string' },
  number: { type: 'number' },
  flag: { type: 'boolean' },
  nested: { type: 'array' },
});

const row = fc.record({ text, number, flag: fc.boolean(), nested: fc.array(fc.oneof(text, number)) });

test('a table in CSV says the same as the answers, for another reader of CSV', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
      const contents = rows.map(
        (each) =>
          `{"text":${JSON.stringify(each.text)},"number":${each.number},"flag":${each.flag},"nested":${JSON.stringify(each.nested)}}`,
      );
      const { names, cells, misfits } = await tableOf({
        requests: rows.map((_row, at) => chatRequest(`r-${at}`, SCHEMA)),
        output: contents.map((content, at) => chatResult(`r-${at}`, content)),
      });
      const csv = [names, ...cells].map((each) => csvRow(each, { forSpreadsheets: false })).join('');
      const read: Record<string, string>[] = parse(csv, { columns: true });
      expect(misfits.count).toBe(0);
      expect(read.length).toBe(rows.length);
      for (const [at, each] of rows.entries()) {
        expect(read[at]).toMatchObject({ custom_id: `r-${at}`, text: each.text, flag: String(each.flag) });
        expect(sameNumber(read[at]?.number ?? '', each.number)).toBe(true);
        expect(JSON.parse(read[at]?.nested ?? '')).toEqual(each.nested);
      }
    }),
  );
});

test('no text of a table for spreadsheets begins as a formula, and no other text changes', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const [read = []]: string[][] = parse(csvRow(texts, { forSpreadsheets: true }), {
        relax_column_count: true,
      });
      expect(read.length).toBe(texts.length);
      for (const [at, shown] of read.entries()) {
        expect(/^[=+\-@\t\r\n]/.test(shown) && !/^-?\d+(\.\d+)?$/.test(shown)).toBe(false);
        expect([texts[at], `'${texts[at]}`]).toContain(shown);
      }
    }),
  );
});

test('JSON keeps the value of each number', () => {
  fc.assert(
    fc.property(number, (source) => {
      expect(sameNumber(JSON.stringify(parseExact(source)), source)).toBe(true);
      expect(JSON.stringify(parseExact(`[{"a":${source}}]`))).toBe(
        `[{"a":${JSON.stringify(parseExact(source))}}]`,
      );
    }),
  );
});

/** Compares decimal numbers exactly, digit by digit. */
function sameNumber(one: string, other: string): boolean {
  return normal(one) === normal(other);
}

function normal(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return significant === '' ? '0' : `${sign}${significant}e${power}`;
}
