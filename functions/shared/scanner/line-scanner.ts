/**
 * Splits chunks into lines, checks each as JSON in UTF-8, and finds the requested values, all in one pass and in
 * bounded memory. It is the fast version of `part-rows/lines.ts`, with the same line numbers, offsets and rules for
 * line ends, byte order marks, and blank and overlong lines.
 *   1. copy the chunk into the memory of the module, in slices that stay in the processor's cache
 *   2. scan as many whole lines as there are, and pass each to the handler
 *   3. move the rest of the last line to the front; the memory grows for a line that does not fit
 *
 * The handler also receives lines that are not clean, and judges them with `JSON.parse` (ADR 0014).
 */
import type { LineShape } from './line-shapes.ts';
import { writePathTable } from './path-table.ts';
import { ScannedLine, type ScannerMemory } from './scanned-line.ts';

const LF = 10;
const BOM = [0xef, 0xbb, 0xbf] as const;
/** A chunk is copied in slices of this size, which are still in the cache when they are scanned. */
const SLICE_BYTES = 128 * 1024;
/** More than the number of bytes that a scan reads after the last line. */
const SCANNED_BEYOND = 128;
/** A byte order mark and a CR do not count toward the length of a line. */
const BEYOND_LONGEST = BOM.length + 1;
const DIGEST_BYTES = 64;
const PAGE_BYTES = 64 * 1024;
const GROWTH_BYTES = 4 * 1024 * 1024;
/** An instance whose memory has grown beyond this for a long line is not kept. */
const KEPT_BYTES = 8 * 1024 * 1024;
const MAX_KEPT = 4;

/** The functions of `assembly/scanner.ts`. */
interface ScannerExports {
  memory: WebAssembly.Memory;
  nodes: WebAssembly.Global;
  entries: WebAssembly.Global;
  keys: WebAssembly.Global;
  records: WebAssembly.Global;
  buffer: WebAssembly.Global;
  digest: WebAssembly.Global;
  prepare(slots: number, repeated: number): number;
  endOfLines(from: number, to: number): number;
  scan(from: number, to: number, longest: number): number;
  passedLines(): number;
  passedAddress(): number;
  openings(from: number, to: number): number;
  addToDigest(from: number, to: number): void;
  endDigest(): void;
}

/** Receives the lines of a `LineScanner`. */
export interface ScannedLineHandler {
  scanned(line: ScannedLine): void;
  /** Called for a line that is longer than allowed. Its bytes were discarded. */
  overlong(number: number): void;
}

export class LineScanner<Name extends string> {
  /** The number of each value's slot, by name. */
  readonly slots: Readonly<Record<Name, number>>;
  readonly #handler: ScannedLineHandler;
  readonly #longest: number;
  readonly #compiled: WebAssembly.Module;
  readonly #module: ScannerExports;
  readonly #memory: ScannerMemory;
  readonly #line: ScannedLine;
  readonly #recordWords: number;
  readonly #isDigesting: boolean;
  readonly #buffer: number;
  /** The address after the last byte that was copied. */
  #filled: number;
  /** The offset in the file of the byte at `#buffer`. */
  #offset: number;
  /** How many bytes of the current line were discarded because it is too long. */
  #discarded = 0;
  #lines: number;
  #isOver = false;

  /**
   * `longest`: the maximum length of a line in bytes. `offset`: where in the file the chunks begin; a byte order mark
   * is expected only at 0. `linesBefore`: the number of lines before the offset. `digest`: whether the caller will call
   * `digest`.
   */
  constructor(
    module: WebAssembly.Module,
    shape: LineShape<Name>,
    handler: ScannedLineHandler,
    options: { longest: number; offset?: number; linesBefore?: number; digest?: true },
  ) {
    const exports = instanceOf(module);
    const names = Object.keys(shape.paths) as Name[];
    this.slots = Object.fromEntries(names.map((name, slot) => [name, slot])) as Record<Name, number>;
    const repeated = shape.repeated.reduce((bits, name) => bits | (1 << this.slots[name]), 0);
    this.#handler = handler;
    this.#longest = options.longest;
    this.#isDigesting = options.digest ?? false;
    this.#compiled = module;
    this.#module = exports;
    this.#recordWords = exports.prepare(names.length, repeated) / 4;
    this.#buffer = exports.buffer.value;
    this.#filled = this.#buffer;
    this.#memory = viewsOf(exports.memory.buffer);
    this.#line = new ScannedLine(this.#memory);
    this.#offset = options.offset ?? 0;
    this.#lines = options.linesBefore ?? 0;
    writePathTable(
      exports.memory.buffer,
      { nodes: exports.nodes.value, entries: exports.entries.value, keys: exports.keys.value },
      shape,
    );
  }

  /** The start of the first line that the handler has not received, and how many lines precede it. */
  get next(): { offset: number; linesBefore: number } {
    return { offset: this.#offset, linesBefore: this.#lines };
  }

  /**
   * Returns a digest of 64 bytes over all chunks except for overlong lines. It is ten times as fast as a CRC32, but
   * does not protect against deliberate collisions. Call this once, after `end`.
   */
  digest(): Uint8Array {
    this.#module.endDigest();
    const at = this.#module.digest.value;
    const digest = Uint8Array.from(this.#memory.bytes.subarray(at, at + DIGEST_BYTES));
    this.#release();
    return digest;
  }

  /** Counts the opening brackets and braces in the line, including those within strings. */
  openingsIn(line: ScannedLine): number {
    const from = line.bytes.byteOffset;
    return this.#module.openings(from, from + line.length);
  }

  /** Scans the chunk's lines. The chunk is copied, so the source may reuse it. */
  push(chunk: Uint8Array): void {
    if (this.#isOver) throw new Error('scanner: the file has ended');
    for (let from = 0; from < chunk.length; ) {
      const slice = chunk.subarray(from, from + SLICE_BYTES);
      from += slice.length;
      this.#take(slice);
    }
  }

  /** Call this once, after the last chunk, because the last line may have no line end. */
  end(): void {
    if (this.#discarded > 0) this.#endDiscarded(this.#discarded);
    else if (this.#filled > this.#buffer) {
      const end = this.#offset + this.#filled - this.#buffer;
      this.#take(Uint8Array.of(LF), end);
      this.#offset = end;
    }
    if (!this.#isDigesting) this.#release();
  }

  /** Leaves the instance to the next scanner. */
  #release(): void {
    if (!this.#isOver) keepInstance(this.#compiled, this.#module);
    this.#isOver = true;
  }

  #take(slice: Uint8Array, fileEnd = Number.POSITIVE_INFINITY): void {
    const rest = this.#discarded > 0 ? this.#afterDiscarded(slice) : slice;
    if (rest.length === 0) return;
    const from = this.#filled;
    this.#makeRoom(rest.length);
    this.#memory.bytes.set(rest, from);
    this.#filled += rest.length;
    if (this.#isDigesting && fileEnd === Number.POSITIVE_INFINITY)
      this.#module.addToDigest(from, this.#filled);
    const end = this.#module.endOfLines(from, this.#filled);
    if (end > from) this.#scanTo(end, fileEnd);
    const kept = this.#filled - this.#buffer;
    if (kept <= this.#longest + BEYOND_LONGEST) return;
    this.#discarded = kept;
    this.#filled = this.#buffer;
  }

  /** Discards the rest of an overlong line. Returns the bytes after it. */
  #afterDiscarded(slice: Uint8Array): Uint8Array {
    const feed = slice.indexOf(LF);
    if (feed < 0) {
      this.#discarded += slice.length;
      return slice.subarray(slice.length);
    }
    this.#endDiscarded(this.#discarded + feed + 1);
    return slice.subarray(feed + 1);
  }

  #endDiscarded(bytes: number): void {
    this.#discarded = 0;
    this.#lines += 1;
    this.#offset += bytes;
    this.#handler.overlong(this.#lines);
  }

  /** Scans the whole lines before this address, and moves the bytes after them to the front. */
  #scanTo(end: number, fileEnd: number): void {
    const longest = this.#longest + BEYOND_LONGEST;
    let from = this.#buffer;
    if (this.#offset === 0 && this.#beginsWithMark()) {
      const second = this.#memory.bytes.indexOf(LF, from) + 1;
      this.#scanLines(from + BOM.length, second, {
        longest: longest - BOM.length,
        mark: BOM.length,
        fileEnd,
      });
      from = second;
    }
    this.#scanLines(from, end, { longest, mark: 0, fileEnd });
    this.#offset += end - this.#buffer;
    this.#memory.bytes.copyWithin(this.#buffer, end, this.#filled);
    this.#filled -= end - this.#buffer;
  }

  #scanLines(from: number, to: number, of: { longest: number; mark: number; fileEnd: number }): void {
    const base = this.#offset - this.#buffer;
    const records = this.#module.records.value / 4;
    for (let at = from; at < to; at = this.#module.passedAddress()) {
      const count = this.#module.scan(at, to, of.longest);
      for (let index = 0; index < count; index += 1) {
        const record = records + index * this.#recordWords;
        this.#line.moveTo(record, this.#lines, base);
        this.#line.start -= of.mark;
        if (this.#line.end > of.fileEnd) this.#line.end = of.fileEnd;
        this.#handOut();
      }
      this.#lines += this.#module.passedLines();
    }
  }

  #handOut(): void {
    if (this.#line.isOverlong || this.#line.length > this.#longest) this.#handler.overlong(this.#line.number);
    else this.#handler.scanned(this.#line);
  }

  #beginsWithMark(): boolean {
    const { bytes } = this.#memory;
    return BOM.every((byte, at) => bytes[this.#buffer + at] === byte);
  }

  #makeRoom(length: number): void {
    const { memory } = this.#module;
    const missing = this.#filled + length + SCANNED_BEYOND - memory.buffer.byteLength;
    if (missing <= 0) return;
    memory.grow(Math.ceil(Math.max(missing, GROWTH_BYTES) / PAGE_BYTES));
    Object.assign(this.#memory, viewsOf(memory.buffer));
  }
}

/**
 * Instances of scanners that have ended, for the next ones: a new one takes longer than a small file, and V8 marks the
 * whole heap for every few that it drops.
 */
const kept = new WeakMap<WebAssembly.Module, ScannerExports[]>();

function instanceOf(module: WebAssembly.Module): ScannerExports {
  return kept.get(module)?.pop() ?? newInstanceOf(module);
}

function keepInstance(module: WebAssembly.Module, instance: ScannerExports): void {
  const instances = kept.get(module) ?? [];
  kept.set(module, instances);
  const isSmall = instance.memory.buffer.byteLength <= KEPT_BYTES;
  if (isSmall && instances.length < MAX_KEPT) instances.push(instance);
}

function newInstanceOf(module: WebAssembly.Module): ScannerExports {
  const abort = () => {
    throw new Error('scanner: it aborted');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { abort } });
  return exports as unknown as ScannerExports; // the compiled exports of assembly/scanner.ts
}

function viewsOf(memory: ArrayBuffer): ScannerMemory {
  return { bytes: Buffer.from(memory), words: new Int32Array(memory) };
}
