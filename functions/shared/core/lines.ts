const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const BOM = [0xef, 0xbb, 0xbf] as const;
const NOTHING = new Uint8Array(0);

/** One line that holds something, without its end. `bytes` is a view, valid only while it is handled. */
export interface Line {
  /** From 1, blank lines counted. */
  number: number;
  bytes: Uint8Array;
  /** Where `bytes` begins in the file: at `start`, or behind a byte order mark. */
  offset: number;
  /** Where the line begins and where the next one does, in bytes of the file. */
  start: number;
  end: number;
}

/** What takes the lines of a `LineReader`. */
export interface LineHandler {
  line(line: Line): void;
  /** A line longer than allowed: it was not kept in memory. */
  overlong(number: number): void;
}

/**
 * Finds lines in chunks, in bounded memory. Normalised away are a byte order mark at the file's start, a CR before the
 * line's end, and lines of nothing but spaces, tabs and CRs; numbers and offsets stay those of the file.
 */
export class LineReader {
  readonly #handler: LineHandler;
  readonly #longest: number;
  #number = 0;
  #start: number;
  #position: number;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;

  /**
   * `offset`: where in the file the chunks begin, at the start of a line, and `linesBefore` it; only at 0 there may be a
   * byte order mark.
   */
  constructor(handler: LineHandler, options: { longest: number; offset?: number; linesBefore?: number }) {
    this.#handler = handler;
    this.#longest = options.longest;
    this.#start = options.offset ?? 0;
    this.#position = this.#start;
    this.#number = options.linesBefore ?? 0;
  }

  /** Where the next line begins that was not handed on yet, and how many lines are before it. */
  get next(): { offset: number; linesBefore: number } {
    return { offset: this.#start, linesBefore: this.#number };
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      this.#finish(chunk.subarray(from, at), this.#position + at + 1);
      from = at + 1;
    }
    this.#position += chunk.length;
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The chunks are over: a last line need not have an end. */
  end(): void {
    if (this.#keptBytes > 0) this.#finish(NOTHING, this.#position);
  }

  #keep(rest: Uint8Array): void {
    this.#keptBytes += rest.length;
    if (this.#keptBytes > this.#longest + BOM.length + 1) this.#kept = [];
    else this.#kept.push(new Uint8Array(rest)); // a copy, which a Buffer's `slice` is not: the source may reuse its chunk
  }

  #finish(tail: Uint8Array, end: number): void {
    this.#number += 1;
    const length = this.#keptBytes + tail.length;
    const start = this.#start;
    this.#start = end;
    if (length > this.#longest + BOM.length + 1) {
      this.#forget();
      this.#handler.overlong(this.#number);
      return;
    }
    const whole = this.#keptBytes === 0 ? tail : Buffer.concat([...this.#kept, tail], length);
    this.#forget();
    const bytes = trimmed(whole, start === 0);
    if (bytes.length > this.#longest) this.#handler.overlong(this.#number);
    else if (bytes.length > 0) {
      const offset = start + bytes.byteOffset - whole.byteOffset;
      this.#handler.line({ number: this.#number, bytes, offset, start, end });
    }
  }

  #forget(): void {
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

function trimmed(line: Uint8Array, first: boolean): Uint8Array {
  let from = 0;
  let to = line.length;
  if (first && line[0] === BOM[0] && line[1] === BOM[1] && line[2] === BOM[2]) from = BOM.length;
  if (to > from && line[to - 1] === CR) to -= 1;
  for (let at = from; at < to; at += 1) {
    const byte = line[at];
    if (byte !== SPACE && byte !== TAB && byte !== CR) return line.subarray(from, to);
  }
  return NOTHING;
}

/** Length of a line in the file that is uploaded. */
export function uploadLength(line: Line): number {
  return line.bytes.length + 1;
}

const GATHER_BYTES = 64 * 1024; // larger writes cost fewer calls; more than a socket's buffer gains nothing

/**
 * The normalised bytes of a stretch of the request file: exactly what is uploaded, one line end after each row.
 * `longest` and `offset` as for `LineReader`. Throws on an overlong line, which no planned part has.
 */
export async function* normalised(
  chunks: AsyncIterable<Uint8Array>,
  options: { longest: number; offset: number },
): AsyncGenerator<Uint8Array> {
  const gatherer = new LineGatherer();
  const handler: LineHandler = {
    line: ({ bytes }) => gatherer.add(bytes),
    overlong(number) {
      throw new Error(`line ${number} of the part is longer than any row may be`);
    },
  };
  const reader = new LineReader(handler, options);
  for await (const chunk of chunks) {
    reader.push(chunk);
    if (gatherer.bytes >= GATHER_BYTES) yield gatherer.take();
  }
  reader.end();
  if (gatherer.bytes > 0) yield gatherer.take();
}

/** Copies lines, each with its end, into one buffer after another: a buffer a line would be mostly garbage. */
export class LineGatherer {
  bytes = 0;
  #buffer = Buffer.allocUnsafe(2 * GATHER_BYTES);

  add(line: Uint8Array): void {
    const length = line.length + 1;
    if (this.bytes + length > this.#buffer.length) this.#grow(this.bytes + length);
    this.#buffer.set(line, this.bytes);
    this.#buffer[this.bytes + line.length] = LF;
    this.bytes += length;
  }

  /** What was gathered; never written to again, as whoever takes it may still be sending it. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.bytes);
    this.#buffer = Buffer.allocUnsafe(2 * GATHER_BYTES);
    this.bytes = 0;
    return taken;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.bytes);
    this.#buffer = larger;
  }
}
