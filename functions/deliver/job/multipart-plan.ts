import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import { readObject } from '../../shared/part-rows/read-object.ts';
import type { ResultStore } from '../../shared/ports/ports.ts';

/** The least size of an upload's part, but for the last ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)). */
export const SMALLEST_UPLOAD_PART = 5 * 1024 * 1024;
const MAX_COPY = 1024 * 1024 * 1024; // S3 allows 5 GiB; a fifth of it keeps each call short
const MAX_UPLOAD_PARTS = 9_000; // S3 allows 10,000
const READS_AT_ONCE = 8;

// A gathered segment of merged rows takes a request for each part it has rows of: larger ones take fewer of them.
const MERGED_SEGMENT = 32 * 1024 * 1024;

/** Bytes `start` to `end` (exclusive) of an object. */
export interface Range {
  key: string;
  start: number;
  end: number;
}

/** One part of the multipart upload: copied inside the storage, or gathered from small stretches. */
export type Segment = { copy: Range } | { gather: Range[] };

/** The least size of a segment, for an object of so many bytes; `merged`: of rows of parts that interleave. */
export function segmentBytes(total: number, merged: boolean): number {
  return Math.max(merged ? MERGED_SEGMENT : SMALLEST_UPLOAD_PART, Math.ceil(total / MAX_UPLOAD_PARTS));
}

/**
 * How stretches, in order, become the parts of one multipart upload: large ones are copied without moving a byte through
 * the function, small ones are gathered until they are large enough. It follows from the stretches alone, so that a
 * process that goes on with an upload cuts it in the same places.
 */
export async function* segmentsOf(
  stretches: AsyncIterable<Range> | Iterable<Range>,
  smallest: number,
): AsyncGenerator<Segment> {
  let gathered: Range[] = [];
  let bytes = 0;
  for await (const { key, start: first, end: last } of stretches) {
    for (let start = first; start < last; ) {
      const rest = last - start;
      const copies = bytes === 0 && rest >= smallest;
      const end = start + (copies ? cut(rest, Math.max(MAX_COPY, smallest)) : cut(rest, smallest - bytes));
      if (copies) yield { copy: { key, start, end } };
      else gathered.push({ key, start, end });
      if (!copies) bytes += end - start;
      if (bytes >= smallest) {
        yield { gather: gathered };
        gathered = [];
        bytes = 0;
      }
      start = end;
    }
  }
  if (gathered.length > 0) yield { gather: gathered };
}

/** `wanted` of `rest`, or all of it where what is left would be too small to be copied. */
function cut(rest: number, wanted: number): number {
  return rest - wanted >= SMALLEST_UPLOAD_PART ? wanted : rest;
}

/**
 * The bytes of the stretches, one after the other. Stretches of one object follow each other without a gap: it is read
 * once. At most about three segments' bytes.
 */
export async function gather(
  results: Pick<ResultStore, 'read'>,
  stretches: readonly Range[],
): Promise<Buffer> {
  const spans = new Map<string, Range & { body: Buffer }>();
  for (const { key, start, end } of stretches) {
    const span = spans.get(key);
    if (!span) spans.set(key, { key, start, end, body: Buffer.alloc(0) });
    else if (span.end !== start) throw new Error(`gather ${key}: ${start} does not follow on ${span.end}`);
    else span.end = end;
  }
  await inParallel([...spans.values()], READS_AT_ONCE, async (span) => {
    span.body = await readObject(results, span.key, { start: span.start, end: span.end });
  });
  return Buffer.concat(
    stretches.map(({ key, start, end }) => {
      const span = spans.get(key);
      return span ? span.body.subarray(start - span.start, end - span.start) : Buffer.alloc(0);
    }),
  );
}
