import { isOver, type Job, type UnsuccessfulRows } from '../shared/domain/job.ts';
import { JOIN_MS } from '../shared/domain/timing.ts';
import { without } from '../shared/domain/without.ts';
import { isOlder } from '../shared/lifecycle/key-versions.ts';
import { instructionsIn } from '../shared/request-file/instructions.ts';

/**
 * What a job does if an earlier job of its key has the same bytes: join that job, run, or replace it if nothing was
 * sent for it yet.
 */
export type OnSameBytes =
  | { do: 'run' }
  | { do: 'join'; unsuccessful?: UnsuccessfulRows }
  | { do: 'replace-or-join' };

/** Decides what a job does if `earlier` has the same bytes. The first rule that applies:
 *   - a job that is cancelled, or being cancelled, is not joined
 *   - an open job with the same metadata and instructions is joined
 *   - if a new run was requested, the job replaces an open one that has sent nothing, or else runs
 *   - an open job with other metadata or instructions is replaced by a newer version if it has sent nothing, or else joined
 *   - a job that ended more than 24 hours ago is not joined
 *   - a job whose rows all succeeded, or were refused by the API itself, is joined
 *   - a job with some successful rows is joined too; the event says how many rows did not succeed
 *   - any other job (it failed, was rejected, or no row succeeded) is not joined
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

/** Returns whether both files have the same metadata and instructions. Who waits for the job does not change it. */
function isAskedAlike({ request: one }: Job, { request: other }: Job): boolean {
  const asks = ({ instructions }: Job['request']) => without(instructions, 'callback');
  return arePairsEqual(one.metadata, other.metadata) && arePairsEqual(asks(one), asks(other));
}

function arePairsEqual(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
