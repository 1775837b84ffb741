import { open } from 'node:fs/promises';

/**
 * One line of a file without its line feed. `bytes` is valid until the next line is read. It is null if the line is too
 * long.
 */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Offset of its first byte in the file. */
  readonly offset: number;
  /** Length in bytes. */
  readonly length: number;
  readonly bytes: Buffer | null;
}

const CHUNK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;

/**
 * Yields the lines of a file, read in chunks. Memory is limited to `longestLine` bytes. The last line feed is optional.
 */
export async function* readLines(path: string, longestLine: number): AsyncGenerator<Line> {
  const file = await open(path);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let carried: Buffer[] = []; // the start of a line that continues in the next chunk
    let carriedLength = 0;
    let number = 1;
    let offset = 0;
    const finish = (end: Buffer): Line => {
      const length = carriedLength + end.length;
      const whole = carried.length === 0 ? end : Buffer.concat([...carried, end]);
      const line = { number, offset, length, bytes: length > longestLine ? null : whole };
      carried = [];
      carriedLength = 0;
      number += 1;
      offset += length + 1;
      return line;
    };
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) break;
      const read = chunk.subarray(0, bytesRead);
      let start = 0;
      for (let end = read.indexOf(LINE_FEED); end !== -1; end = read.indexOf(LINE_FEED, start)) {
        yield finish(read.subarray(start, end));
        start = end + 1;
      }
      const rest = read.subarray(start);
      carriedLength += rest.length;
      if (carriedLength > longestLine) carried = [];
      else if (rest.length > 0) carried.push(Buffer.from(rest));
    }
    if (carriedLength > 0) yield finish(Buffer.alloc(0));
  } finally {
    await file.close();
  }
}
