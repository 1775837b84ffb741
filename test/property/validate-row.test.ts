import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateRow } from '../../functions/shared/request-file/validate-row.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A row with any content, in which one byte may be replaced. */
const nearlyARow = fc
  .record({
    customId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    model: fc.constantFrom('gpt-4o-mini', 'ü', 'Ã¼', '模型'),
    content: fc.string({ unit: 'binary', maxLength: 40 }),
    extra: fc.jsonValue({ maxDepth: 2 }),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.constantFrom(...Buffer.from('"\\\u0000\t {}[]:,0-.eu\u00ff'), 0xc3, 0xbc, 0xed),
    changed: fc.boolean(),
  })
  .map(({ customId, model, content, extra, at, byte, changed }) => {
    const body = { model, messages: [{ role: 'user', content }], extra };
    const row = Buffer.from(
      JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/responses', body }),
    );
    if (changed) row[Math.floor(at * row.length)] = byte;
    return row;
  });

/** Returns the line parsed as JSON in UTF-8, or undefined. */
function parsed(line: Uint8Array): { custom_id: unknown; body: { model: unknown } } | undefined {
  try {
    return JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
}

test('a row is accepted only if it is JSON in UTF-8, and has the values that JSON.parse returns', () => {
  let good = 0;
  let bad = 0;
  fc.assert(
    fc.property(nearlyARow, (line) => {
      const checked = validateRow(line);
      const row = parsed(line);
      const verdict = 'row' in checked ? 'good' : checked.code;
      expect(row === undefined).toBe(verdict === 'invalid_json' || verdict === 'invalid_utf8');
      if (!('row' in checked)) {
        bad += 1;
        return;
      }
      good += 1;
      expect(checked.row.customId).toBe(row?.custom_id);
      expect(checked.row.model).toBe(row?.body.model);
    }),
    { numRuns: 3_000 },
  );
  expect(good).toBeGreaterThan(1_000);
  expect(bad).toBeGreaterThan(300);
});
