import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FILE_LIMITS } from '../../functions/shared/contract/request-file.ts';
import { checkRequestFile, type PlannedPart } from '../../functions/shared/core/check-request-file.ts';
import { normalised } from '../../functions/shared/core/lines.ts';

const RUNS = { numRuns: 150 };
const LINE_ENDS = ['\n', '\r\n', '\n\n', '\r\n \t\n', '\n\r\n'] as const;

/** A file of valid rows in any spelling, what is to be uploaded of it, and places to cut it. */
const validFile = fc
  .record({
    ids: fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
      minLength: 1,
      maxLength: 12,
    }),
    extras: fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 12, maxLength: 12 }),
    inputs: fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 12, maxLength: 12 }),
    ends: fc.array(fc.constantFrom(...LINE_ENDS), { minLength: 12, maxLength: 12 }),
    indents: fc.array(fc.constantFrom('', ' ', '\t'), { minLength: 12, maxLength: 12 }),
    byteOrderMark: fc.boolean(),
    lastEnd: fc.boolean(),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
  })
  .map(({ ids, extras, inputs, ends, indents, byteOrderMark, lastEnd, cuts }) => {
    const rows = ids.map((customId, at) => {
      // Token numbers count as one input, strings as many: so some files take several parts.
      const input = at % 3 === 0 ? Array.from({ length: inputs[at] ?? 1 }, () => '') : [1, 2];
      const body = { model: 'm', input, extra: extras[at] };
      const text = JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/embeddings', body });
      return `${indents[at]}${text}`;
    });
    const lines = rows.map((row, at) => row + (at === rows.length - 1 && !lastEnd ? '' : ends[at]));
    const file = Buffer.from((byteOrderMark ? '\uFEFF' : '') + lines.join(''));
    const places = [0, ...cuts.map((cut) => Math.floor(cut * file.length)), file.length].sort(
      (a, b) => a - b,
    );
    return { file, places, rows: rows.length, uploaded: rows.map((row) => `${row}\n`).join('') };
  });

async function* pieces(file: Buffer, places: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 1; at < places.length; at += 1)
    yield Uint8Array.from(file.subarray(places[at - 1], places[at]));
}

async function upload(file: Buffer, { range }: PlannedPart): Promise<Buffer> {
  const chunks = pieces(file.subarray(range.start, range.end), [0, 7, 7, range.end - range.start]);
  const taken: Uint8Array[] = [];
  const options = { longest: FILE_LIMITS.rowBytes, offset: range.start };
  for await (const chunk of normalised(chunks, options)) taken.push(chunk);
  return Buffer.concat(taken);
}

test('any valid file, however it comes in pieces, is accepted, and its parts together are the file normalised', async () => {
  let severalParts = 0;
  await fc.assert(
    fc.asyncProperty(validFile, async ({ file, places, rows, uploaded }) => {
      const checked = await checkRequestFile(() => pieces(file, places));
      if (checked.verdict === 'bad') throw new Error(JSON.stringify(checked.findings));
      expect(checked.rows).toBe(rows);
      if (checked.parts.length > 1) severalParts += 1;
      const bodies: Buffer[] = [];
      for (const part of checked.parts) {
        const body = await upload(file, part);
        expect(body.length).toBe(part.uploadBytes);
        expect(body.toString().split('\n').length - 1).toBe(part.rows);
        bodies.push(body);
      }
      expect(Buffer.concat(bodies).equals(Buffer.from(uploaded))).toBe(true);
    }),
    RUNS,
  );
  expect(severalParts).toBeGreaterThan(5);
});

test('any valid file with one id used again is refused, and the line is named', async () => {
  await fc.assert(
    fc.asyncProperty(validFile, fc.nat(), async ({ file, places, uploaded }, pick) => {
      const rows = uploaded.split('\n').slice(0, -1);
      const again = `\n${rows[pick % rows.length]}`;
      const doubled = Buffer.concat([file, Buffer.from(again)]);
      const checked = await checkRequestFile(() => pieces(doubled, [...places, doubled.length]));
      if (checked.verdict === 'good') throw new Error('accepted');
      expect(checked.findings.map(({ code }) => code)).toEqual(['duplicate_custom_id']);
      expect(checked.findings[0]?.line).toBe(doubled.toString().split('\n').length);
    }),
    RUNS,
  );
});

test('any byte of a valid file changed to any other gives a verdict, and a good one still adds up', async () => {
  let bad = 0;
  await fc.assert(
    fc.asyncProperty(
      validFile,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      async ({ file, places }, place, change) => {
        const at = Math.floor(place * file.length);
        file[at] = (file[at] ?? 0) ^ change;
        const checked = await checkRequestFile(() => pieces(file, places));
        if (checked.verdict === 'bad') {
          bad += 1;
          expect(checked.count).toBeGreaterThan(0);
          return;
        }
        for (const part of checked.parts) expect((await upload(file, part)).length).toBe(part.uploadBytes);
      },
    ),
    { numRuns: 300 },
  );
  expect(bad).toBeGreaterThan(50);
});

test('bytes of any kind give a verdict', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), async (chunks) => {
      const checked = await checkRequestFile(async function* () {
        yield* chunks;
      });
      expect(checked.verdict).toBe('bad');
    }),
    { numRuns: 300 },
  );
});
