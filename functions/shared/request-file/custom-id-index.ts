import type { ByteSource } from './byte-source.ts';

const CHUNK_ROWS = 65_536;
/** The first chunk grows from this size, because most files are small. */
const FIRST_ROWS = 512;

/** Rows whose id may repeat the id of an earlier row. */
interface IdCandidates {
  /** The first rows whose hash another row also has, in the order in which they were added. */
  rows: number[];
  /** How many further rows repeat the hash of an earlier row. */
  further: number;
}

/**
 * Finds rows that may have the same custom_id. Each row takes 12 bytes (20 during `candidates`): 53 bits of hash, and
 * its line number. Rows with equal hashes are only *candidates* for a duplicate; the caller compares the ids. Rows are
 * numbered from 0, in the order in which they are added.
 */
export class CustomIdIndex {
  readonly #hashes: Float64Array[] = [];
  readonly #lines: Uint32Array[] = [];
  /** The last of each. */
  #lastHashes: Float64Array = new Float64Array(0);
  #lastLines: Uint32Array = new Uint32Array(0);
  #count = 0;

  /** Restores an index from the bytes of `saved`. Errors: those of the source. */
  static async restored(count: number, source: ByteSource): Promise<CustomIdIndex> {
    const ids = new CustomIdIndex();
    for (let remaining = count; remaining > 0; remaining -= CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, remaining);
      ids.#addChunk(rows);
      await source.fill(bytesOf(ids.#lastHashes.subarray(0, rows)));
      await source.fill(bytesOf(ids.#lastLines.subarray(0, rows)));
    }
    ids.#count = count;
    return ids;
  }

  /** Returns the bytes to save: views that are valid until the next `add`. */
  *saved(): Generator<Uint8Array> {
    for (const [chunk, hashes] of this.#hashes.entries()) {
      yield bytesOf(hashes.subarray(0, this.#rowsIn(chunk)));
      yield bytesOf((this.#lines[chunk] ?? new Uint32Array(0)).subarray(0, this.#rowsIn(chunk)));
    }
  }

  get count(): number {
    return this.#count;
  }

  add(customId: string, line: number): void {
    this.addHash(hashOf(customId), line);
  }

  /** Adds a row by the hash of its id, from `hashOf` or from the scanner. */
  addHash(hash: number, line: number): void {
    const at = this.#count % CHUNK_ROWS;
    if (at === 0) this.#addChunk(this.#count === 0 ? FIRST_ROWS : CHUNK_ROWS);
    else if (at === this.#lastHashes.length) this.#growChunk();
    this.#lastHashes[at] = hash;
    this.#lastLines[at] = line;
    this.#count += 1;
  }

  /** Returns the number of the row's line in the file. Errors: RangeError if there is no such row. */
  lineOf(row: number): number {
    const line = this.#lines[Math.floor(row / CHUNK_ROWS)]?.[row % CHUNK_ROWS];
    if (line === undefined || row >= this.#count) throw new RangeError(`row ids: no row ${row}`);
    return line;
  }

  /**
   * Returns at most `limit` rows that may be duplicates, or the originals of duplicates. Nearly always they are exactly
   * those.
   */
  candidates(limit: number): IdCandidates {
    const found: IdCandidates = { rows: [], further: 0 };
    const shared = this.#sharedHashes();
    if (shared.length === 0) return found;
    const seen = new Uint8Array(shared.length);
    this.#hashes.forEach((hashes, chunk) => {
      for (let at = 0; at < this.#rowsIn(chunk); at += 1) {
        const place = placeIn(shared, hashes[at] ?? 0);
        if (place < 0) continue;
        if (found.rows.length < limit) found.rows.push(chunk * CHUNK_ROWS + at);
        else if (seen[place] === 1) found.further += 1;
        seen[place] = 1;
      }
    });
    return found;
  }

  /** Returns the hashes that more than one row has, in ascending order, each once. */
  #sharedHashes(): Float64Array {
    const sorted = new Float64Array(this.#count);
    this.#hashes.forEach((hashes, chunk) => {
      sorted.set(hashes.subarray(0, this.#rowsIn(chunk)), chunk * CHUNK_ROWS);
    });
    sorted.sort();
    let shared = 0; // written to the front of the array, where all values have been compared already
    for (let at = 1; at < sorted.length; at += 1) {
      const hash = sorted[at] ?? 0;
      if (hash !== sorted[at - 1] || (shared > 0 && hash === sorted[shared - 1])) continue;
      sorted[shared] = hash;
      shared += 1;
    }
    return sorted.subarray(0, shared);
  }

  #addChunk(rows: number): void {
    this.#putChunk(this.#hashes.length, new Float64Array(rows), new Uint32Array(rows));
  }

  #growChunk(): void {
    const rows = Math.min(2 * this.#lastHashes.length, CHUNK_ROWS);
    const hashes = new Float64Array(rows);
    hashes.set(this.#lastHashes);
    const lines = new Uint32Array(rows);
    lines.set(this.#lastLines);
    this.#putChunk(this.#hashes.length - 1, hashes, lines);
  }

  #putChunk(chunk: number, hashes: Float64Array, lines: Uint32Array): void {
    this.#hashes[chunk] = hashes;
    this.#lines[chunk] = lines;
    this.#lastHashes = hashes;
    this.#lastLines = lines;
  }

  #rowsIn(chunk: number): number {
    return Math.min(CHUNK_ROWS, this.#count - chunk * CHUNK_ROWS);
  }
}

/** Returns the array's memory. It is little-endian on every platform that Node supports. */
function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Returns the index of the number in an ascending list, or -1. */
function placeIn(sorted: Float64Array, wanted: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === wanted ? from : -1;
}

/**
 * Returns 53 bits of two multiplicative hashes of the id in UTF-8, as many as a JavaScript number can hold exactly. The
 * scanner computes the same hashes (`storeHash` in `scanner/assembly/scanner.ts`).
 */
export function hashOf(customId: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  const bytes = Buffer.from(customId);
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 2654435761);
    high = Math.imul(high ^ byte, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return joinedHash(low, high);
}

/** Joins the halves of a hash: the low 32 bits of one and the low 21 of the other. */
export function joinedHash(low: number, high: number): number {
  return 4294967296 * (2097151 & high) + (low >>> 0);
}
