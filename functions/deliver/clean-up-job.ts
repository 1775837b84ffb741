/**
 * Removes what an ended job no longer needs:
 *   1. all objects in its pieces' folder of the results bucket
 *   2. its files at the API, unless `keepFiles` is set
 *   3. from now on its parts, those of abandoned plans too, and its batch pointers expire together with it
 *   4. if a delivery or a scan was superseded: all objects in the folder again, half an hour later, since the
 *      superseded invocation may have written more
 * It is tried for a week. A delivery that ends later removes its own pieces (`discard-superseded-delivery.ts`); an
 * intake that ends later reopens the clean-up.
 *
 * Known gaps: files of another account remain until they expire, unless its key is back within the week. A delivery
 * that is suspended for more than half an hour, then writes and dies at once, leaves its pieces behind.
 */
import { RetryableError } from '../shared/domain/errors.ts';
import { internalFolder } from '../shared/domain/internal-keys.ts';
import { isOver, type Job } from '../shared/domain/job.ts';
import type { FileAtApi, Intent, ObservedBatch, Part } from '../shared/domain/part.ts';
import { CLEAN_UP_MS, KEEP_MS, LATE_WRITES_MS } from '../shared/domain/timing.ts';
import { without, withoutBackoff } from '../shared/domain/without.ts';
import { type JobInHand, partInHand } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { fileAtApi, isDeleted, KEY_BACK_CHECK_SECONDS } from '../shared/lifecycle/openai-account.ts';
import type { Ports } from '../shared/ports/ports.ts';

export type CleanUpDeps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'metrics' | 'api' | 'results'>;

/** Cleans up the job if it has ended. `keepFiles`: the files at the API are not deleted. Errors: those of the ports. */
export async function cleanUpJob(deps: CleanUpDeps, inHand: JobInHand, keepFiles: boolean): Promise<void> {
  const job = inHand.item;
  if (!isOver(job)) return;
  const all = await deps.ledger.partsOf(job.jobId);
  const parts = all.filter(({ planId }) => planId === job.plan?.planId);
  const isFirst = job.secondCleanUpAt === undefined;
  if (deps.clock.now() - job.changedAt < CLEAN_UP_MS) {
    await deps.results.remove(await deps.results.keysUnder(internalFolder(job.jobId)));
    if (isFirst && !keepFiles) await deleteAll(deps, parts);
  } else {
    deps.log.error('clean_up_abandoned', { jobId: job.jobId, tries: job.tries });
    deps.metrics.record('TriesUsedUp', 1);
  }
  const isSuperseded =
    isScanSuperseded(job) ||
    job.redelivered ||
    parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);
  const isLast = !(isFirst && isSuperseded);
  if (isLast) await inParallel(all, PARTS_AT_ONCE, (part) => expireWith(deps, job, part));
  await inHand.change((now) => {
    if (!isOver(now) || now.cleanedUp) return undefined;
    const rest = without(withoutBackoff(now), 'secondCleanUpAt');
    if (!isLast)
      return { ...rest, tries: 0, secondCleanUpAt: deps.clock.now() + LATE_WRITES_MS };
    return { ...rest, cleanedUp: true };
  });
}

/**
 * Sets the expiry of a part and of the pointers to it to that of their ended job. Before, they have none: rule 7 of "What
 * an answer is worth", docs/architecture.md.
 */
async function expireWith(deps: CleanUpDeps, { changedAt, ...job }: Job, part: Part): Promise<void> {
  const { expiresAt = changedAt + KEEP_MS } = job;
  const inHand = partInHand(deps, part);
  await inHand.change((now) => (now.expiresAt === expiresAt ? undefined : { ...now, expiresAt }));
  const { batch, earlierBatchIds } = inHand.item;
  for (const batchId of [...earlierBatchIds, ...(batch ? [batch.batchId] : [])])
    await deps.ledger.putBatchPointer(batchId, inHand.ref, expiresAt);
}

/** Returns whether a scan may have written after the job's end: it had two invocations, or one that kept its lease. */
function isScanSuperseded({ scan, lease }: Job): boolean {
  return scan !== undefined && (scan.invocations > 1 || lease !== undefined);
}

/**
 * Deletes the parts' files at the API. Errors: RetryableError, when files remain that belong to another account than
 * the key.
 */
async function deleteAll(deps: CleanUpDeps, parts: Part[]): Promise<void> {
  let remaining = 0;
  for (const part of parts) remaining += await deleteFiles(deps, part);
  if (remaining === 0) return;
  throw new RetryableError(
    `clean-up: ${remaining} file(s) belong to another account than the key; restore the old key`,
    {
      afterSeconds: KEY_BACK_CHECK_SECONDS,
    },
  );
}

/**
 * Deletes the part's files. Returns how many remain, and records the deleted ones, as each file may need another key.
 */
async function deleteFiles(deps: CleanUpDeps, part: Part): Promise<number> {
  const known = new Set(part.deletedFiles);
  const files = filesOf(part).filter(({ fileId }) => !known.has(fileId));
  let remaining = 0;
  for (const file of files) {
    if (await isDeleted(deps, file)) known.add(file.fileId);
    else remaining += 1;
  }
  const hasNewlyDeleted = remaining > 0 && remaining < files.length;
  if (hasNewlyDeleted) await partInHand(deps, part).change((now) => ({ ...now, deletedFiles: [...known] }));
  return remaining;
}

/** Returns the part's files that may exist at the API. The files of abandoned intents are deleted already. */
function filesOf(part: Part): FileAtApi[] {
  const { ran, unusedFiles = [] } = part;
  return [...[...ran, part].flatMap(filesOfAttempt), ...unusedFiles];
}

function filesOfAttempt({ intent, batch }: { intent?: Intent; batch?: ObservedBatch }): FileAtApi[] {
  const ids = [intent?.fileId, batch?.inputFileId, batch?.outputFileId, batch?.errorFileId];
  return [...new Set(ids)].flatMap((fileId) =>
    fileId === undefined ? [] : [fileAtApi(fileId, intent?.account)],
  );
}
