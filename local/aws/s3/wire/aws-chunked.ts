import { S3Error } from '../errors.ts';

// Chunk headers (a size, maybe a signature) and trailer lines (a name and a digest) are short.
const MAX_LINE_BYTES = 4096;
const LF = 10;
const EMPTY = Buffer.alloc(0);

const broken = (why: string): S3Error =>
  new S3Error(400, 'InvalidRequest', `The aws-chunked body is malformed: ${why}.`);

/**
 * Decodes an `aws-chunked` body: chunks of `<hex size>[;chunk-signature=…]`, then trailer lines. Signatures are
 * ignored. At the end of the body, adds the trailers to `trailers`, by lower-case name. Throws `IncompleteBody` if the
 * body ends early.
 */
export async function* decodeAwsChunked(
  framed: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const frames = new FrameReader(trailers);
  for await (const received of framed) yield* frames.push(received);
  frames.end();
}

type Expecting = 'size' | 'data' | 'end of data' | 'trailers' | 'nothing';

class FrameReader {
  readonly #trailers: Map<string, string>;
  #expecting: Expecting = 'size';
  #left = 0; // bytes of the current chunk that have not arrived
  #buffered: Buffer = EMPTY;

  constructor(trailers: Map<string, string>) {
    this.#trailers = trailers;
  }

  *push(received: Buffer): Generator<Buffer> {
    this.#buffered = this.#buffered.length === 0 ? received : Buffer.concat([this.#buffered, received]);
    while (this.#expecting !== 'nothing') {
      if (this.#expecting === 'data') {
        if (this.#buffered.length === 0) return;
        yield this.#takeData();
      } else {
        const line = this.#takeLine();
        if (line === undefined) return;
        this.#readLine(line);
      }
    }
  }

  end(): void {
    // Some clients omit the blank line after the trailers. No client omits the last chunk.
    if (this.#expecting === 'nothing' || (this.#expecting === 'trailers' && this.#buffered.length === 0))
      return;
    throw new S3Error(400, 'IncompleteBody', 'The aws-chunked body ended before its last chunk.');
  }

  #takeData(): Buffer {
    const taken = this.#buffered.subarray(0, this.#left);
    this.#buffered = this.#buffered.subarray(taken.length);
    this.#left -= taken.length;
    if (this.#left === 0) this.#expecting = 'end of data';
    return taken;
  }

  #takeLine(): string | undefined {
    const end = this.#buffered.indexOf(LF);
    if (end === -1) {
      if (this.#buffered.length > MAX_LINE_BYTES) throw broken('a line has no end');
      return undefined;
    }
    const line = this.#buffered.toString('latin1', 0, end).replace(/\r$/, '');
    this.#buffered = this.#buffered.subarray(end + 1);
    return line;
  }

  #readLine(line: string): void {
    if (this.#expecting === 'end of data') {
      if (line !== '') throw broken('a chunk is longer than its size says');
      this.#expecting = 'size';
    } else if (this.#expecting === 'size') {
      const size = /^([0-9a-f]{1,12})(;.*)?$/i.exec(line)?.[1];
      if (size === undefined) throw broken('a chunk has no size');
      this.#left = Number.parseInt(size, 16);
      this.#expecting = this.#left > 0 ? 'data' : 'trailers';
    } else if (line === '') {
      this.#expecting = 'nothing';
    } else {
      const colon = line.indexOf(':');
      if (colon < 1) throw broken('a trailer has no name');
      this.#trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
}
