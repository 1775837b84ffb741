import { createHash } from 'node:crypto';

const HALF = 64n;

/**
 * A digest of a set of ids that does not depend on their order: the sum, modulo 2^128, of the first 128 bits of each
 * id's SHA-256. An id more, less, or twice changes it; digests of disjoint sets are added up to that of the whole.
 */
export class IdDigest {
  #high = 0n;
  #low = 0n;

  add(customId: string): void {
    const hash = createHash('sha256').update(customId).digest();
    this.#add(hash.readBigUInt64BE(0), hash.readBigUInt64BE(8));
  }

  /** Adds the digest of other ids. */
  addDigest(hex: string): void {
    this.#add(BigInt(`0x${hex.slice(0, 16)}`), BigInt(`0x${hex.slice(16)}`));
  }

  /** 32 hex digits. */
  toString(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(16, '0')).join('');
  }

  #add(high: bigint, low: bigint): void {
    const sum = this.#low + low;
    this.#low = BigInt.asUintN(64, sum);
    this.#high = BigInt.asUintN(64, this.#high + high + (sum >> HALF));
  }
}
