/**
 * Removes what a finished job needs no more:
 *   1. all that lies in its folder under `_batchdrop/` in the results bucket, whoever wrote it
 *   2. its files at the API, unless they are to be kept
 *   3. if a delivery or a scan was overtaken, what it wrote after that: the bucket is looked at once more, half an hour
 *      later
 * It is tried for a week. A delivery that ends later still removes its own pieces (`discard-superseded-delivery.ts`); an intake has the
 * job cleaned again.
 *
 * Known gaps: files of an account whose key does not come back within the week stay there until they expire. One that
 * stood still for longer than half an hour, then wrote and died at once, leaves what it wrote.
 */

import { RetryableError } from '../shared/domain/errors.ts';
import { internalFolder } from '../shared/domain/internal-keys.ts';
import type { Job } from '../shared/domain/job.ts';
import type { FileAtApi, Part } from '../shared/domain/part.ts';
import { CLEAN_UP_MS, LATE_WRITES_MS } from '../shared/domain/timing.ts';
import { changeJob, changePart, without } from '../shared/lifecycle/compare-and-set.ts';
import { fileAtApi, isDeleted, KEY_BACK_CHECK_SECONDS } from '../shared/lifecycle/openai-account.ts';
import type { Ports } from '../shared/ports/ports.ts';

export type CleanUpDeps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api' | 'results'>;

/** Errors: as the ports'. */
export async function cleanUpJob(deps: CleanUpDeps, job: Job, keepFiles: boolean): Promise<void> {
  const parts = job.plan ? await deps.ledger.partsOf(job.jobId, job.plan.planId) : [];
  const isFirst = job.secondCleanUpAt === undefined;
  if (deps.clock.now() - job.changedAt < CLEAN_UP_MS) {
    await deps.results.remove(await deps.results.keysUnder(internalFolder(job.jobId)));
    if (isFirst && !keepFiles) await deleteAll(deps, parts);
  } else {
    deps.log.error('clean_up_given_up', { jobId: job.jobId, tries: job.tries });
    deps.metrics.record('TriesUsedUp', 1);
  }
  const isOvertaken =
    isScanOvertaken(job) ||
    job.redelivered ||
    parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);
  await changeJob(deps, job.jobId, (now) => {
    if (now.cleanedUp) return undefined;
    const rest = without(now, 'backoffUntil', 'dispatchedUntil', 'secondCleanUpAt') as Job;
    if (isFirst && isOvertaken)
      return { ...rest, tries: 0, secondCleanUpAt: deps.clock.now() + LATE_WRITES_MS };
    return { ...rest, cleanedUp: true };
  });
}

/** Two turns of a scan, or one that never gave its lease back, may have written side by side with the end of the job. */
function isScanOvertaken({ scan, lease }: Job): boolean {
  return scan !== undefined && (scan.turns > 1 || lease !== undefined);
}

/** Errors: RetryableError, while files of an account are left whose key is not in use. */
async function deleteAll(deps: CleanUpDeps, parts: Part[]): Promise<void> {
  let left = 0;
  for (const part of parts) left += await deleteFiles(deps, part);
  if (left === 0) return;
  throw new RetryableError(`clean: ${left} file(s) are of another account than the key`, {
    afterSeconds: KEY_BACK_CHECK_SECONDS,
  });
}

/** Answers how many are left; notes which are not, as each may need another key. */
async function deleteFiles(deps: CleanUpDeps, part: Part): Promise<number> {
  const known = new Set(part.deletedFiles);
  const files = filesOf(part).filter(({ fileId }) => !known.has(fileId));
  let left = 0;
  for (const file of files) {
    if (await isDeleted(deps, file)) known.add(file.fileId);
    else left += 1;
  }
  const isNews = left > 0 && left < files.length;
  if (isNews) await changePart(deps, part, (now) => ({ ...now, deletedFiles: [...known] }));
  return left;
}

/** All that may lie at the API; what an abandoned intent had was deleted with it. */
function filesOf(part: Part): FileAtApi[] {
  const { ran, unusedFiles = [] } = part;
  return [...[...ran, part].flatMap(filesOfAttempt), ...unusedFiles];
}

function filesOfAttempt({ intent, batch }: Pick<Part, 'intent' | 'batch'>): FileAtApi[] {
  const ids = [intent?.fileId, batch?.inputFileId, batch?.outputFileId, batch?.errorFileId];
  return [...new Set(ids)].flatMap((fileId) =>
    fileId === undefined ? [] : [fileAtApi(fileId, intent?.account)],
  );
}
