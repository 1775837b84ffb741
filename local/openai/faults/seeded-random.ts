import { createHash } from 'node:crypto';

/** Returns the next number in [0, 1). */
export type Random = () => number;

/** Returns a reproducible sequence of numbers that depends only on `key`. */
export function seededRandom(key: string): Random {
  let state = createHash('sha256').update(key).digest().readUInt32LE(0);
  return () => {
    // mulberry32: 32 bits of state are enough for durations and an order of rows
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the row (counted from 0) at each rank: a permutation of 0…count-1 that depends only on `key`. */
export function shuffledRows(count: number, key: string): Uint32Array {
  const random = seededRandom(key);
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const swapped = rows[last] ?? 0;
    rows[last] = rows[other] ?? 0;
    rows[other] = swapped;
  }
  return rows;
}

/** Returns `length` hexadecimal digits (at most 64) that depend only on `key`. */
export function seededHex(key: string, length: number): string {
  return createHash('sha256').update(key).digest('hex').slice(0, length);
}
