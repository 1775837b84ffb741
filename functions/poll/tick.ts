import type { StepResult } from '../shared/lifecycle/advance.ts';
import type { Ports } from '../shared/ports/ports.ts';

/**
 * The result of a tick. `broken` counts items with a defect and shards that could not be read; both are retried later.
 */
export interface TickReport {
  served: number;
  broken: number;
  outOfTime: boolean;
  /** How many batches had to be observed, and how many calls to the API that took. */
  open: number;
  calls: number;
  /** How many parts waited for admission, and how many of them were admitted. */
  waiting: number;
  admitted: number;
}

/** The report of a running tick. It catches the errors of each item, so that no item affects another. */
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

  /** Handles one item; logs and counts its errors. */
  async serve(item: { jobId: string; number?: number }, work: () => Promise<StepResult>): Promise<void> {
    this.report.served += 1;
    try {
      if ((await work()) === 'broken') this.report.broken += 1;
    } catch (failure) {
      this.#log.error('item_not_served', { jobId: item.jobId, part: item.number }, failure);
      this.report.broken += 1;
    }
  }

  /** Logs and counts a defect that does not belong to a single item. */
  noteBroken(code: string, facts: { shard?: number }, failure: unknown): void {
    this.#log.error(code, facts, failure);
    this.report.broken += 1;
  }
}
