import { inParallel } from '../../shared/lifecycle/in-parallel.ts';
import { readObject } from '../../shared/part-rows/read-object.ts';
import type { ResultStore } from '../../shared/ports/ports.ts';

/**
 * The minimum size of a part of a multipart upload, except the last
 * ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)).
 */
export const MIN_UPLOAD_PART = 5 * 1024 * 1024;
const MAX_COPY = 1024 * 1024 * 1024; // S3 allows 5 GiB; a fifth keeps each call short
const MAX_UPLOAD_PARTS = 9_000; // S3 allows 10,000
const READS_AT_ONCE = 8;

// A segment of merged rows needs one request per part with rows in it, so larger segments need fewer requests.
const MERGED_SEGMENT = 32 * 1024 * 1024;

/** Bytes `start` to `end` (exclusive) of an object. */
export interface Range {
  key: string;
  start: number;
  end: number;
}

/** One part of the multipart upload: copied within S3, or gathered from small ranges. */
export type Segment = { copy: Range } | { gather: Range[] };

/**
 * Returns the minimum size of a segment in bytes, for an object of `total` bytes. `merged`: its rows come from
 * interleaved parts.
 */
export function segmentBytes(total: number, merged: boolean): number {
  return Math.max(merged ? MERGED_SEGMENT : MIN_UPLOAD_PART, Math.ceil(total / MAX_UPLOAD_PARTS));
}

/**
 * Divides ranges, in order, into the parts of one multipart upload: large ranges are copied within S3, and small ones
 * are gathered until they are large enough. The division depends only on the arguments, so a resumed upload has the
 * same parts.
 */
export async function* segmentsOf(
  ranges: AsyncIterable<Range> | Iterable<Range>,
  minBytes: number,
): AsyncGenerator<Segment> {
  let gathered: Range[] = [];
  let bytes = 0;
  for await (const { key, start: first, end: last } of ranges) {
    for (let start = first; start < last; ) {
      const rest = last - start;
      const copies = bytes === 0 && rest >= minBytes;
      const end = start + (copies ? cut(rest, Math.max(MAX_COPY, minBytes)) : cut(rest, minBytes - bytes));
      if (copies) yield { copy: { key, start, end } };
      else gathered.push({ key, start, end });
      if (!copies) bytes += end - start;
      if (bytes >= minBytes) {
        yield { gather: gathered };
        gathered = [];
        bytes = 0;
      }
      start = end;
    }
  }
  if (gathered.length > 0) yield { gather: gathered };
}

/** Returns `wanted`, or all of `rest` if the remainder would be too small to copy. */
function cut(rest: number, wanted: number): number {
  return rest - wanted >= MIN_UPLOAD_PART ? wanted : rest;
}

/**
 * Returns the bytes of the ranges, one after the other: at most about three segments. The ranges of one object must be
 * contiguous, and the object is read once. Errors: those of the storage.
 */
export async function gather(results: Pick<ResultStore, 'read'>, ranges: readonly Range[]): Promise<Buffer> {
  const spans = new Map<string, Range & { body: Buffer }>();
  for (const { key, start, end } of ranges) {
    const span = spans.get(key);
    if (!span) spans.set(key, { key, start, end, body: Buffer.alloc(0) });
    else if (span.end !== start)
      throw new Error(
        `gather ${key}: the range at ${start} does not follow the one before, which ends at ${span.end}`,
      );
    else span.end = end;
  }
  await inParallel([...spans.values()], READS_AT_ONCE, async (span) => {
    span.body = await readObject(results, span.key, { start: span.start, end: span.end });
  });
  return Buffer.concat(
    ranges.map(({ key, start, end }) => {
      const span = spans.get(key);
      return span ? span.body.subarray(start - span.start, end - span.start) : Buffer.alloc(0);
    }),
  );
}
