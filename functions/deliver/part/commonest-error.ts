import type { RowError } from '../../shared/domain/part-results.ts';

/** How many messages are counted at a time: more than a batch with one cause has, even if its messages contain ids. */
const MAX_MESSAGES = 64;

/**
 * Finds the most frequent error in bounded memory, however many errors there are ("Space-Saving", Metwally and others,
 * 2005). It finds any error of more than one row in 64, and the count is too high by at most that share. Messages that
 * differ only in words with digits, such as request ids, are equal.
 */
export class CommonestError {
  readonly #counted = new Map<string, RowError>();

  /** Counts an error of this many rows. */
  add({ code, message }: { code: string; message: string }, rows = 1): void {
    const key = `${code} ${message.replace(/\S*\d\S*/g, '#')}`;
    const known = this.#counted.get(key);
    if (known) known.rows += rows;
    else this.#counted.set(key, { code, message, rows: rows + this.#makeRoom() });
  }

  /** Returns the most frequent error; undefined if there was none. */
  get commonest(): RowError | undefined {
    let commonest: RowError | undefined;
    for (const error of this.#counted.values())
      if (!commonest || error.rows > commonest.rows) commonest = error;
    return commonest;
  }

  /** Drops the rarest error if there is no space for another. Returns its count, which the new error inherits. */
  #makeRoom(): number {
    if (this.#counted.size < MAX_MESSAGES) return 0;
    const [key, rarest] = [...this.#counted].reduce((a, b) => (b[1].rows < a[1].rows ? b : a));
    this.#counted.delete(key);
    return rarest.rows;
  }
}
