/** What a part stores about its results: those that are delivered, and those that do not agree yet. */
import type { RowCounts } from '../contract/events.ts';
import type { Billed } from './money/billed.ts';

/**
 * Result lines of the API that are not JSON. They are stored as anomalies. `first`: at most the first 5, with their
 * lengths.
 */
export interface UnreadableLines {
  count: number;
  first: { fileId: string; line: number; bytes: number }[];
}

/** An error message of rows, and how many rows have it. */
export interface RowError {
  code: string;
  message: string;
  rows: number;
}

/** The tokens of one batch, as its result lines report them and as the batch itself does. */
export interface UsageDifference {
  batchId: string;
  rows: { input: number; output: number };
  batch: { input: number; output: number };
}

/** What the API billed for one batch, as its result lines report it. */
export interface BilledBatch extends Billed {
  batchId: string;
}

/** What a delivery stored and counted, over all attempts of the part. */
export interface Delivered extends Partial<Billed> {
  /** What the batch of the last attempt was billed for. Absent before 0.2. */
  ofBatch?: BilledBatch;
  /** The delivery whose pieces count. */
  deliveryId: string;
  /** When its results were stored, in milliseconds. Absent before 0.2. */
  at?: number;
  rows: RowCounts;
  /** How many of the failed rows the API itself refused. Another run would give the same. */
  refused?: number;
  outputBytes: number;
  errorsBytes: number;
  anomaliesBytes: number;
  /** There are no pieces: the delivery wrote the job's result files. */
  withoutPieces?: true;
  /** How many result lines match no row, or match a row that already has a line. */
  anomalies: number;
  /** How many rows did not run again because of the cancel. */
  notRunAgain?: number;
  /** Result lines that are not JSON: how many, and the first ones. */
  unreadable?: UnreadableLines;
  /** Batches that report other tokens than their result lines, the first ones. */
  usageDifferences?: UsageDifference[];
  /** The most frequent error of the part's rows, if no row succeeded. */
  commonestError?: RowError;
  /** Digests (`IdDigest`) of the ids in the part's row table, and of those in its stored lines. */
  idsIn: string;
  idsOut: string;
}

/**
 * A wait for the results of the part's ended batch: the results that the API returned do not agree with what was sent
 * (`deliver/part/results-agreement.ts`).
 */
export interface ResultsWait {
  /** When a check first found that they do not agree, in milliseconds. */
  since: number;
  /** How often they were checked. */
  looks: number;
  /** When they are checked again, in milliseconds. The part's `backoffUntil` has the same value. */
  until: number;
  /** What did not agree at the last check. */
  why: string;
  /** The highest number of rows that had their own line at any check. */
  mostRows?: number;
  /** A digest of the bytes that were read last, and since when the API has returned the same bytes. */
  reading?: { digest: string; since: number };
}

/** A result file of the API that did not agree with what was sent. It is never deleted. */
export interface DoubtfulFile {
  batchId: string;
  fileId: string;
  why: string;
}
