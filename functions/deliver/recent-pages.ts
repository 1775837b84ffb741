import type { BatchApi, BatchPage, Clock } from '../shared/ports/ports.ts';

const SHARED_FOR_MS = 60_000;
const MAX_PAGES = 50; // of 100 batches with about a kilobyte each

/**
 * The pages of the list of batches that this process has read in the last minute. Jobs that end together share them:
 * otherwise, the clean-up of each of a thousand jobs would read the ten pages that show all their batches.
 */
export class RecentPages {
  readonly #clock: Clock;
  readonly #pages = new Map<string, { page: BatchPage; readAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the list of the API, whose pages may have been read a minute ago, but not before `since`, in milliseconds. */
  of(api: Pick<BatchApi, 'listBatches'>, since: number): Pick<BatchApi, 'listBatches'> {
    return {
      listBatches: async (query, signal) => {
        const key = JSON.stringify(query);
        const now = this.#clock.now();
        const known = this.#pages.get(key);
        if (known && known.readAt >= since && now - known.readAt < SHARED_FOR_MS) return known.page;
        const page = await api.listBatches(query, signal);
        this.#keep(key, page, now);
        return page;
      },
    };
  }

  #keep(key: string, page: BatchPage, readAt: number): void {
    this.#pages.delete(key); // so that the oldest is first
    this.#pages.set(key, { page, readAt });
    for (const [oldest] of this.#pages) {
      if (this.#pages.size <= MAX_PAGES) return;
      this.#pages.delete(oldest);
    }
  }
}
