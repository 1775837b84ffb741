import type { RowOutcome, RowStates } from '../../shared/part-rows/row-states.ts';
import type { RowTable } from '../../shared/part-rows/row-table.ts';
import { readResultLine } from './result-line.ts';

/** What a line of the API's files is: a row's line, in the place of a worse one before it, or no row's. */
type LineVerdict = { row: number; replaces: boolean } | { anomaly: Anomaly };

type Anomaly = 'unknown_id' | 'second_line' | 'unreadable';

/** What one attempt made of a row; without `line` the API left none, and `outcome` follows from how the batch ended. */
export interface SettledRow {
  outcome: RowOutcome;
  passing: boolean;
  line: boolean;
}

/**
 * Accounts for the rows of one attempt: those that the states before it say are to run. Each ends with exactly one
 * outcome: a success wins over a failure, else the first line decides; every other line is told apart.
 */
export class RowTally {
  readonly #indexOf = new Map<string, number>();
  readonly #settled = new Map<number, SettledRow>();
  readonly #batchStatus: string;
  anomalies = 0;

  constructor(table: RowTable, before: RowStates, batchStatus: string) {
    this.#batchStatus = batchStatus;
    for (let row = 0; row < table.rows; row += 1) {
      if (before.isToRun(row)) this.#indexOf.set(table.customId(row), row);
    }
  }

  /** Settles the row of one result line. */
  settle(line: Uint8Array): LineVerdict {
    const told = readResultLine(line);
    if (!told) return this.#anomaly('unreadable');
    const row = this.#indexOf.get(told.customId);
    if (row === undefined) return this.#anomaly('unknown_id');
    const known = this.#settled.get(row);
    const isBetter = known?.outcome !== 'succeeded' && told.outcome === 'succeeded';
    if (known && !isBetter) return this.#anomaly('second_line');
    if (known) this.anomalies += 1; // the worse line is one now
    // A cancelled batch says of the rows it did not run that they expired.
    const outcome =
      told.outcome === 'expired' && this.#batchStatus === 'cancelled' ? 'cancelled' : told.outcome;
    this.#settled.set(row, { outcome, passing: told.passing && outcome !== 'cancelled', line: true });
    return { row, replaces: known !== undefined };
  }

  /** What became of a row of this attempt; undefined for a row that was not in it. */
  outcomeOf(row: number, hadLineBefore: boolean): SettledRow | undefined {
    const settled = this.#settled.get(row);
    if (settled) return settled;
    // What an earlier attempt said of a row stands if this one did not run it.
    if (hadLineBefore && this.#ranNothingElse()) return undefined;
    return { outcome: this.#outcomeWithoutLine(), passing: false, line: false };
  }

  /** A batch that failed ran nothing; one that was cancelled owes no line to the rows it did not run. */
  #ranNothingElse(): boolean {
    return this.#batchStatus === 'failed' || this.#batchStatus === 'cancelled';
  }

  #outcomeWithoutLine(): RowOutcome {
    if (this.#batchStatus === 'failed') return 'failed';
    return this.#batchStatus === 'cancelled' ? 'cancelled' : 'missing';
  }

  #anomaly(anomaly: Anomaly): LineVerdict {
    this.anomalies += 1;
    return { anomaly };
  }
}
