/**
 * Decides whether to believe a batch's results: rule 4 of "What an answer is worth" (docs/architecture.md). A negative
 * answer (no file, a missing line) is not believed at the first check, and nothing is deleted because of it.
 *
 *   agreed       each row that was sent has its own line, whatever the counts and lengths are. If the batch did not
 *                complete, it is also enough that its named files were read whole and have as many results as the API
 *                counts. If the API does not count, they must stay the same for an hour and have no lines of other rows
 *   look again   otherwise. The pauses grow from a minute to an hour (`pauseAfterLook`)
 *   doubtful     the results never agreed, and the last reading is final: after 24 hours of checks, if the last one
 *                sees at least as many rows as any earlier one, or else after 48 hours; once an operator has released
 *                the part; or if the same bytes, with as many lines as there are results, were read for two hours (a
 *                line may be permanently damaged). The files remain at the API
 *
 * A call without a response (a server error, no connection) says nothing about the results. The checks continue until
 * there is a response, or until a release.
 */

import type { Part } from '../../shared/domain/part.ts';
import type { ResultsWait } from '../../shared/domain/part-results.ts';
import {
  MIN_RESULTS_LOOKS,
  pauseAfterLook,
  RESULTS_LOOKING_MS,
  SAME_RESULTS_MS,
  SAME_UNCOUNTED_RESULTS_MS,
} from '../../shared/domain/timing.ts';

/** The findings of one check of a batch's results. */
export interface Reading {
  /** How many rows were sent, and how many of them have their own line. */
  rows: number;
  rowsWithLine: number;
  /** How many rows have a line in the output file, or a line that says that they succeeded. */
  rowsInOutput: number;
  /** How many rows have a line that says that they ran. */
  rowsThatRan: number;
  /** How many lines name a row that was not sent. */
  foreignLines: number;
  /** How many lines are not result lines, although they have a line end. */
  damagedLines: number;
  /** Why a named file was not read whole, or why no file is named. */
  problems: string[];
  /** The entry of `problems` about a call that had no response. */
  unanswered?: string;
  /** Identifies the bytes of both files. A file that was not read counts as different. */
  digest: string;
}

export type Verdict =
  | { is: 'agreed' }
  | { is: 'doubtful'; why: string }
  | { is: 'look_again'; wait: ResultsWait };

/** Returns whether to believe the results that were read for the part's current batch. */
export function verdictOn(part: Part, reading: Reading, now: number): Verdict {
  if (agrees(part, reading, now)) return { is: 'agreed' };
  const why = disagreement(part, reading);
  // A batch that is lost or never existed will have no more results.
  if (part.phase !== 'batch_ended' || isTheAnswer(part, reading, now)) return { is: 'doubtful', why };
  const looks = (part.resultsWait?.looks ?? 0) + 1;
  const same = unchanged(part, reading);
  const kept = reading.unanswered === undefined ? undefined : part.resultsWait?.reading;
  return {
    is: 'look_again',
    wait: {
      since: part.resultsWait?.since ?? now,
      looks,
      until: now + pauseAfterLook(looks),
      why,
      mostRows: Math.max(reading.rowsWithLine, part.resultsWait?.mostRows ?? 0),
      reading: same ?? kept ?? { digest: reading.digest, since: now },
    },
  };
}

/** Returns whether an operator has released the part from its wait for results. */
export function isReleased({ resultsWait, releasedAt }: Part): boolean {
  return resultsWait !== undefined && releasedAt !== undefined && releasedAt >= resultsWait.since;
}

function agrees(part: Part, reading: Reading, now: number): boolean {
  if (reading.rowsWithLine === reading.rows) return true;
  const { batch } = part;
  if (!batch) return true;
  if (batch.status === 'completed' || reading.problems.length > 0) return false;
  const counts = batch.counts ?? (batch.status === 'failed' ? { completed: 0, failed: 0 } : undefined);
  if (!counts)
    return reading.foreignLines === 0 && isUnchangedFor(part, reading, SAME_UNCOUNTED_RESULTS_MS, now);
  const { completed, failed } = counts;
  return reading.rowsInOutput >= completed || reading.rowsThatRan >= completed + failed;
}

/** Returns whether the reading is final, although the results do not agree. */
function isTheAnswer(part: Part, reading: Reading, now: number): boolean {
  if (isReleased(part)) return true;
  const { resultsWait } = part;
  if (!resultsWait || reading.unanswered !== undefined) return false;
  const { since, looks, mostRows = 0 } = resultsWait;
  const longest = reading.rowsWithLine >= mostRows ? RESULTS_LOOKING_MS : 2 * RESULTS_LOOKING_MS;
  if (now - since >= longest && looks >= MIN_RESULTS_LOOKS) return true;
  return isOnlyDamaged(part, reading) && isUnchangedFor(part, reading, SAME_RESULTS_MS, now);
}

/** Returns whether the file has as many lines as there are results, but some of them are damaged. */
function isOnlyDamaged({ batch }: Part, reading: Reading): boolean {
  const { rows, rowsWithLine, rowsThatRan, damagedLines } = reading;
  if (batch?.status === 'completed' || !batch?.counts) return rowsWithLine + damagedLines >= rows;
  return rowsThatRan + damagedLines >= batch.counts.completed + batch.counts.failed;
}

function unchanged({ resultsWait }: Part, { digest }: Reading): ResultsWait['reading'] {
  return resultsWait?.reading?.digest === digest ? resultsWait.reading : undefined;
}

function isUnchangedFor(part: Part, reading: Reading, milliseconds: number, now: number): boolean {
  const same = unchanged(part, reading);
  return same !== undefined && now - same.since >= milliseconds;
}

function disagreement({ batch }: Part, reading: Reading): string {
  const { rows, rowsWithLine, foreignLines, problems } = reading;
  const counted = batch?.counts
    ? `; the API counts ${batch.counts.completed} completed and ${batch.counts.failed} failed`
    : '';
  const others = foreignLines > 0 ? [`${foreignLines} line(s) of other rows`] : [];
  const lacking = `${rows - rowsWithLine} of ${rows} rows have no line in the result files${counted}`;
  return [lacking, ...others, ...problems].join('; ').slice(0, MAX_WHY);
}

const MAX_WHY = 400; // characters
