import type { RowCounts } from '../contract/events.ts';

/** How a row ended. */
export type RowOutcome = 'succeeded' | 'failed' | 'expired' | 'cancelled' | 'missing';

// The order is the stored code, from 1; 0 is a row that no batch has settled yet.
const OUTCOMES: readonly RowOutcome[] = ['succeeded', 'failed', 'expired', 'cancelled', 'missing'];
const AGAIN = 0x80;
const BYTES_A_ROW = 6;

/** What is known of one row of a part. */
export interface RowState {
  outcome: RowOutcome;
  /** The row belongs to the part's next attempt. */
  again: boolean;
  /** Batches that had the row. */
  attempts: number;
  /** Length of its line in `output.jsonl` if it succeeded, else in `errors.jsonl`, the line's end counted. */
  lineBytes: number;
}

/**
 * The state of each row of a part after an attempt, by its index in the row table: stored beside the pieces of the
 * delivery, so that the next attempt knows which rows to run, and whoever merges pieces where each line begins. Stored as
 * three columns: outcome and `again` u8, attempts u8, line length u32, little-endian.
 */
export class RowStates {
  readonly #bytes: Buffer;
  readonly rows: number;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.rows = bytes.length / BYTES_A_ROW;
  }

  /** No row has run. */
  static fresh(rows: number): RowStates {
    return new RowStates(Buffer.alloc(rows * BYTES_A_ROW));
  }

  /** Throws a RangeError on what are no states of so many rows. */
  static parse(bytes: Uint8Array, rows: number): RowStates {
    if (bytes.length !== rows * BYTES_A_ROW) {
      throw new RangeError(`row states: ${bytes.length} bytes for ${rows} rows`);
    }
    return new RowStates(Buffer.from(bytes));
  }

  /** Undefined until a batch has settled the row. */
  get(row: number): RowState | undefined {
    const code = this.#bytes.readUInt8(row);
    const outcome = OUTCOMES[(code & ~AGAIN) - 1];
    if (outcome === undefined) return undefined;
    return {
      outcome,
      again: (code & AGAIN) !== 0,
      attempts: this.#bytes.readUInt8(this.rows + row),
      lineBytes: this.#bytes.readUInt32LE(2 * this.rows + 4 * row),
    };
  }

  set(row: number, { outcome, again, attempts, lineBytes }: RowState): void {
    this.#bytes.writeUInt8(OUTCOMES.indexOf(outcome) + 1 + (again ? AGAIN : 0), row);
    this.#bytes.writeUInt8(Math.min(attempts, 255), this.rows + row);
    this.#bytes.writeUInt32LE(lineBytes, 2 * this.rows + 4 * row);
  }

  /** Whether the part's next attempt runs the row: at first, every row. */
  isToRun(row: number): boolean {
    const state = this.get(row);
    return state === undefined || state.again;
  }

  counts(): RowCounts {
    const counts = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };
    for (let row = 0; row < this.rows; row += 1) {
      counts[this.get(row)?.outcome ?? 'missing'] += 1;
      counts.total += 1;
    }
    return counts;
  }

  bytes(): Uint8Array {
    return this.#bytes;
  }
}
