import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FILE_LIMITS } from '../../functions/shared/contract/request-file.ts';
import { normalised } from '../../functions/shared/part-rows/lines.ts';
import { RowTable } from '../../functions/shared/part-rows/row-table.ts';
import type { PlannedPart } from '../../functions/shared/request-file/plan-parts.ts';
import type { CheckedFile } from '../../functions/shared/request-file/request-file-scan.ts';
import { validateRequestFile } from '../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../fakes/in-memory-row-tables.ts';
import { pieces, validFile } from './request-file-arbitrary.ts';

const RUNS = { numRuns: 150 };
async function check(
  file: Buffer,
  places: number[],
): Promise<{ checked: CheckedFile; tables: Map<number, Uint8Array> }> {
  const kept = createInMemoryRowTables();
  return { checked: await validateRequestFile(() => pieces(file, places), kept), tables: kept.tables };
}

/** Returns the rows of a part with their ordinals, read with the part's row table. */
function rowsOf(file: Buffer, table: RowTable): [ordinal: number, row: string][] {
  return Array.from({ length: table.rows }, (_, index) => {
    const { ordinal, offset, length } = table.place(index);
    return [ordinal, file.subarray(offset, offset + length).toString()];
  });
}

async function upload(file: Buffer, { range }: PlannedPart): Promise<string> {
  const chunks = pieces(file.subarray(range.start, range.end), [0, 7, 7, range.end - range.start]);
  const taken: Uint8Array[] = [];
  const options = { longest: FILE_LIMITS.rowBytes, offset: range.start };
  for await (const chunk of normalised(chunks, options)) taken.push(chunk);
  return Buffer.concat(taken).toString();
}

/** Checks a part against its table and the file. Returns its rows. */
async function soundRows(file: Buffer, part: PlannedPart, bytes: Uint8Array) {
  const table = new RowTable(bytes);
  const rows = rowsOf(file, table);
  expect(rows.length).toBe(part.rows);
  const text = rows.map(([, row]) => `${row}\n`).join('');
  expect(Buffer.byteLength(text)).toBe(part.uploadBytes);
  const inRange = await upload(file, part);
  if (part.interleaved) expect(inRange.length).toBeGreaterThan(text.length);
  else expect(inRange).toBe(text);
  for (const [index, [, row]] of rows.entries()) {
    const { custom_id: customId, url, body } = JSON.parse(row);
    expect({ customId, url, model: body.model }).toEqual({
      customId: table.customId(index),
      url: part.endpoint,
      model: part.model,
    });
  }
  return rows;
}

test('any valid file in any chunks is accepted, and its parts together are the normalised file', async () => {
  let severalParts = 0;
  let interleaved = 0;
  await fc.assert(
    fc.asyncProperty(validFile, async ({ file, places, rows }) => {
      const { checked, tables } = await check(file, places);
      if (checked.verdict === 'bad') throw new Error(JSON.stringify(checked.findings));
      expect(checked.rows).toBe(rows.length);
      expect(checked.parts.map(({ number }) => number)).toEqual(checked.parts.map((_, at) => at + 1));
      expect(tables.size).toBe(checked.parts.length);
      if (checked.parts.length > 1) severalParts += 1;
      if (checked.parts.some((part) => part.interleaved)) interleaved += 1;
      const all: [number, string][] = [];
      for (const part of checked.parts) {
        const own = await soundRows(file, part, tables.get(part.number) ?? Buffer.of());
        all.push(...own);
      }
      expect(all.sort(([a], [b]) => a - b)).toEqual(rows.map((row, at) => [at, row]));
    }),
    RUNS,
  );
  expect(severalParts).toBeGreaterThan(5);
  expect(interleaved).toBeGreaterThan(5);
});

test('any valid file with one repeated id is refused, and the finding names the line', async () => {
  await fc.assert(
    fc.asyncProperty(validFile, fc.nat(), async ({ file, places, rows }, pick) => {
      const again = `\n${rows[pick % rows.length]}`;
      const doubled = Buffer.concat([file, Buffer.from(again)]);
      const { checked } = await check(doubled, [...places, doubled.length]);
      if (checked.verdict === 'good') throw new Error('accepted');
      expect(checked.findings.map(({ code }) => code)).toEqual(['duplicate_custom_id']);
      expect(checked.findings[0]?.line).toBe(doubled.toString().split('\n').length);
    }),
    RUNS,
  );
});

test('a valid file with any byte changed is accepted or refused, and the parts of an accepted one still match the file', async () => {
  let bad = 0;
  await fc.assert(
    fc.asyncProperty(
      validFile,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async ({ file, places }, place, change) => {
        const at = Math.floor(place * file.length);
        file[at] = (file[at] ?? 0) ^ change;
        const { checked, tables } = await check(file, places);
        if (checked.verdict === 'bad') {
          bad += 1;
          expect(checked.count).toBeGreaterThan(0);
          return;
        }
        for (const part of checked.parts) await soundRows(file, part, tables.get(part.number) ?? Buffer.of());
      },
    ),
    { numRuns: 150 },
  );
  expect(bad).toBeGreaterThan(50);
});

test('a file of arbitrary bytes is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), async (chunks) => {
      const checked = await validateRequestFile(async function* () {
        yield* chunks;
      }, createInMemoryRowTables());
      expect(checked.verdict).toBe('bad');
    }),
    { numRuns: 150 },
  );
});
