import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gather } from '../../../functions/deliver/job/multipart-plan.ts';
import { rangesOf } from '../../../functions/deliver/job/result-ranges.ts';
import { pieceKeys, rowTableKey } from '../../../functions/shared/domain/internal-keys.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { RowStates } from '../../../functions/shared/part-rows/row-states.ts';
import { RowTableWriter } from '../../../functions/shared/part-rows/row-table.ts';
import { aPart } from '../../contracts/samples.ts';
import { createInMemoryResults } from '../../fakes/in-memory-results.ts';

const ROW_BYTES = 10; // of the request file
const NOTHING = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };

interface Row {
  group: number;
  succeeded: boolean;
  line: string;
}

/** Stores the delivered pieces of one part per group. Returns the parts in the order of their first rows. */
async function deliver(rows: Row[], results = createInMemoryResults()) {
  const parts: Part[] = [];
  for (const group of new Set(rows.map((row) => row.group))) {
    const number = parts.length + 1;
    const table = new RowTableWriter();
    const mine = rows.flatMap((row, ordinal) => (row.group === group ? [{ ...row, ordinal }] : []));
    const states = RowStates.fresh(mine.length);
    const pieces = { output: '', errors: '' };
    for (const [index, { ordinal, succeeded, line }] of mine.entries()) {
      table.add({ ordinal, offset: ordinal * ROW_BYTES, length: ROW_BYTES - 1 }, `r${ordinal}`);
      pieces[succeeded ? 'output' : 'errors'] += `${line}\n`;
      const outcome = succeeded ? 'succeeded' : 'failed';
      states.set(index, { outcome, again: false, attempts: 1, lineBytes: Buffer.byteLength(line) + 1 });
    }
    const [first, last] = [mine[0]?.ordinal ?? 0, mine.at(-1)?.ordinal ?? 0];
    const part = aPart({
      number,
      interleaved: true,
      range: { start: first * ROW_BYTES, end: (last + 1) * ROW_BYTES },
      delivered: {
        deliveryId: 'd',
        rows: NOTHING,
        outputBytes: Buffer.byteLength(pieces.output),
        errorsBytes: Buffer.byteLength(pieces.errors),
        anomaliesBytes: 0,
        anomalies: 0,
        idsIn: '',
        idsOut: '',
      },
    });
    const keys = pieceKeys(part, 'd');
    await results.put(rowTableKey(part), table.gathered(), 'x');
    await results.put(keys.states, states.bytes(), 'x');
    await results.put(keys.output, pieces.output, 'x');
    await results.put(keys.errors, pieces.errors, 'x');
    parts.push(part);
  }
  return { parts, results };
}

const ROWS = fc.array(
  fc.record({
    group: fc.integer({ min: 0, max: 4 }),
    succeeded: fc.boolean(),
    line: fc.string({ unit: fc.constantFrom('a', 'ü', '{', '"'), minLength: 1, maxLength: 30 }),
  }),
  { maxLength: 60 },
);

describe('rows of interleaved parts', () => {
  it('are merged into the order of the request file, each in the file of its outcome', async () => {
    await fc.assert(
      fc.asyncProperty(ROWS, async (rows) => {
        const { parts, results } = await deliver(rows);
        for (const name of ['output', 'errors'] as const) {
          const ranges = await Array.fromAsync(rangesOf({ results }, parts, name));
          const expected = rows.filter(({ succeeded }) => succeeded === (name === 'output'));
          expect((await gather(results, ranges)).toString()).toBe(
            expected.map(({ line }) => `${line}\n`).join(''),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('that are adjacent in a part form one range', async () => {
    const block = (group: number) => Array.from({ length: 5 }, () => ({ group, succeeded: true, line: 'x' }));
    const { parts, results } = await deliver([...block(1), ...block(2), ...block(1)]);
    expect(await Array.fromAsync(rangesOf({ results }, parts, 'output'))).toHaveLength(3);
  });
});
