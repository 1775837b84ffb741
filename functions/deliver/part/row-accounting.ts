import type { RowOutcome, RowStates } from '../../shared/part-rows/row-states.ts';
import type { RowTable } from '../../shared/part-rows/row-table.ts';
import type { ResultLine } from '../../shared/result-lines/result-line.ts';

/** The role of a result line: the line of a row, which may replace a worse one, or an anomaly. */
type LineVerdict = { row: number; replaces: boolean } | { anomaly: Anomaly };

type Anomaly = 'unknown_id' | 'second_line' | 'unreadable';

/**
 * The result of one attempt for a row. Without `line`, the API wrote no line, and the end of the batch decides
 * `outcome`.
 */
export interface SettledRow {
  outcome: RowOutcome;
  passing: boolean;
  line: boolean;
}

/** One shared object for all rows that succeeded, which are most rows. */
const SUCCEEDED: Readonly<SettledRow> = { outcome: 'succeeded', passing: false, line: true };

/** One of the two result files of a batch. */
export type ResultFileName = 'output' | 'errors';

/**
 * Accounts for the rows that one attempt sent. Each row has exactly one outcome. A success replaces a failure;
 * otherwise the first line counts. All other lines are anomalies.
 */
export class RowTally {
  readonly #indexOf = new Map<string, number>();
  readonly #settled: (SettledRow | undefined)[];
  #rowsWithLine = 0;
  readonly #batchStatus: string;
  readonly #inOutput: Uint8Array;
  #rowsInOutput = 0;
  #ran = 0;
  anomalies = 0;
  /** How many lines name a row that was not sent. */
  foreignLines = 0;
  /** How many lines are not result lines. */
  unreadableLines = 0;

  /** `end`: the attempt sent only rows before this index. Absent: it sent all rows that were to run. */
  constructor(table: RowTable, before: RowStates, batchStatus: string, end: number = table.rows) {
    this.#batchStatus = batchStatus;
    this.#inOutput = new Uint8Array(table.rows);
    this.#settled = Array.from({ length: table.rows }, () => undefined);
    for (let row = 0; row < end; row += 1) {
      if (before.isToRun(row)) this.#indexOf.set(table.customId(row), row);
    }
  }

  /** How many rows were sent. */
  get rowsSent(): number {
    return this.#indexOf.size;
  }

  /** How many rows have a line. */
  get rowsWithLine(): number {
    return this.#rowsWithLine;
  }

  /** How many rows have a line in the output file, or a line that says that they succeeded. */
  get rowsInOutput(): number {
    return this.#rowsInOutput;
  }

  /** How many rows have a line that says that they ran. */
  get rowsThatRan(): number {
    return this.#ran;
  }

  /**
   * Records the outcome of the row that the result line names. `result`: undefined for a line that is not a result
   * line.
   */
  settle(result: ResultLine | undefined, file: ResultFileName): LineVerdict {
    if (!result) {
      this.unreadableLines += 1;
      return this.#anomaly('unreadable');
    }
    const row = this.#indexOf.get(result.customId);
    if (row === undefined) {
      this.foreignLines += 1;
      return this.#anomaly('unknown_id');
    }
    if (file === 'output' || result.outcome === 'succeeded') this.#noteInOutput(row);
    const known = this.#settled[row];
    const isBetter = known?.outcome !== 'succeeded' && result.outcome === 'succeeded';
    if (known && !isBetter) return this.#anomaly('second_line');
    if (known) this.anomalies += 1; // the worse line becomes an anomaly
    if (hasRun(result.outcome) && !(known && hasRun(known.outcome))) this.#ran += 1;
    // A cancelled batch reports the rows that it did not run as expired.
    const outcome =
      result.outcome === 'expired' && this.#batchStatus === 'cancelled' ? 'cancelled' : result.outcome;
    if (!known) this.#rowsWithLine += 1;
    const passing = result.passing && outcome !== 'cancelled';
    this.#settled[row] = outcome === 'succeeded' ? SUCCEEDED : { outcome, passing, line: true };
    return { row, replaces: known !== undefined };
  }

  /** Returns whether a line says that the row succeeded. No later line can change that. */
  hasSucceeded(row: number): boolean {
    return this.#settled[row]?.outcome === 'succeeded';
  }

  #noteInOutput(row: number): void {
    this.#rowsInOutput += this.#inOutput[row] === 1 ? 0 : 1;
    this.#inOutput[row] = 1;
  }

  /** Returns the outcome of a row in this attempt; undefined if an earlier outcome remains valid. */
  outcomeOf(row: number, hadLineBefore: boolean): SettledRow | undefined {
    const settled = this.#settled[row];
    if (settled) return settled;
    // If this attempt did not run the row, the outcome of an earlier one remains.
    if (hadLineBefore && this.#ranNothingElse()) return undefined;
    return { outcome: this.#outcomeWithoutLine(), passing: false, line: false };
  }

  /**
   * Returns whether rows without a line did not run: a failed batch ran nothing, and a cancelled one may omit such
   * rows.
   */
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

function hasRun(outcome: RowOutcome): boolean {
  return outcome === 'succeeded' || outcome === 'failed';
}
