import { hash } from 'node:crypto';

const HALF = 64n;
const DIGITS = 32;

/**
 * A digest of a set of ids that does not depend on their order: the sum, modulo 2^128, of the first 128 bits of each
 * id's SHA-256. A missing, additional or repeated id changes it. The digest of two sets is the sum of their digests.
 */
export class IdDigest {
  #high = 0n;
  #low = 0n;

  add(customId: string): void {
    this.addDigest(digestOfId(customId));
  }

  /** Adds the digest of other ids. */
  addDigest(hex: string): void {
    const sum = this.#low + BigInt(`0x${hex.slice(DIGITS / 2)}`);
    this.#low = BigInt.asUintN(64, sum);
    this.#high = BigInt.asUintN(64, this.#high + BigInt(`0x${hex.slice(0, DIGITS / 2)}`) + (sum >> HALF));
  }

  /** Returns 32 hexadecimal digits. */
  toString(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(DIGITS / 2, '0')).join('');
  }
}

/** Returns the digest of one id, for `addDigest`. */
export function digestOfId(customId: string): string {
  return hash('sha256', customId, 'hex').slice(0, DIGITS);
}
