import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';

/** Called for a value that the format's types cannot hold. `row`: the cells of its row. */
export type OnMisfit = (row: readonly Cell[], column: string, reason: string) => void;

/** Turns rows into the bytes of a file, of which only a part is in memory. */
export interface TableEncoder {
  /** Adds a row. Its cells have the order of the columns. */
  add(cells: readonly Cell[]): void;
  /** Whether it is time to `take`. */
  readonly isFull: boolean;
  /** Returns what is in memory, and forgets it. */
  take(): string | Uint8Array;
  /** Returns the end of the file. */
  finish(): string | Uint8Array;
}
