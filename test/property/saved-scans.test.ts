import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PartBytes } from '../../functions/shared/request-file/plan-parts.ts';
import { type CheckedFile, RequestFileScan } from '../../functions/shared/request-file/request-file-scan.ts';
import { completeScan, continueScan } from '../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../fakes/in-memory-row-tables.ts';
import { pieces, validFile } from './request-file-arbitrary.ts';

interface Scanned {
  checked: CheckedFile;
  tables: [number, string][];
  invocations: number;
}

/**
 * Scans a file in several invocations. `ends`, called after each chunk, decides where one ends. Each saves its scan for
 * the next one.
 */
async function scanned(
  file: Buffer,
  partBytes: PartBytes,
  chunkBytes: number,
  ends: () => boolean,
): Promise<Scanned> {
  const kept = createInMemoryRowTables();
  let scan = RequestFileScan.begun(partBytes);
  const read = (offset: number) => {
    const places = [offset];
    for (let at = offset + chunkBytes; at < file.length; at += chunkBytes) places.push(at);
    return pieces(file, [...places, file.length]);
  };
  let invocations = 1;
  for (; !(await continueScan(scan, read, kept, ends)); invocations += 1)
    scan = await RequestFileScan.restored(cut(scan.saved(), 1000));
  const checked = await completeScan(scan, kept);
  const tables = [...kept.tables].map(([part, table]): [number, string] => [
    part,
    Buffer.from(table).toString('hex'),
  ]);
  return { checked, tables: tables.sort(([a], [b]) => a - b), invocations };
}

/** Yields the saved scan in pieces, as S3 returns it. */
async function* cut(saved: Iterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat([...saved]);
  for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes);
}

/** A valid file, or one with a repeated id, a faulty line, or both. */
const anyFile = fc
  .record({
    valid: validFile,
    again: fc.option(fc.nat(), { freq: 2 }),
    fault: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 2 }),
  })
  .map(({ valid: { file, rows }, again, fault }) => {
    const more = again === null ? '' : `\n${rows[again % rows.length]}`;
    const whole = Buffer.concat([file, Buffer.from(more)]);
    if (fault !== null) whole[Math.floor(fault * (whole.length - 1))] = 0x01;
    return whole;
  });

test('any file read in several invocations gets the same result, parts and row tables as in one', async () => {
  const seen = { good: 0, bad: 0, invocations: 0 };
  await fc.assert(
    fc.asyncProperty(
      anyFile,
      fc.dictionary(fc.constantFrom('m', 'n', 'ö'), fc.integer({ min: 1, max: 1_000 })),
      fc.integer({ min: 1, max: 5_000 }),
      fc.infiniteStream(fc.boolean()),
      async (file, partBytes, chunkBytes, ends) => {
        const atOnce = await scanned(file, partBytes, 4_096, () => false);
        const { invocations, ...inSeveral } = await scanned(
          file,
          partBytes,
          chunkBytes,
          () => ends.next().value,
        );
        expect(inSeveral).toEqual({ checked: atOnce.checked, tables: atOnce.tables });
        seen[atOnce.checked.verdict] += 1;
        seen.invocations += invocations;
      },
    ),
    { numRuns: 100 },
  );
  expect(seen.good).toBeGreaterThan(10);
  expect(seen.bad).toBeGreaterThan(10);
  expect(seen.invocations).toBeGreaterThan(250);
});

test('a saved scan that is truncated, extended or not a scan is refused and never resumed', async () => {
  await fc.assert(
    fc.asyncProperty(
      validFile,
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 9 }),
      async ({ file }, cutAt, more) => {
        const scan = RequestFileScan.begun({});
        scan.push(file);
        scan.takeClosed();
        const saved = Buffer.concat([...scan.saved()]);
        const wrong = [
          saved.subarray(0, cutAt % saved.length),
          Buffer.concat([saved, more]),
          Buffer.from(more),
        ];
        for (const bytes of wrong)
          await expect(RequestFileScan.restored(cut([bytes], 50))).rejects.toThrow(RangeError);
      },
    ),
    { numRuns: 100 },
  );
});
