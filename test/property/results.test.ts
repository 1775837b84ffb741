import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowAccount } from '../../functions/shared/core/account-rows.ts';
import { SMALLEST_UPLOAD_PART, segmentsOf } from '../../functions/shared/core/assemble.ts';

const MIB = 1024 * 1024;
const LARGEST_COPY = 5 * 1024 * MIB; // S3's
const LARGEST_GATHERED = 15 * MIB;

const size = fc.oneof(
  fc.constantFrom(0, 1, SMALLEST_UPLOAD_PART - 1, SMALLEST_UPLOAD_PART, SMALLEST_UPLOAD_PART + 1),
  fc.integer({ min: 0, max: 20 * MIB }),
  fc.integer({ min: 0, max: 12 * 1024 * MIB }),
);

test('segments cover the pieces in order, without gap or overlap, within the limits of an upload', () => {
  let copied = 0;
  fc.assert(
    fc.property(fc.array(size, { maxLength: 40 }), (sizes) => {
      const pieces = sizes.map((bytes, at) => ({ key: `piece-${at}`, bytes }));
      const segments = segmentsOf(pieces);
      const stretches = segments.flatMap((segment) => ('copy' in segment ? [segment.copy] : segment.gather));
      let at = 0;
      let position = 0;
      for (const { key, start, end } of stretches) {
        while (position === pieces[at]?.bytes) {
          at += 1;
          position = 0;
        }
        expect({ key, start }).toEqual({ key: pieces[at]?.key, start: position });
        expect(end).toBeGreaterThan(start);
        position = end;
      }
      const covered = stretches.reduce((sum, { start, end }) => sum + end - start, 0);
      expect(covered).toBe(sizes.reduce((sum, bytes) => sum + bytes, 0));
      segments.forEach((segment, index) => {
        const parts = 'copy' in segment ? [segment.copy] : segment.gather;
        const bytes = parts.reduce((sum, { start, end }) => sum + end - start, 0);
        if (index < segments.length - 1) expect(bytes).toBeGreaterThanOrEqual(SMALLEST_UPLOAD_PART);
        if ('copy' in segment) {
          copied += 1;
          expect(bytes).toBeGreaterThanOrEqual(SMALLEST_UPLOAD_PART);
        }
        expect(bytes).toBeLessThanOrEqual('copy' in segment ? LARGEST_COPY : LARGEST_GATHERED);
      });
    }),
    { numRuns: 500 },
  );
  expect(copied).toBeGreaterThan(100);
});

const customId = fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__', 'nobody');
const resultLine = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      custom_id: customId,
      response: fc.record({ status_code: fc.constantFrom(200, 400, 0, '200') }),
      error: fc.constant(null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      custom_id: customId,
      response: fc.constant(null),
      error: fc.record({ code: fc.constantFrom('batch_expired', 'batch_cancelled', 'x', null) }),
    }),
  },
  { weight: 2, arbitrary: fc.jsonValue() },
);

test('every row ends with one outcome: whatever lines come, counts add up to the rows, and lines out to lines in', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(customId, { minLength: 1 }),
      fc.array(resultLine, { maxLength: 30 }),
      fc.constantFrom('completed', 'expired', 'cancelled', 'failed', 'pondering'),
      fc.boolean(),
      (ids, lines, batchStatus, named) => {
        const account = new RowAccount({ rows: ids.length, batchStatus }, named ? ids : undefined);
        let settled = 0;
        for (const line of lines) {
          if ('outcome' in account.settle(Buffer.from(JSON.stringify(line)))) settled += 1;
          const { total, ...outcomes } = account.counts();
          expect(total).toBe(ids.length);
          expect(Object.values(outcomes).reduce((a, b) => a + b)).toBe(total);
        }
        expect(settled + account.anomalies).toBe(lines.length);
        const before = account.counts();
        const rest = [...account.settleTheRest()];
        expect(settled + rest.length).toBe(named ? ids.length : settled);
        if (batchStatus !== 'failed' && batchStatus !== 'cancelled') expect(account.counts()).toEqual(before);
        expect(account.counts().total).toBe(ids.length);
        expect([...account.settleTheRest()]).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

test('cutting result lines anywhere makes anomalies, never a crash', () => {
  fc.assert(
    fc.property(resultLine, fc.nat(), fc.integer({ min: 0, max: 255 }), (line, at, byte) => {
      const bytes = Buffer.from(JSON.stringify(line));
      bytes[at % bytes.length] = byte;
      const account = new RowAccount({ rows: 1, batchStatus: 'completed' }, ['a']);
      account.settle(bytes.subarray(0, 1 + (at % bytes.length)));
      account.settle(bytes);
      expect(account.counts().total).toBe(1);
      expect(account.anomalies).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
