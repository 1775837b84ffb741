/**
 * Random numbers without a sequence: each draw has a name, and its number depends only on the seed and that name.
 * Leaving one fault out therefore changes nothing that does not depend on it, which shrinking needs. Renaming a draw (a
 * kind of fault, an action, a call) changes its number, and with it the histories of all seeds.
 */
export class Chance {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
  }

  /** Returns a number in [0, 1). */
  of(name: string): number {
    let hash = this.#seed;
    for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
  }

  /** Returns a whole number from `least` to `most`. */
  between(name: string, least: number, most: number): number {
    return least + Math.floor(this.of(name) * (most - least + 1));
  }

  pick<T>(name: string, things: readonly T[]): T | undefined {
    return things[Math.floor(this.of(name) * things.length)];
  }
}
