import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrokenRecord, DelimitedRecords } from '../../bin/data/tables/delimited-records.ts';

/** Few characters, so that those with a meaning meet often. */
const value = fc.string({
  unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'é', '😀'),
  maxLength: 8,
});
const delimiter = fc.constantFrom(',', ';', '\t');
const lineEnd = fc.constantFrom('\n', '\r\n');

/** A table as programs write it: each value quoted if it must be, or if chance says so. */
const written = fc
  .record({
    rows: fc.array(fc.array(value, { minLength: 2, maxLength: 4 })),
    delimiter,
    lineEnd,
    quoteAll: fc.boolean(),
  })
  .map(({ rows, delimiter: between, lineEnd: end, quoteAll }) => {
    const cell = (text: string) =>
      quoteAll || /["\r\n]/.test(text) || text.includes(between) ? `"${text.replaceAll('"', '""')}"` : text;
    const lines = rows.map((row) => row.map(cell).join(between));
    return { rows, delimiter: between, text: lines.join(end) };
  });
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 6 });

function recordsOf(
  text: string,
  between: string,
  at: readonly number[],
): { values: string[]; line: number }[] {
  const found: { values: string[]; line: number }[] = [];
  const reader = new DelimitedRecords((values, line) => found.push({ values, line }), {
    delimiter: between,
    quotes: true,
  });
  let from = 0;
  for (const cut of [...at].sort((a, b) => a - b)) {
    reader.push(text.slice(from, Math.max(from, cut)));
    from = Math.max(from, cut);
  }
  reader.push(text.slice(from));
  reader.end();
  return found;
}

describe('the records of a CSV file', () => {
  it('are those that were written, however the file is cut into pieces', () => {
    fc.assert(
      fc.property(written, cuts, ({ rows, delimiter: between, text }, at) => {
        expect(recordsOf(text, between, at).map(({ values }) => values)).toEqual(rows);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are those of csv-parse, and each begins on its line', () => {
    fc.assert(
      fc.property(written, cuts, ({ delimiter: between, text }, at) => {
        const ours = recordsOf(text, between, at);
        const options = { delimiter: between, relax_column_count: true, skip_empty_lines: true };
        expect(ours.map(({ values }) => values)).toEqual(
          parse(text, { ...options, record_delimiter: ['\r\n', '\n'] }),
        );
        // A line of a record is a line of the text: cut there, the rest has the rest of the records.
        for (const [number, { line }] of ours.entries()) {
          const rest = text
            .split('\n')
            .slice(line - 1)
            .join('\n');
          expect(recordsOf(rest, between, []).map(({ values }) => values)).toEqual(
            ours.slice(number).map(({ values }) => values),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of any text are the same however it is cut, or the text is refused on the same line', () => {
    const outcome = (text: string, at: readonly number[]) => {
      try {
        return recordsOf(text, ',', at);
      } catch (error) {
        if (error instanceof BrokenRecord) return error.line;
        throw error;
      }
    };
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r'), maxLength: 40 }),
        cuts,
        (text, at) => {
          expect(
            outcome(
              text,
              at.map((cut) => cut % 41),
            ),
          ).toEqual(outcome(text, []));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
