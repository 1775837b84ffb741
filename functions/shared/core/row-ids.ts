const CHUNK_ROWS = 65_536;

/**
 * Remembers the custom_id of every row in 12 bytes (20 while it is asked for candidates): 53 bits of hash and the
 * row's line number. Rows whose hashes are equal are only *candidates* for a duplicate: the caller reads those lines
 * again and compares the ids themselves.
 */
export class RowIds {
  readonly #hashes: Float64Array[] = [];
  readonly #lines: Uint32Array[] = [];
  #count = 0;

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

  /** Numbers of the lines that share their hash with another line: nearly always exactly the duplicates. */
  candidates(): Set<number> {
    const shared = this.#sharedHashes();
    const found = new Set<number>();
    if (shared.size === 0) return found;
    this.#hashes.forEach((hashes, chunk) => {
      for (let at = 0; at < this.#rowsIn(chunk); at += 1) {
        if (shared.has(hashes[at] ?? 0)) found.add(this.#lines[chunk]?.[at] ?? 0);
      }
    });
    return found;
  }

  #sharedHashes(): Set<number> {
    const sorted = new Float64Array(this.#count);
    this.#hashes.forEach((hashes, chunk) => {
      sorted.set(hashes.subarray(0, this.#rowsIn(chunk)), chunk * CHUNK_ROWS);
    });
    sorted.sort();
    const shared = new Set<number>();
    for (let at = 1; at < sorted.length; at += 1) {
      const hash = sorted[at] ?? 0;
      if (hash === sorted[at - 1]) shared.add(hash);
    }
    return shared;
  }

  #rowsIn(chunk: number): number {
    return Math.min(CHUNK_ROWS, this.#count - chunk * CHUNK_ROWS);
  }
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
