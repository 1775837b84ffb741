/** What a part keeps of its results: those that were stored, and those that do not agree yet. */
import type { RowCounts } from '../contract/events.ts';
import type { Billed } from './money/billed.ts';

/** Result lines of the API that are not JSON. They are in the anomalies. `first`: at most the first 5, with their lengths. */
export interface UnreadableLines {
  count: number;
  first: { fileId: string; line: number; bytes: number }[];
}

/** An error that rows ended with, and how many did. */
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

/** What a delivery stored and counted, over all attempts of the part. */
export interface Delivered extends Partial<Billed> {
  /** The delivery whose pieces count. */
  deliveryId: string;
  rows: RowCounts;
  /** How many of the failed rows the API refused in its own words: another run gives the same. */
  refused?: number;
  outputBytes: number;
  errorsBytes: number;
  anomaliesBytes: number;
  /** There are no pieces: the delivery wrote the job's result files. */
  withoutPieces?: true;
  /** How many result lines match no row, or a row that has a line already. */
  anomalies: number;
  /** How many rows would have run again without the cancel. */
  notRunAgain?: number;
  /** Result lines that are not JSON: how many, and the first ones. */
  unreadable?: UnreadableLines;
  /** Batches that report other tokens than their result lines, the first ones. */
  usageDifferences?: UsageDifference[];
  /** The commonest error of its rows, if none succeeded. */
  commonestError?: RowError;
  /** Digests (`IdDigest`) of the ids in the part's row table, and of those in its stored lines. */
  idsIn: string;
  idsOut: string;
}

/**
 * A wait for the results of the part's ended batch: those that the API has given so far do not agree with what was sent
 * (`deliver/part/results-agreement.ts`).
 */
export interface ResultsWait {
  /** When the first look found that they do not agree, in milliseconds. */
  since: number;
  /** How often they were looked at. */
  looks: number;
  /** When they are looked at again, in milliseconds; the part's `backoffUntil` has the same value. */
  until: number;
  /** What did not agree at the last look. */
  why: string;
  /** The most rows that had a line of their own at one look. */
  mostRows?: number;
  /** The bytes that were last read, and since when the API gives the same ones. */
  reading?: { digest: string; since: number };
}

/** A result file of the API that did not agree with what was sent. It is never deleted. */
export interface DoubtfulFile {
  batchId: string;
  fileId: string;
  why: string;
}
