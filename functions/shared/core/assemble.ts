import type { ResultStore } from './ports.ts';

/** The smallest part of a multipart upload but the last ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)). */
export const SMALLEST_UPLOAD_PART = 5 * 1024 * 1024;
const LARGEST_COPY = 1024 * 1024 * 1024; // S3 allows 5 GiB; a fifth of it keeps each call short

export interface Stretch {
  key: string;
  start: number;
  end: number;
}

/** One part of the multipart upload: copied inside the storage, or gathered from small stretches. */
export type Segment = { copy: Stretch } | { gather: Stretch[] };

/**
 * How pieces, in order, become the parts of one multipart upload: large ones are copied without moving a byte through
 * the function, small ones are gathered until they are large enough. A pure function of the sizes, so that a process
 * that goes on with an upload cuts it in the same places. Empty pieces are passed over.
 */
export function segmentsOf(pieces: readonly { key: string; bytes: number }[]): Segment[] {
  const segments: Segment[] = [];
  let gathered: Stretch[] = [];
  let bytes = 0;
  for (const { key, bytes: size } of pieces) {
    for (let start = 0; start < size; ) {
      const rest = size - start;
      const copies = bytes === 0 && rest >= SMALLEST_UPLOAD_PART;
      const end = start + (copies ? cut(rest, LARGEST_COPY) : cut(rest, SMALLEST_UPLOAD_PART - bytes));
      if (copies) segments.push({ copy: { key, start, end } });
      else gathered.push({ key, start, end });
      if (!copies) bytes += end - start;
      if (bytes >= SMALLEST_UPLOAD_PART) {
        segments.push({ gather: gathered });
        gathered = [];
        bytes = 0;
      }
      start = end;
    }
  }
  if (gathered.length > 0) segments.push({ gather: gathered });
  return segments;
}

/** `wanted` of `rest`, or all of it where what is left would be too small to be copied. */
function cut(rest: number, wanted: number): number {
  return rest - wanted >= SMALLEST_UPLOAD_PART ? wanted : rest;
}

/** The bytes of the stretches, one after the other; at most about 15 MiB. */
export async function gather(
  results: Pick<ResultStore, 'read'>,
  stretches: readonly Stretch[],
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (const { key, start, end } of stretches) {
    for await (const chunk of results.read(key, { start, end })) chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}
