const WINDOW_MS = 120_000;
const MIN_WINDOW_MS = 10_000; // the first reads come at once, and are not the pace
const HOUR_MS = 3_600_000;

/** Counts the calls of the ledger's table, because each costs a little. `now`: milliseconds that never go back. */
export class LedgerMeter {
  readonly #now: () => number;
  readonly #openedAt: number;
  /** The totals at the ends of the newest seconds with calls. */
  readonly #marks: { at: number; total: number }[] = [];
  #total = 0;
  /** The calls before the window. */
  #before = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#openedAt = now();
  }

  count(): void {
    this.#total += 1;
    const at = Math.floor(this.#now() / 1_000) * 1_000;
    const last = this.#marks.at(-1);
    if (last?.at === at) last.total = this.#total;
    else this.#marks.push({ at, total: this.#total });
  }

  get total(): number {
    return this.#total;
  }

  /** At the pace of the last two minutes. */
  get perHour(): number {
    const now = this.#now();
    for (let [first] = this.#marks; first && first.at < now - WINDOW_MS; [first] = this.#marks) {
      this.#before = first.total;
      this.#marks.shift();
    }
    const windowMs = Math.max(MIN_WINDOW_MS, Math.min(WINDOW_MS, now - this.#openedAt));
    return Math.round(((this.#total - this.#before) * HOUR_MS) / windowMs);
  }
}
