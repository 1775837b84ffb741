/**
 * The id of each row of a part, and the row's position in the request file: one object per part. INTAKE writes it.
 * SUBMIT reads it if the part's rows are not contiguous in the file. DELIVER reads it instead of the request file.
 *
 * One record per row, in the order of the file, little-endian: ordinal u32 (from 0, over all rows of the file), offset
 * f64 and length u32 in bytes (of the normalised line, without its line end), length of the id u16, the id in UTF-8.
 */
const HEAD_BYTES = 18;
const FIRST_BYTES = 8 * 1024;

/** One row of the table. */
export interface RowPlace {
  /** Number of the row in the request file, from 0. Blank lines do not count. */
  ordinal: number;
  /** Where its bytes begin in the request file, after a byte order mark. They contain no CR and no line end. */
  offset: number;
  length: number;
}

/** An id in UTF-8, as a range of a larger buffer. */
export interface IdBytes {
  memory: Uint8Array;
  start: number;
  end: number;
}

/** Builds the table of one part: 18 bytes per row, plus its id. */
export class RowTableWriter {
  #buffer: Buffer;
  #view: DataView;
  #bytes: number;

  /** `gathered`: the rows of an earlier writer, to continue from. */
  constructor(gathered: Uint8Array = new Uint8Array(0)) {
    this.#bytes = gathered.length;
    this.#buffer = Buffer.allocUnsafe(Math.max(FIRST_BYTES, gathered.length));
    this.#buffer.set(gathered);
    this.#view = viewOf(this.#buffer);
  }

  get bytes(): number {
    return this.#bytes;
  }

  add({ ordinal, offset, length }: RowPlace, customId: string | IdBytes): void {
    const isText = typeof customId === 'string';
    const idBytes = isText ? Buffer.byteLength(customId) : customId.end - customId.start;
    const needed = this.#bytes + HEAD_BYTES + idBytes;
    if (needed > this.#buffer.length) this.#grow(needed);
    const at = this.#bytes;
    this.#view.setUint32(at, ordinal, true);
    this.#view.setFloat64(at + 4, offset, true);
    this.#view.setUint32(at + 12, length, true);
    this.#view.setUint16(at + 16, idBytes, true);
    if (isText) this.#buffer.write(customId, at + HEAD_BYTES);
    else copyId(customId, this.#buffer, at + HEAD_BYTES);
    this.#bytes = needed;
  }

  /** Returns the rows so far: a view that is valid until the next `add`. */
  gathered(): Uint8Array {
    return this.#buffer.subarray(0, this.#bytes);
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#bytes);
    this.#buffer = larger;
    this.#view = viewOf(larger);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Copies byte by byte: for short ids, as most are, a call of `set` takes longer. */
function copyId({ memory, start, end }: IdBytes, target: Buffer, at: number): void {
  for (let from = start; from < end; from += 1) target[at + from - start] = memory[from] ?? 0;
}

/** A part's rows in the order of the file, by index from 0. Errors: RangeError if the bytes are not a row table. */
export class RowTable {
  readonly #bytes: Buffer;
  readonly #starts: Uint32Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const starts: number[] = [];
    for (let at = 0; at < bytes.length; at += HEAD_BYTES + this.#bytes.readUInt16LE(at + 16)) starts.push(at);
    const last = starts.at(-1);
    if (last !== undefined && last + HEAD_BYTES + this.#bytes.readUInt16LE(last + 16) !== bytes.length) {
      throw new RangeError('row table: the last record is incomplete');
    }
    this.#starts = Uint32Array.from(starts);
  }

  get rows(): number {
    return this.#starts.length;
  }

  place(index: number): RowPlace {
    const at = this.#start(index);
    return {
      ordinal: this.#bytes.readUInt32LE(at),
      offset: this.#bytes.readDoubleLE(at + 4),
      length: this.#bytes.readUInt32LE(at + 12),
    };
  }

  customId(index: number): string {
    const at = this.#start(index);
    return this.#bytes.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + this.#bytes.readUInt16LE(at + 16));
  }

  #start(index: number): number {
    const at = this.#starts[index];
    if (at === undefined) throw new RangeError(`row table: no row ${index} of ${this.rows}`);
    return at;
  }
}
