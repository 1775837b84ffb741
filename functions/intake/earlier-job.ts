import { isOver, type Job, type UnsuccessfulRows } from '../shared/domain/job.ts';
import { JOIN_MS } from '../shared/domain/timing.ts';
import { isOlder } from '../shared/lifecycle/key-versions.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';

/**
 * What a job does whose bytes an earlier job of its key has or had: it joins that job, runs, or replaces it if nothing
 * was sent for it yet.
 */
export type OnSameBytes =
  | { do: 'run' }
  | { do: 'join'; unsuccessful?: UnsuccessfulRows }
  | { do: 'replace-or-join' };

/** Decides what a job does whose bytes `earlier` has. The first sentence that applies:
 *   - a job that is cancelled, or being cancelled, is not joined
 *   - an open job with the same metadata and instructions is joined
 *   - a new run was asked for: the job replaces an open one that has sent nothing, or else runs
 *   - an open job with other ones is replaced by a newer version if it has sent nothing, or else joined
 *   - 24 hours after the end of a job it is not joined
 *   - a job whose rows all succeeded, or were refused by the API in its own words, is joined
 *   - so is a job with some rows that succeeded; the event says how many did not
 *   - a job without such rows, that failed, or was rejected, is not joined
 */
export function decideOnSameBytes(earlier: Job, job: Job, now: number): OnSameBytes {
  if (earlier.cancelRequestedAt !== undefined) return { do: 'run' };
  const asksForRun = instructionsIn(job.request.instructions).rerun;
  if (!isOver(earlier)) {
    if (isAskedAlike(earlier, job)) return { do: 'join' };
    const isOutdated = isOlder(job.request.sequencer, earlier.request.sequencer);
    return isOutdated && !asksForRun ? { do: 'join' } : { do: 'replace-or-join' };
  }
  if (asksForRun || now - earlier.changedAt >= JOIN_MS) return { do: 'run' };
  if (earlier.status !== 'completed' && earlier.status !== 'expired') return { do: 'run' };
  const { total, succeeded, failed } = earlier.rows;
  const { refusedRows: refused = failed } = earlier;
  if (succeeded + refused < total && succeeded === 0) return { do: 'run' };
  return succeeded === total
    ? { do: 'join' }
    : { do: 'join', unsuccessful: { rows: total - succeeded, refused } };
}

/** Returns whether both files came with the same metadata and instructions. */
function isAskedAlike({ request: one }: Job, { request: other }: Job): boolean {
  return arePairsEqual(one.metadata, other.metadata) && arePairsEqual(one.instructions, other.instructions);
}

function arePairsEqual(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
