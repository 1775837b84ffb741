import type { ByteSource } from './byte-source.ts';

const CHUNK_ROWS = 65_536;

/** Rows that may have an id which a row before them has. */
interface IdCandidates {
  /** Rows that share their hash with another, in the order they were added, at most as many as asked for. */
  rows: number[];
  /** Rows beyond those whose hash a row before them has. */
  further: number;
}

/**
 * Remembers the custom_id of every row in 12 bytes (20 while it is asked for candidates): 53 bits of hash and the
 * row's line number. Rows whose hashes are equal are only *candidates* for a duplicate: the caller compares the ids
 * themselves. Rows are numbered from 0, as they are added.
 */
export class CustomIdIndex {
  readonly #hashes: Float64Array[] = [];
  readonly #lines: Uint32Array[] = [];
  #count = 0;

  /** Row ids as they were saved. Errors: as the source's. */
  static async restored(count: number, source: ByteSource): Promise<CustomIdIndex> {
    const ids = new CustomIdIndex();
    for (let left = count; left > 0; left -= CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, left);
      const hashes = new Float64Array(CHUNK_ROWS);
      const lines = new Uint32Array(CHUNK_ROWS);
      await source.fill(bytesOf(hashes.subarray(0, rows)));
      await source.fill(bytesOf(lines.subarray(0, rows)));
      ids.#hashes.push(hashes);
      ids.#lines.push(lines);
    }
    ids.#count = count;
    return ids;
  }

  /** Views, valid until the next `add`. */
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
    const at = this.#count % CHUNK_ROWS;
    if (at === 0) {
      this.#hashes.push(new Float64Array(CHUNK_ROWS));
      this.#lines.push(new Uint32Array(CHUNK_ROWS));
    }
    const hashes = this.#hashes.at(-1);
    const lines = this.#lines.at(-1);
    if (!hashes || !lines) throw new Error('unreachable: a chunk was just made');
    hashes[at] = hashOf(customId);
    lines[at] = line;
    this.#count += 1;
  }

  /** Number of the row's line in the file. */
  lineOf(row: number): number {
    const line = this.#lines[Math.floor(row / CHUNK_ROWS)]?.[row % CHUNK_ROWS];
    if (line === undefined || row >= this.#count) throw new RangeError(`row ids: no row ${row}`);
    return line;
  }

  /** Nearly always exactly the duplicates and the rows they repeat. */
  candidates(most: number): IdCandidates {
    const found: IdCandidates = { rows: [], further: 0 };
    const shared = this.#sharedHashes();
    if (shared.length === 0) return found;
    const seen = new Uint8Array(shared.length);
    this.#hashes.forEach((hashes, chunk) => {
      for (let at = 0; at < this.#rowsIn(chunk); at += 1) {
        const place = placeIn(shared, hashes[at] ?? 0);
        if (place < 0) continue;
        if (found.rows.length < most) found.rows.push(chunk * CHUNK_ROWS + at);
        else if (seen[place] === 1) found.further += 1;
        seen[place] = 1;
      }
    });
    return found;
  }

  /** In rising order, each once. */
  #sharedHashes(): Float64Array {
    const sorted = new Float64Array(this.#count);
    this.#hashes.forEach((hashes, chunk) => {
      sorted.set(hashes.subarray(0, this.#rowsIn(chunk)), chunk * CHUNK_ROWS);
    });
    sorted.sort();
    let shared = 0; // they are gathered at the front, behind which nothing has been compared yet
    for (let at = 1; at < sorted.length; at += 1) {
      const hash = sorted[at] ?? 0;
      if (hash !== sorted[at - 1] || (shared > 0 && hash === sorted[shared - 1])) continue;
      sorted[shared] = hash;
      shared += 1;
    }
    return sorted.subarray(0, shared);
  }

  #rowsIn(chunk: number): number {
    return Math.min(CHUNK_ROWS, this.#count - chunk * CHUNK_ROWS);
  }
}

/** As they lie in memory: little-endian wherever Node runs. */
function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Index of the number in a rising list; -1 when it is not there. */
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

/** 53 bits of two multiplicative hashes: as many as a number holds exactly. */
function hashOf(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    low = Math.imul(low ^ unit, 2654435761);
    high = Math.imul(high ^ unit, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 4294967296 * (2097151 & (high >>> 0)) + (low >>> 0);
}
