import { hash } from 'node:crypto';

const BYTES = 16;
const WORDS = BYTES / 4;
const WORD = 2 ** 32;

/**
 * A digest of a set of ids that does not depend on their order: the sum, modulo 2^128, of the first 128 bits of each
 * id's SHA-256. A missing, additional or repeated id changes it. The digest of two sets is the sum of their digests.
 */
export class IdDigest {
  /** The sum in 32-bit words, the highest first. Sums of BigInt would take longer than the hashes. */
  readonly #sum = new Float64Array(WORDS);

  add(customId: string): void {
    this.addHash(hashOfId(customId));
  }

  /** Adds the digest of another set of ids. */
  addDigest(hex: string): void {
    this.addHash(Buffer.from(hex, 'hex').toString('binary'));
  }

  /** Adds an id by its hash from `hashOfId`. */
  addHash(idHash: string): void {
    let carry = 0;
    for (let word = WORDS - 1; word >= 0; word -= 1) {
      const sum = (this.#sum[word] ?? 0) + wordAt(idHash, 4 * word) + carry;
      carry = sum >= WORD ? 1 : 0;
      this.#sum[word] = sum - carry * WORD;
    }
  }

  /** Returns 32 hexadecimal digits. */
  toString(): string {
    return [...this.#sum].map((word) => word.toString(16).padStart(8, '0')).join('');
  }
}

/**
 * Returns the hash of one id, for `addHash`: one character per byte, because Node takes three times as long to return a
 * Buffer.
 */
export function hashOfId(customId: string): string {
  return hash('sha256', customId, 'binary');
}

/** Returns the four bytes from there as a number, the highest first. */
function wordAt(bytes: string, at: number): number {
  const high = (bytes.charCodeAt(at) << 8) | bytes.charCodeAt(at + 1);
  const low = (bytes.charCodeAt(at + 2) << 8) | bytes.charCodeAt(at + 3);
  return high * 2 ** 16 + low;
}
