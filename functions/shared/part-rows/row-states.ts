import type { RowCounts } from '../contract/events.ts';

/** How a row ended. */
export type RowOutcome = 'succeeded' | 'failed' | 'expired' | 'cancelled' | 'missing';

// The position in this list is the stored code, from 1. Code 0 means that the row has no outcome yet.
const OUTCOMES: readonly RowOutcome[] = ['succeeded', 'failed', 'expired', 'cancelled', 'missing'];
const AGAIN = 0x80;
const BYTES_PER_ROW = 6;

/** The state of one row of a part. */
export interface RowState {
  outcome: RowOutcome;
  /** The part's next attempt runs the row again. */
  again: boolean;
  /** How many batches contained the row. */
  attempts: number;
  /** The length of its line with the line end, in `output.jsonl` if it succeeded, otherwise in `errors.jsonl`. */
  lineBytes: number;
}

/**
 * The state of each row of a part after an attempt, by the row's index in the row table. It is stored next to the
 * pieces of the delivery. The next attempt reads from it which rows to run, and the merge of pieces reads where each
 * line begins. Format: three columns, little-endian: outcome and `again` u8, attempts u8, line length u32.
 */
export class RowStates {
  readonly #bytes: Buffer;
  readonly rows: number;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.rows = bytes.length / BYTES_PER_ROW;
  }

  /** Returns the states of rows that have not run. */
  static fresh(rows: number): RowStates {
    return new RowStates(Buffer.alloc(rows * BYTES_PER_ROW));
  }

  /** Parses stored states. Errors: RangeError if the bytes are not the states of that many rows. */
  static parse(bytes: Uint8Array, rows: number): RowStates {
    if (bytes.length !== rows * BYTES_PER_ROW) {
      throw new RangeError(`row states: ${bytes.length} bytes for ${rows} rows`);
    }
    return new RowStates(Buffer.from(bytes));
  }

  /** Returns the row's state; undefined until it has an outcome. */
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

  /** Returns whether the part's next attempt runs the row. The first attempt runs every row. */
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
