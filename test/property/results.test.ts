import fc from 'fast-check';
import { expect, test } from 'vitest';
import { segmentsOf } from '../../functions/deliver/job/multipart-plan.ts';
import { RowTally } from '../../functions/deliver/part/row-accounting.ts';
import { RowStates } from '../../functions/shared/part-rows/row-states.ts';
import { RowTable, RowTableWriter } from '../../functions/shared/part-rows/row-table.ts';
import { readResultLine } from '../../functions/shared/result-lines/result-line.ts';

const MIB = 1024 * 1024;
const SMALLEST_UPLOAD_PART = 5 * MIB; // S3's
const MAX_COPY = 5 * 1024 * MIB; // S3's
const MAX_GATHERED = 15 * MIB;

const size = fc.oneof(
  fc.constantFrom(0, 1, SMALLEST_UPLOAD_PART - 1, SMALLEST_UPLOAD_PART, SMALLEST_UPLOAD_PART + 1),
  fc.integer({ min: 0, max: 20 * MIB }),
  fc.integer({ min: 0, max: 12 * 1024 * MIB }),
);

test('segments cover the pieces in order, without gaps or overlaps, within the limits of an upload', async () => {
  let copied = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(size, { maxLength: 40 }), async (sizes) => {
      const pieces = sizes.map((bytes, at) => ({ key: `piece-${at}`, bytes }));
      const whole = pieces.map(({ key, bytes }) => ({ key, start: 0, end: bytes }));
      const segments = await Array.fromAsync(segmentsOf(whole, SMALLEST_UPLOAD_PART));
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
        expect(bytes).toBeLessThanOrEqual('copy' in segment ? MAX_COPY : MAX_GATHERED);
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

function firstAttempt(ids: string[], batchStatus: string): RowTally {
  const writer = new RowTableWriter();
  for (const [ordinal, id] of ids.entries()) writer.add({ ordinal, offset: 0, length: 1 }, id);
  return new RowTally(new RowTable(writer.gathered()), RowStates.fresh(ids.length), batchStatus);
}

test('for any lines, every row gets one outcome, and every line settles a row or is an anomaly', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(customId, { minLength: 1 }),
      fc.array(resultLine, { maxLength: 30 }),
      fc.constantFrom('completed', 'expired', 'cancelled', 'failed', 'pondering'),
      (ids, lines, batchStatus) => {
        const account = firstAttempt(ids, batchStatus);
        const succeeded = new Set<number>();
        let settled = 0;
        for (const line of lines) {
          const verdict = account.settle(readResultLine(Buffer.from(JSON.stringify(line))), 'errors');
          if ('row' in verdict && !verdict.replaces) settled += 1;
          if ('row' in verdict && account.outcomeOf(verdict.row, false)?.outcome === 'succeeded') {
            succeeded.add(verdict.row);
          }
        }
        expect(settled + account.anomalies).toBe(lines.length);
        const outcomes = ids.map((_, row) => account.outcomeOf(row, false));
        expect(outcomes.filter((row) => row?.line)).toHaveLength(settled);
        for (const row of succeeded) expect(outcomes[row]?.outcome).toBe('succeeded');
        expect(outcomes.every((row) => row !== undefined)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('a result line that is truncated or changed anywhere is an anomaly and never causes an exception', () => {
  fc.assert(
    fc.property(resultLine, fc.nat(), fc.integer({ min: 0, max: 255 }), (line, at, byte) => {
      const bytes = Buffer.from(JSON.stringify(line));
      bytes[at % bytes.length] = byte;
      const account = firstAttempt(['a'], 'completed');
      account.settle(readResultLine(bytes.subarray(0, 1 + (at % bytes.length))), 'output');
      account.settle(readResultLine(bytes), 'output');
      expect(account.outcomeOf(0, false)).toBeDefined();
      expect(account.anomalies).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
