const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const BOM = [0xef, 0xbb, 0xbf] as const;
const NOTHING = new Uint8Array(0);

/** The position of a line that is not blank. */
export interface LinePlace {
  /** From 1. Blank lines count. */
  number: number;
  /** Where its content begins in the file: at `start`, or after a byte order mark. */
  offset: number;
  /** The length of its content in bytes, without the line end. */
  length: number;
  /** Where the line and the next one begin, in bytes of the file. */
  start: number;
  end: number;
}

/** The line with its content. The content is a view that is valid only during the handler's call. */
export interface Line extends LinePlace {
  bytes: Uint8Array;
}

/** Receives the lines of a `LineReader`. */
export interface LineHandler {
  line(line: Line): void;
  /** Called for a line that is longer than allowed. Its bytes were discarded. */
  overlong(number: number): void;
}

/**
 * Splits chunks into lines, in bounded memory. It removes a byte order mark at the file's start, a CR before a line
 * end, and lines that contain only spaces, tabs and CRs. Line numbers and offsets are those of the original file.
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
   * `longest`: the maximum length of a line in bytes. `offset`: where in the file the chunks begin; a byte order mark
   * is expected only at 0. `linesBefore`: the number of lines before the offset. `begun`: how many bytes of the first
   * line, not all of them blank, another reader has read; the handler receives the rest of that line.
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

  /** The start of the first line that the handler has not received, and how many lines precede it. */
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

  /** Call this after the last chunk, because the last line may have no line end. */
  end(): void {
    if (this.#keptBytes + this.#begunBytes > 0) this.#finish(NOTHING, this.#position);
  }

  #keep(rest: Uint8Array): void {
    this.#keptBytes += rest.length;
    if (this.#keptBytes > this.#longest + BOM.length + 1) this.#kept = [];
    else this.#kept.push(new Uint8Array(rest)); // a copy, unlike a Buffer's `slice`: the source may reuse its chunk
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
      this.#handler.line({ number: this.#number, bytes, offset, length: bytes.length, start, end });
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

/** Returns whether the byte may be part of a blank line. */
function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR;
}

/** Returns the length of a line in the uploaded file in bytes, with its line end. */
export function uploadLength(line: LinePlace): number {
  return line.length + 1;
}

const GATHER_BYTES = 64 * 1024; // larger writes need fewer calls; a socket's buffer is no larger
const FIRST_BYTES = 8 * 1024; // enough for the lines of a small file

/**
 * Returns the normalised bytes of a range of the request file: exactly what is uploaded, with one line end after each
 * row. A chunk that needs no change is returned without a copy, so the source must not modify it later. `longest` and
 * `offset`: as for `LineReader`. Errors: an Error for a line that is too long, which a planned part cannot contain.
 */
export async function* normalised(
  chunks: AsyncIterable<Uint8Array>,
  options: { longest: number; offset: number },
): AsyncGenerator<Uint8Array> {
  const gatherer = new LineGatherer();
  const handler: LineHandler = {
    line: ({ bytes }) => gatherer.add(bytes),
    overlong() {
      throw new Error('a line of the part is longer than the limit for rows');
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

/** Recognises chunks that need no normalisation, as in most files. */
class PlainLines {
  readonly #longest: number;
  #offset: number;
  /** How many bytes of the current line have been read. */
  #begun = 0;

  constructor({ longest, offset }: { longest: number; offset: number }) {
    this.#longest = longest;
    this.#offset = offset;
  }

  /** Returns whether the chunk needs no change. If so, it counts as read. */
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

  /** Returns the options for a `LineReader` that continues here. */
  rest(): { longest: number; offset: number; begun: number } {
    return { longest: this.#longest, offset: this.#offset, begun: this.#begun };
  }
}

/** Returns whether a line with this first byte may be blank. */
function isLineBlank(first: number | undefined): boolean {
  return first === LF || isBlank(first);
}

/**
 * Copies lines, each with its line end, into a few large buffers, because one buffer per line would slow the garbage
 * collector.
 */
export class LineGatherer {
  bytes = 0;
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);

  add(line: Uint8Array): void {
    this.place(line.length).set(line);
  }

  /** Returns a view for a line of that length and its line end. Fill it before the next call. */
  place(length: number): Uint8Array {
    const start = this.bytes;
    const end = start + length;
    if (end + 1 > this.#buffer.length) this.#grow(end + 1);
    this.#buffer[end] = LF;
    this.bytes = end + 1;
    return this.#buffer.subarray(start, end);
  }

  /** Writes the gathered lines and reuses the buffer. The writer must keep no reference to it. */
  async drainTo(writer: { write(bytes: Uint8Array): Promise<void> }): Promise<void> {
    if (this.bytes === 0) return;
    await writer.write(this.#buffer.subarray(0, this.bytes));
    this.bytes = 0;
  }

  /** Returns the gathered lines. Their buffer is not reused, because the caller may still be sending it. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.bytes);
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length); // the next lines need as much
    this.bytes = 0;
    return taken;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.bytes);
    this.#buffer = larger;
  }
}
