import { describe, expect, it } from 'vitest';
import { FILE_LIMITS } from '../../../functions/shared/contract/request-file.ts';
import { RowTable } from '../../../functions/shared/part-rows/row-table.ts';
import { ByteSource } from '../../../functions/shared/request-file/byte-source.ts';
import { type PartBytes, PartPlanner } from '../../../functions/shared/request-file/plan-parts.ts';

const ROW_BYTES = 100;

/** Adds a row of this model. Each id has 12 bytes, so each row takes 30 bytes of a row table. */
function addRow(planner: PartPlanner, model: string, ordinal: number) {
  const start = ordinal * ROW_BYTES;
  const line = {
    number: ordinal + 1,
    length: ROW_BYTES - 1,
    offset: start,
    start,
    end: start + ROW_BYTES,
  };
  const row = {
    customId: String(ordinal).padStart(12, '0'),
    endpoint: '/v1/responses',
    model,
    embeddingInputs: 0,
    outputBound: 0,
  };
  return planner.add(line, row, ordinal);
}

/** Plans one row for each of these models. */
function planned(models: Iterable<string>, mostTableBytes?: number, partBytes: PartBytes = {}) {
  const planner = new PartPlanner(partBytes, mostTableBytes);
  let ordinal = 0;
  const refused: (string | undefined)[] = [];
  for (const model of models) {
    const refusal = addRow(planner, model, ordinal);
    if (refusal) refused.push(refusal);
    ordinal += 1;
  }
  planner.end();
  return { closed: planner.takeClosed(), refused };
}

function* alternating(rows: number, ...models: string[]): Generator<string> {
  for (let at = 0; at < rows; at += 1) yield models[at % models.length] ?? '';
}

describe('the open row tables', () => {
  it('close no part early while they are within their limit', () => {
    const { closed } = planned(alternating(10, 'm', 'n'), 10 * 30);
    expect(closed.map(({ part }) => part.rows)).toEqual([5, 5]);
  });

  it('close the largest part early above their limit, and its model continues in a new part', () => {
    const { closed } = planned(['m', 'm', 'm', 'n', 'm', 'n', 'n', 'm'], 4 * 30);
    const parts = closed.map(({ part }) => part).sort((a, b) => a.number - b.number);
    expect(
      parts.map(({ model, rows, range, interleaved }) => [model, rows, range.end / ROW_BYTES, interleaved]),
    ).toEqual([
      ['m', 4, 5, true],
      ['n', 3, 7, true],
      ['m', 1, 8, undefined],
    ]);
  });

  it('contain every row once, whichever parts were closed early', () => {
    const { closed } = planned(alternating(1_000, 'a', 'b', 'a', 'c', 'd'), 50 * 30);
    expect(closed.length).toBeGreaterThan(20);
    const ordinals = closed.flatMap(({ part, table }) => {
      const rows = new RowTable(table);
      expect(rows.rows).toBe(part.rows);
      return Array.from({ length: rows.rows }, (_, index) => rows.place(index).ordinal);
    });
    expect(ordinals.sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, ordinal) => ordinal));
  });
});

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

it('a planner that is restored between any two rows makes the same plan', async () => {
  const models = [...alternating(60, 'a', 'b', 'a', 'c')];
  const whole = planned(models, 10 * 30).closed;
  expect(whole.length).toBeGreaterThan(5);
  for (let after = 0; after <= models.length; after += 1) {
    let planner = new PartPlanner({}, 10 * 30);
    for (const [ordinal, model] of models.slice(0, after).entries()) addRow(planner, model, ordinal);
    const closed = planner.takeClosed();
    const saved = Array.from(planner.savedTables(), (table) => Buffer.from(table));
    const facts = structuredClone(planner.facts());
    planner = await PartPlanner.restored(facts, new ByteSource(streamOf(saved)), 10 * 30);
    expect(planner.groups).toBe(facts.groups.length);
    for (const [at, model] of models.slice(after).entries()) addRow(planner, model, after + at);
    planner.end();
    expect([...closed, ...planner.takeClosed()].map(({ part }) => part)).toEqual(
      whole.map(({ part }) => part),
    );
  }
});

describe('a limit on the bytes of a model', () => {
  const parts = (models: Iterable<string>, partBytes: PartBytes) =>
    planned(models, undefined, partBytes)
      .closed.map(({ part }) => part)
      .sort((a, b) => a.number - b.number)
      .map(({ model, rows, uploadBytes }) => [model, rows, uploadBytes]);

  it('closes the parts of this model before they exceed it, and no part of another model', () => {
    expect(parts(alternating(10, 'm', 'n'), { m: 2 * ROW_BYTES })).toEqual([
      ['m', 2, 200],
      ['n', 5, 500],
      ['m', 2, 200],
      ['m', 1, 100],
    ]);
  });

  it('smaller than a row gives each row its own part', () => {
    expect(parts(['m', 'm'], { m: 1 })).toEqual([
      ['m', 1, 100],
      ['m', 1, 100],
    ]);
  });
});

it('planning refuses the row that would begin one part too many', () => {
  const most = FILE_LIMITS.parts;
  // Two rows exceed the limit, so each row is its own part.
  expect(planned(alternating(most, 'm'), 0)).toMatchObject({ closed: { length: most }, refused: [] });
  expect(planned(alternating(most + 1, 'm'), 0)).toMatchObject({
    closed: { length: most },
    refused: ['too_many_parts'],
  });
});
