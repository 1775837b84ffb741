import type { StepResult } from '../shared/lifecycle/advance.ts';
import type { Ports } from '../shared/ports/ports.ts';

/** What a tick did; `broken` items had a defect, or were in a shard that could not be read, and are tried again later. */
export interface TickReport {
  served: number;
  broken: number;
  outOfTime: boolean;
  /** Batches to observe, and calls to the API that took. */
  open: number;
  calls: number;
  /** Parts that waited for admission, and how many of them were admitted. */
  waiting: number;
  admitted: number;
}

/** One tick while it runs: its report, and the guard around each item, so that none harms another. */
export class Tick {
  readonly report: TickReport = {
    served: 0,
    broken: 0,
    outOfTime: false,
    open: 0,
    calls: 0,
    waiting: 0,
    admitted: 0,
  };
  readonly #log: Ports['log'];

  constructor({ log }: Pick<Ports, 'log'>) {
    this.#log = log;
  }

  /** Serves one item. What it throws is logged and counted. */
  async serve(item: { jobId: string; number?: number }, work: () => Promise<StepResult>): Promise<void> {
    this.report.served += 1;
    try {
      if ((await work()) === 'broken') this.report.broken += 1;
    } catch (failure) {
      this.#log.error('item_not_served', { jobId: item.jobId, part: item.number }, failure);
      this.report.broken += 1;
    }
  }

  /** Counts a defect that concerns no single item. */
  noteBroken(code: string, facts: { shard?: number }, failure: unknown): void {
    this.#log.error(code, facts, failure);
    this.report.broken += 1;
  }
}
