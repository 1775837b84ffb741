import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedJson } from '../../functions/shared/adapters/openai/bounded-json.ts';

const MAX_BYTES = 200_000;
const TOO_LONG = 64 * 1024 + 10;

/** Returns the result for bytes that arrive in pieces of this length; undefined if it is too long. */
function bounded(bytes: Buffer, piece: number): string | undefined {
  const json = new BoundedJson(MAX_BYTES);
  for (let at = 0; at < bytes.length; at += piece) {
    if (!json.push(bytes.subarray(at, at + piece))) return undefined;
  }
  return json.bytes().toString();
}

const piece = fc.integer({ min: 1, max: 50 });
const strings = fc.stringMatching(/^["\\{}[\],:a🙂]{0,20}$/u);
const json = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, strings, fc.integer(), fc.constant(null), tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(strings, fc.constantFrom('data', 'job', 'id')), tie('any'), { maxKeys: 4 }),
})).any;

test('JSON without oversized values and bytes that are not JSON remain unchanged, in whatever pieces they arrive', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        json.map((value) => JSON.stringify(value)),
        strings,
      ),
      piece,
      (text, length) => {
        expect(bounded(Buffer.from(text), length)).toBe(text);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('an oversized value of a member becomes null, and all others remain unchanged', () => {
  const huge = fc.constantFrom<unknown>('x'.repeat(TOO_LONG), Array(TOO_LONG).fill(1), {
    a: ['y'.repeat(TOO_LONG)],
  });
  fc.assert(
    fc.property(
      json,
      huge,
      json,
      fc.integer({ min: 1_000, max: 70_000 }),
      (before, value, behind, length) => {
        const entry = (metadata: unknown) => ({
          id: 'batch_1',
          before,
          metadata,
          behind,
          status: 'completed',
        });
        const shapes = [
          entry,
          (metadata: unknown) => ({ data: [before, entry(metadata), entry('small')], has_more: false }),
          (metadata: unknown) => ({ job: entry(metadata) }),
        ];
        for (const shape of shapes) {
          const out = bounded(Buffer.from(JSON.stringify(shape(value))), length);
          expect(JSON.parse(out ?? '')).toEqual(JSON.parse(JSON.stringify(shape(null))));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('text that is too long or nested too deeply is refused', () => {
  expect(bounded(Buffer.from(JSON.stringify('x'.repeat(MAX_BYTES + 10))), 10_000)).toBeUndefined();
  expect(bounded(Buffer.from(JSON.stringify({ data: Array(MAX_BYTES).fill(1) })), 10_000)).toBeUndefined();
  expect(bounded(Buffer.from('['.repeat(2_000)), 10_000)).toBeUndefined();
});
