import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowTable, RowTableWriter } from '../../../functions/shared/part-rows/row-table.ts';

const ROW = fc.record({
  ordinal: fc.integer({ min: 0, max: 4_999_999 }),
  offset: fc.integer({ min: 0, max: 50_000_000_000 }),
  length: fc.integer({ min: 0, max: 33_554_432 }),
  customId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }),
});

describe('a row table', () => {
  it('returns the rows that were added', () => {
    fc.assert(
      fc.property(fc.array(ROW, { maxLength: 200 }), (rows) => {
        const writer = new RowTableWriter();
        for (const { customId, ...place } of rows) writer.add(place, customId);
        const table = new RowTable(Uint8Array.from(writer.gathered()));
        expect(table.rows).toBe(rows.length);
        rows.forEach(({ customId, ...place }, index) => {
          expect(table.place(index)).toEqual(place);
          expect(table.customId(index)).toBe(customId);
        });
      }),
    );
  });

  it('takes 18 bytes per row plus the id, also beyond its first buffer', () => {
    const writer = new RowTableWriter();
    for (let ordinal = 0; ordinal < 50_000; ordinal += 1) {
      writer.add({ ordinal, offset: ordinal * 100, length: 99 }, String(ordinal).padStart(10, '0'));
    }
    expect(writer.bytes).toBe(50_000 * 28);
    const table = new RowTable(writer.gathered());
    expect(table.place(49_999)).toEqual({ ordinal: 49_999, offset: 4_999_900, length: 99 });
  });

  it('that is truncated anywhere is refused', () => {
    const writer = new RowTableWriter();
    writer.add({ ordinal: 0, offset: 0, length: 9 }, 'first');
    writer.add({ ordinal: 1, offset: 10, length: 9 }, 'second');
    const whole = writer.gathered();
    for (let bytes = 1; bytes < whole.length; bytes += 1) {
      if (bytes === 23) continue; // the first record by itself is a table
      expect(() => new RowTable(whole.subarray(0, bytes))).toThrow(RangeError);
    }
  });

  it('has no row beyond its last', () => {
    expect(() => new RowTable(new Uint8Array(0)).place(0)).toThrow(/no row 0 of 0/);
  });
});
