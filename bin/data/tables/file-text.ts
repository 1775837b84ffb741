import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { Failure } from '../../terminal/failure.ts';

const CHUNK_BYTES = 128 * 1024;
const LF = 10;

/** Reads a file as text in chunks, without its byte order mark. Throws a Failure with the line that is not UTF-8. */
export async function* textOfFile(path: string, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let position = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    position += chunk.length;
    yield await decoded(() => decoder.decode(chunk, { stream: true }), path, file, position);
  }
  yield await decoded(() => decoder.decode(), path, file, position);
}

async function decoded(decode: () => string, path: string, file: string, end: number): Promise<string> {
  try {
    return decode();
  } catch (cause) {
    const line = await firstLineThatIsNotUtf8(path, end);
    throw new Failure(
      `${file}:${line}: the line is not valid UTF-8. Save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8`,
      { cause },
    );
  }
}

/** Reads the first `end` bytes again. No character of UTF-8 contains a line feed but the line feed itself. */
async function firstLineThatIsNotUtf8(path: string, end: number): Promise<number> {
  let line = 1;
  let begun: Buffer[] = [];
  for await (const chunk of createReadStream(path, { end: end - 1 })) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      if (!isUtf8(Buffer.concat([...begun, chunk.subarray(from, at)]))) return line;
      begun = [];
      from = at + 1;
      line += 1;
    }
    begun.push(chunk.subarray(from));
  }
  return line;
}
