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
  #begunBytes: number;

  /**
   * `offset`: where in the file the chunks begin, and `linesBefore` it; only at 0 there may be a byte order mark. `begun`: so
   * many bytes of the first line, not all blank, were read before; the handler gets the rest of it.
   */
  constructor(
    handler: LineHandler,
    options: { longest: number; offset?: number; linesBefore?: number; begun?: number },
  ) {
    this.#handler = handler;
    this.#longest = options.longest;
    this.#start = options.offset ?? 0;
    this.#begunBytes = options.begun ?? 0;
    this.#position = this.#start;
    this.#number = options.linesBefore ?? 0;
  }

  /** Where the next line begins that was not dispatched yet, and how many lines are before it. */
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
    if (this.#keptBytes + this.#begunBytes > 0) this.#finish(NOTHING, this.#position);
  }

  #keep(rest: Uint8Array): void {
    this.#keptBytes += rest.length;
    if (this.#keptBytes > this.#longest + BOM.length + 1) this.#kept = [];
    else this.#kept.push(new Uint8Array(rest)); // a copy, which a Buffer's `slice` is not: the source may reuse its chunk
  }

  #finish(tail: Uint8Array, end: number): void {
    this.#number += 1;
    const begun = this.#begunBytes;
    const length = this.#keptBytes + tail.length;
    const start = this.#start;
    this.#start = end;
    this.#begunBytes = 0;
    if (begun + length > this.#longest + BOM.length + 1) {
      this.#forget();
      this.#handler.overlong(this.#number);
      return;
    }
    const whole = this.#keptBytes === 0 ? tail : Buffer.concat([...this.#kept, tail], length);
    this.#forget();
    const bytes = begun > 0 ? withoutReturn(whole) : trimmed(whole, start === 0);
    if (begun + bytes.length > this.#longest) this.#handler.overlong(this.#number);
    else if (begun + bytes.length > 0) {
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
  const marked = first && line[0] === BOM[0] && line[1] === BOM[1] && line[2] === BOM[2];
  const text = withoutReturn(marked ? line.subarray(BOM.length) : line);
  for (let at = 0; at < text.length; at += 1) if (!isBlank(text[at])) return text;
  return NOTHING;
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line[line.length - 1] === CR ? line.subarray(0, -1) : line;
}

/** Of nothing but such bytes a line is no row. */
function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR;
}

/** Length of a line in the file that is uploaded. */
export function uploadLength(line: Line): number {
  return line.bytes.length + 1;
}

const GATHER_BYTES = 64 * 1024; // larger writes cost fewer calls; more than a socket's buffer gains nothing

/**
 * The normalised bytes of a stretch of the request file: exactly what is uploaded, one line end after each row. Chunks in
 * which there is nothing to normalise are passed on as they are: they must not be written to again. `longest` and
 * `offset` as for `LineReader`. Throws on an overlong line, which no planned part has.
 */
export async function* normalised(
  chunks: AsyncIterable<Uint8Array>,
  options: { longest: number; offset: number },
): AsyncGenerator<Uint8Array> {
  const gatherer = new LineGatherer();
  const handler: LineHandler = {
    line: ({ bytes }) => gatherer.add(bytes),
    overlong() {
      throw new Error('a line of the part is longer than any row may be');
    },
  };
  const plain = new PlainLines(options);
  let reader: LineReader | undefined;
  for await (const chunk of chunks) {
    if (!reader && plain.holdsAll(chunk)) {
      yield chunk;
      continue;
    }
    reader ??= new LineReader(handler, plain.rest());
    reader.push(chunk);
    if (gatherer.bytes >= GATHER_BYTES) yield gatherer.take();
  }
  reader?.end();
  if (gatherer.bytes > 0) yield gatherer.take();
  else if (!reader && plain.rest().begun > 0) yield Uint8Array.of(LF);
}

/** Lines as most files have them, which are uploaded as they are. */
class PlainLines {
  readonly #longest: number;
  #offset: number;
  /** Bytes of the line that was begun and is not ended. */
  #begun = 0;

  constructor({ longest, offset }: { longest: number; offset: number }) {
    this.#longest = longest;
    this.#offset = offset;
  }

  /** Whether there is nothing to normalise in the chunk; if so it counts as passed on. */
  holdsAll(chunk: Uint8Array): boolean {
    if (this.#offset === 0 && chunk[0] === BOM[0]) return false;
    if (this.#begun === 0 && isLineBlank(chunk[0])) return false;
    if (chunk.includes(CR)) return false;
    let begun = this.#begun;
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      if (begun + at - from > this.#longest || isLineBlank(chunk[at + 1])) return false;
      from = at + 1;
      begun = 0;
    }
    begun += chunk.length - from;
    if (begun > this.#longest) return false;
    this.#begun = begun;
    this.#offset += chunk.length;
    return true;
  }

  /** For whoever reads on. */
  rest(): { longest: number; offset: number; begun: number } {
    return { longest: this.#longest, offset: this.#offset, begun: this.#begun };
  }
}

/** A line that begins so may be one that is left out. */
function isLineBlank(first: number | undefined): boolean {
  return first === LF || isBlank(first);
}

/** Copies lines, each with its end, into one buffer after another: a buffer a line would be mostly garbage. */
export class LineGatherer {
  bytes = 0;
  #buffer = Buffer.allocUnsafe(2 * GATHER_BYTES);

  add(line: Uint8Array): void {
    this.place(line.length).set(line);
  }

  /** Room for a line of that length, to be filled before anything else is done here; its end is there already. */
  place(length: number): Uint8Array {
    const start = this.bytes;
    const end = start + length;
    if (end + 1 > this.#buffer.length) this.#grow(end + 1);
    this.#buffer[end] = LF;
    this.bytes = end + 1;
    return this.#buffer.subarray(start, end);
  }

  /** Has what was gathered written by one that keeps nothing of it; the same buffer is used on. */
  async drainTo(writer: { write(bytes: Uint8Array): Promise<void> }): Promise<void> {
    if (this.bytes === 0) return;
    await writer.write(this.#buffer.subarray(0, this.bytes));
    this.bytes = 0;
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
