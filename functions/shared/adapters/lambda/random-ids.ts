import { randomBytes } from 'node:crypto';
import type { Ids } from '../../ports/ports.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 26; // 130 random bits

/** Creates ids that cannot be guessed and that never repeat. */
export function createRandomIds(): Ids {
  return {
    next: () => Array.from(randomBytes(LENGTH), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join(''),
  };
}
