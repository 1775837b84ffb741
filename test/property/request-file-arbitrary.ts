import fc from 'fast-check';

const LINE_ENDS = ['\n', '\r\n', '\n\n', '\r\n \t\n', '\n\r\n'] as const;
const ROWS = 12;

/** A valid file for several models, in any spelling, its rows, and the positions where its chunks end. */
export const validFile = fc
  .record({
    ids: fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), {
      minLength: 1,
      maxLength: ROWS,
    }),
    models: fc.oneof(
      fc.constant(Array.from({ length: ROWS }, () => 'm')),
      fc.array(fc.constantFrom('m', 'n', 'ö'), { minLength: ROWS, maxLength: ROWS }),
    ),
    extras: fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: ROWS, maxLength: ROWS }),
    inputs: fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: ROWS, maxLength: ROWS }),
    ends: fc.array(fc.constantFrom(...LINE_ENDS), { minLength: ROWS, maxLength: ROWS }),
    indents: fc.array(fc.constantFrom('', ' ', '\t'), { minLength: ROWS, maxLength: ROWS }),
    byteOrderMark: fc.boolean(),
    lastEnd: fc.boolean(),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }),
  })
  .map(({ ids, models, extras, inputs, ends, indents, byteOrderMark, lastEnd, cuts }) => {
    const rows = ids.map((customId, at) => {
      // Token numbers count as one input, but each string counts, so some files need several parts.
      const input = at % 3 === 0 ? Array.from({ length: inputs[at] ?? 1 }, () => '') : [1, 2];
      const limit = at % 2 === 0 ? { max_output_tokens: inputs[at] } : {};
      const body = { model: models[at], input, extra: extras[at], ...limit };
      const url = at % 4 === 3 ? '/v1/responses' : '/v1/embeddings';
      return `${indents[at]}${JSON.stringify({ custom_id: customId, method: 'POST', url, body })}`;
    });
    const lines = rows.map((row, at) => row + (at === rows.length - 1 && !lastEnd ? '' : ends[at]));
    const file = Buffer.from((byteOrderMark ? '\uFEFF' : '') + lines.join(''));
    const places = [0, ...cuts.map((cut) => Math.floor(cut * file.length)), file.length].sort(
      (a, b) => a - b,
    );
    return { file, places, rows };
  });

/** Yields the file in chunks that end at these positions. */
export async function* pieces(file: Buffer, places: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 1; at < places.length; at += 1)
    yield Uint8Array.from(file.subarray(places[at - 1], places[at]));
}
