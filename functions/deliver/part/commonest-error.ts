import type { RowError } from '../../shared/domain/part-results.ts';

/** Counted messages at a time: more than a batch with one cause has, even with ids in its messages. */
const MAX_MESSAGES = 64;

/**
 * Finds the commonest error in bounded memory, however many there are ("Space-Saving", Metwally and others, 2005): an
 * error that more than one row in 64 ended with is found, and its count is at most that much too high. Messages that
 * differ only in words with digits, such as request ids, are the same.
 */
export class CommonestError {
  readonly #counted = new Map<string, RowError>();

  /** Counts an error that this many rows ended with. */
  add({ code, message }: { code: string; message: string }, rows = 1): void {
    const key = `${code} ${message.replace(/\S*\d\S*/g, '#')}`;
    const known = this.#counted.get(key);
    if (known) known.rows += rows;
    else this.#counted.set(key, { code, message, rows: rows + this.#makeRoom() });
  }

  /** Returns the commonest error; undefined when there was none. */
  get commonest(): RowError | undefined {
    let commonest: RowError | undefined;
    for (const error of this.#counted.values())
      if (!commonest || error.rows > commonest.rows) commonest = error;
    return commonest;
  }

  /** Drops the rarest error when there is no room for another. Returns its rows, which the other one inherits. */
  #makeRoom(): number {
    if (this.#counted.size < MAX_MESSAGES) return 0;
    const [key, rarest] = [...this.#counted].reduce((a, b) => (b[1].rows < a[1].rows ? b : a));
    this.#counted.delete(key);
    return rarest.rows;
  }
}
