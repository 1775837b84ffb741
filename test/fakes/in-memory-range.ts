import { TerminalError } from '../../functions/shared/domain/errors.ts';

const PIECE_BYTES = 16_384; // small, so that pieces end within lines

/** Streams copies of `start` to `end` (exclusive) of an object, as S3 does: up to its end, never past it. */
export async function* rangeOf(
  body: Buffer,
  range?: { start: number; end: number },
): AsyncGenerator<Uint8Array> {
  const { start, end } = range ?? { start: 0, end: body.length };
  if (start >= end) return;
  if (start >= body.length)
    throw new TerminalError('invalid_range', `read from ${start}: the object has ${body.length} bytes`);
  for (let from = start; from < Math.min(end, body.length); from += PIECE_BYTES) {
    yield Uint8Array.from(body.subarray(from, Math.min(from + PIECE_BYTES, end, body.length)));
  }
}
