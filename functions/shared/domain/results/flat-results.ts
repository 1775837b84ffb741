/** What is stored of the table of a job's results (`output.csv`). */
import type { Reason } from '../../contract/events.ts';

/** `json`: a list, an object, or a value of several types. It is a JSON text in a table of texts. */
export type ColumnType = 'text' | 'integer' | 'number' | 'boolean' | 'json';

/** The columns that the answers of a file need together. */
export interface FlatShape {
  columns: [name: string, type: ColumnType][];
  hasText: boolean;
  hasVectors: boolean;
  hasTools: boolean;
}

/** A value that does not fit its column. */
export interface Misfit {
  customId: string;
  /** Absent if no value of the answer has a place. */
  column?: string;
  reason: string;
}

/** What is counted while a table is written. */
export interface FlatCounts {
  rows: number;
  succeeded: number;
  /** All of them, and the first 10. */
  misfits: { count: number; first: Misfit[] };
  /** Rows whose line has several answers. The table has the first one. */
  rowsWithMoreAnswers: number;
}

/** Offsets of the next lines in the three files that a table is made of, in bytes. */
export interface FlatOffsets {
  requests: number;
  output: number;
  errors: number;
}

/** How much of a table is written. After a time-out, the next invocation resumes from here. */
export interface FlatProgress {
  shape: FlatShape;
  /** Up to which byte of the request file the shape is known; absent: to its end. */
  shapeUntil?: number;
  /** The lengths of the pieces that are stored, in bytes. */
  pieces: number[];
  /** What follows them. */
  offsets: FlatOffsets;
  counts: FlatCounts;
  /** How many invocations have stored pieces. An earlier one may still be writing. */
  invocations: number;
}

/** The table of an ended job: what it has, or why there is none. */
export type FlatResults = FlatCounts | { failed: Reason };
