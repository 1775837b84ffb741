import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdDigest } from '../../../functions/shared/domain/id-digest.ts';
import { type RowState, RowStates } from '../../../functions/shared/part-rows/row-states.ts';

const STATE = fc.record<RowState>({
  outcome: fc.constantFrom('succeeded', 'failed', 'expired', 'cancelled', 'missing'),
  again: fc.boolean(),
  attempts: fc.integer({ min: 0, max: 10 }),
  lineBytes: fc.integer({ min: 2, max: 4_294_967_295 }),
});

describe('row states', () => {
  it('are the same after they were stored, and count each row once', () => {
    fc.assert(
      fc.property(fc.array(fc.option(STATE, { nil: undefined }), { maxLength: 50 }), (rows) => {
        const written = RowStates.fresh(rows.length);
        for (const [row, state] of rows.entries()) if (state) written.set(row, state);
        const read = RowStates.parse(Uint8Array.from(written.bytes()), rows.length);
        for (const [row, state] of rows.entries()) {
          expect(read.get(row)).toEqual(state);
          expect(read.isToRun(row)).toBe(state === undefined || state.again);
        }
        const { total, ...outcomes } = read.counts();
        expect(total).toBe(rows.length);
        expect(Object.values(outcomes).reduce((a, b) => a + b)).toBe(total);
      }),
    );
  });

  it('of another number of rows are refused', () => {
    expect(() => RowStates.parse(new Uint8Array(6), 2)).toThrow(/6 bytes for 2 rows/);
  });
});

describe('a digest of ids', () => {
  const digestOf = (ids: readonly string[]) => {
    const digest = new IdDigest();
    for (const id of ids) digest.add(id);
    return digest.toString();
  };
  const IDS = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 20 });

  it('is the same in any order, and the sum of the digests of its parts', () => {
    fc.assert(
      fc.property(IDS, fc.nat(), (ids, cut) => {
        expect(digestOf(ids.toReversed())).toBe(digestOf(ids));
        const at = cut % ids.length;
        const sum = new IdDigest();
        for (const part of [ids.slice(0, at), ids.slice(at)]) sum.addDigest(digestOf(part));
        expect(sum.toString()).toBe(digestOf(ids));
      }),
    );
  });

  it('is the sum, modulo 2^128, of the first 128 bits of their SHA-256', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 50 }), (ids) => {
        const sum = ids.reduce((total, id) => total + BigInt(`0x${hash('sha256', id).slice(0, 32)}`), 0n);
        expect(digestOf(ids)).toBe(BigInt.asUintN(128, sum).toString(16).padStart(32, '0'));
      }),
    );
  });

  it('changes when an id is added, removed or repeated', () => {
    fc.assert(
      fc.property(IDS, (ids) => {
        const [first = ''] = ids;
        expect(digestOf(ids.slice(1))).not.toBe(digestOf(ids));
        expect(digestOf([...ids, first])).not.toBe(digestOf(ids));
        expect(digestOf([...ids, first, first])).not.toBe(digestOf(ids));
      }),
    );
  });
});
