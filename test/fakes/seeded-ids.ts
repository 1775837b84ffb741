import type { Ids } from '../../functions/shared/ports/ports.ts';
import { seededRandom } from './seeded-random.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LENGTH = 26;

/** Creates ids that look random and depend only on the seed. */
export function createSeededIds(seed: number): Ids {
  const random = seededRandom(seed);
  return {
    next() {
      let id = '';
      while (id.length < LENGTH) id += ALPHABET.charAt(Math.floor(random() * ALPHABET.length));
      return id;
    },
  };
}
