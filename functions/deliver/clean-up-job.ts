/**
 * Deletes what an ended job no longer needs:
 *   1. the version of its request file gets the tag of an ended job, so that lifecycle rules may delete it
 *   2. all objects in its pieces' folder of the results bucket
 *   3. its files at the API, unless `keepFiles` is set. A result file is deleted only if it was read and agreed with
 *      what was sent; doubtful ones remain, and the summary names them (rule 4 of "What an answer is worth",
 *      docs/architecture.md)
 *   4. if a delivery or scan was superseded: half an hour later, all objects in the folder again, because the
 *      superseded invocation may have written more. The same if there are second batches, and the summary again
 *   5. last, its parts (also those of abandoned plans) and its batch pointers get the expiry time of the job
 * Steps 1 to 3 run at once. If one fails, the others are still carried out, and it is retried.
 *
 * Before these steps, it searches for second batches (`second-batch-search.ts`), every half hour for at most a day. The
 * summary then lists the batches found, or says that the list could not be used.
 *
 * The clean-up is retried for a week. A delivery that ends later removes its own pieces
 * (`discard-superseded-delivery.ts`). If it crashes before, SQS redelivers its message, and the clean-up is reopened.
 * The same applies to an intake that ends later.
 *
 * Known gaps: files of another account remain until they expire, unless its key is back within the week. A delivery
 * that writes after the clean-up and crashes at each redelivery of its message leaves its pieces behind.
 */

import { RetryableError } from '../shared/domain/errors.ts';
import { internalFolder } from '../shared/domain/internal-keys.ts';
import { type EndedJob, isOver, type Job } from '../shared/domain/job.ts';
import type { Part } from '../shared/domain/part.ts';
import type { FileAtApi } from '../shared/domain/spending/intents.ts';
import type { PastAttempts, WholePart } from '../shared/domain/spending/past-attempts.ts';
import {
  CLEAN_UP_MS,
  KEEP_MS,
  LATE_WRITES_MS,
  SECOND_BATCH_SEARCH_AGAIN_MS,
  SECOND_BATCH_SEARCH_MS,
} from '../shared/domain/timing.ts';
import { without, withoutBackoff } from '../shared/domain/without.ts';
import { type JobInHand, partInHand } from '../shared/lifecycle/compare-and-set.ts';
import { inParallel, PARTS_AT_ONCE } from '../shared/lifecycle/in-parallel.ts';
import { isDeleted, KEY_BACK_CHECK_SECONDS } from '../shared/lifecycle/openai-account.ts';
import { filesOf, filesOfEarlier } from '../shared/lifecycle/spending/files-at-api.ts';
import { allWithPast, pagesOf } from '../shared/lifecycle/spending/past-attempts.ts';
import type { Ports } from '../shared/ports/ports.ts';
import { UNVERSIONED } from '../shared/request-file/validate-object.ts';
import { summariseAgain } from './job/summarise-again.ts';
import { isDeliverySuperseded } from './part/next-attempt.ts';
import type { RecentPages } from './recent-pages.ts';
import { searchForSecondBatches, secondBatchSearchFrom } from './second-batch-search.ts';

const FILES_AT_ONCE = 4; // of one part

export type CleanUpDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'log' | 'metrics' | 'api' | 'requestFiles' | 'results'
> & { pages: RecentPages };

/** Cleans up the job if it has ended. `keepFiles`: keep the files at the API. Errors: those of the ports. */
export async function cleanUpJob(deps: CleanUpDeps, inHand: JobInHand, keepFiles: boolean): Promise<void> {
  const job = inHand.item;
  if (!isOver(job)) return;
  const all = await allWithPast(deps, await deps.ledger.partsOf(job.jobId));
  const parts = all.filter(({ planId }) => planId === job.plan?.planId);
  const isFirst = job.secondCleanUpAt === undefined;
  const hasSecondBatches = await searchOnce(deps, inHand, parts);
  if (!isGivenUp(deps, job)) {
    await allOf([
      removePieces(deps, job),
      ...(isFirst ? [tagRequestFile(deps, job)] : []),
      ...(isFirst && !keepFiles ? [deleteAll(deps, parts)] : []),
    ]);
  } else {
    deps.log.error('clean_up_abandoned', { jobId: job.jobId, tries: job.tries });
    deps.metrics.record('TriesUsedUp', 1);
  }
  const isSuperseded = isScanSuperseded(job) || job.redelivered || parts.some(isDeliverySuperseded);
  const needsSecond = isFirst && (isSuperseded || hasSecondBatches);
  const isSearched = isOver(inHand.item) && inHand.item.secondBatchSearch !== undefined;
  const isLast = isSearched && !needsSecond;
  if (isLast) await inParallel(all, PARTS_AT_ONCE, (part) => expireWith(deps, job, part));
  await inHand.change((now) => {
    if (!isOver(now) || now.cleanedUp) return undefined;
    const rest = without(withoutBackoff(now), 'secondCleanUpAt');
    if (needsSecond) return { ...rest, tries: 0, secondCleanUpAt: deps.clock.now() + LATE_WRITES_MS };
    if (isLast) return { ...rest, cleanedUp: true };
    // Another clean-up may have completed the search meanwhile and then failed. This one has set no expiry, so it comes
    // again.
    const secondCleanUpAt = now.secondBatchSearch ? deps.clock.now() : nextSearchAt(deps, parts);
    return { ...rest, tries: 0, secondCleanUpAt };
  });
}

/** Returns whether the clean-up was tried for so long that what fails will not succeed any more. */
function isGivenUp({ clock }: CleanUpDeps, job: EndedJob): boolean {
  return clock.now() - job.changedAt >= CLEAN_UP_MS;
}

/**
 * Waits until each step has ended, because a failed one must not prevent the others. Errors: that of the first failed
 * step.
 */
async function allOf(steps: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(steps);
  await Promise.all(steps);
}

async function removePieces({ results }: CleanUpDeps, { jobId }: Job): Promise<void> {
  await results.remove(await results.keysUnder(internalFolder(jobId)));
}

/** Adds the tag of an ended job to the request file. Errors: those of the storage. */
async function tagRequestFile({ requestFiles, log }: CleanUpDeps, { jobId, request }: Job): Promise<void> {
  if (request.versionId === UNVERSIONED) return; // the bucket is not ours, so it has no lifecycle rule of ours
  if ((await requestFiles.tagEnded(request)) === 'full') log.warn('request_file_not_tagged', { jobId });
}

/**
 * Sets the expiry of a part and of its pointers to that of their ended job. Until then, they have none: rule 7 of "What
 * an answer is worth", docs/architecture.md.
 */
async function expireWith(deps: CleanUpDeps, { changedAt, ...job }: Job, part: WholePart): Promise<void> {
  const { expiresAt = changedAt + KEEP_MS } = job;
  const inHand = partInHand(deps, part.stored);
  await inHand.change((now) => (now.expiresAt === expiresAt ? undefined : { ...now, expiresAt }));
  for (const page of await pagesOf(deps, inHand.item)) {
    if (page.expiresAt === expiresAt || (await deps.ledger.replacePast({ ...page, expiresAt }))) continue;
    throw new RetryableError(
      `clean-up: another clean-up has changed page ${page.page} of part ${part.number}`,
    );
  }
  const { batch, earlierBatchIds } = part;
  for (const batchId of [...earlierBatchIds, ...(batch ? [batch.batchId] : [])])
    await deps.ledger.putBatchPointer(batchId, inHand.ref, expiresAt);
}

/**
 * Searches for second batches, unless the search is done or not yet due. Notes on the job when it is done. Returns
 * whether there are any.
 */
async function searchOnce(deps: CleanUpDeps, inHand: JobInHand, parts: WholePart[]): Promise<boolean> {
  const job = inHand.item;
  const areKnown = parts.some(({ secondBatchIds }) => secondBatchIds.length > 0);
  if (!isOver(job)) return areKnown;
  if (job.secondBatchSearch) {
    // An invocation that was frozen while it ended the job may have written an older summary since.
    if (areKnown) await summariseIfResults(deps, job);
    return areKnown;
  }
  const now = deps.clock.now();
  if (now < secondBatchSearchFrom(parts)) return areKnown;
  const { found, isComplete } = await searchForSecondBatches(deps, parts);
  const areAny = areKnown || found > 0;
  const isLast = now - job.changedAt >= SECOND_BATCH_SEARCH_MS;
  if (!isComplete && !isLast) {
    if (found > 0) await summariseIfResults(deps, job);
    return areAny;
  }
  const secondBatchSearch = isComplete ? 'complete' : 'incomplete';
  if (areAny || !isComplete) await summariseIfResults(deps, { ...job, secondBatchSearch });
  inHand.note(
    (known) => (isOver(known) && !known.secondBatchSearch ? { ...known, secondBatchSearch } : undefined),
    () => undefined,
  );
  return areAny;
}

function nextSearchAt({ clock }: CleanUpDeps, parts: WholePart[]): number {
  return Math.max(clock.now() + SECOND_BATCH_SEARCH_AGAIN_MS, secondBatchSearchFrom(parts));
}

/** Rewrites the summary of a job with results, unless that was tried for too long. Errors: as `summariseAgain`. */
async function summariseIfResults(deps: CleanUpDeps, job: EndedJob): Promise<void> {
  if ('rows' in job && job.plan && !isGivenUp(deps, job)) await summariseAgain(deps, job);
}

/** Returns whether a scan may have written after the job's end: it had two invocations, or one that kept its lease. */
function isScanSuperseded({ scan, lease }: Job): boolean {
  return scan !== undefined && (scan.invocations > 1 || lease !== undefined);
}

/**
 * Deletes the parts' files at the API. Errors: RetryableError if files remain because the key belongs to another
 * account.
 */
async function deleteAll(deps: CleanUpDeps, parts: WholePart[]): Promise<void> {
  let remaining = 0;
  for (const { stored } of parts) {
    for (const page of await pagesOf(deps, stored)) remaining += await deleteFilesOnPage(deps, page);
    remaining += await deleteFiles(deps, stored);
  }
  if (remaining === 0) return;
  throw new RetryableError(
    `clean-up: ${remaining} file(s) belong to another account than the key; restore the old key`,
    {
      afterSeconds: KEY_BACK_CHECK_SECONDS,
    },
  );
}

/**
 * Deletes the part's files. Returns how many remain. Records each deleted file, because the others may need another
 * key.
 */
async function deleteFiles(deps: CleanUpDeps, part: Part): Promise<number> {
  const { deletedFiles, newly, remaining } = await deleted(deps, part, filesOf(part));
  const hasNewlyDeleted = remaining > 0 && newly > 0;
  if (hasNewlyDeleted) await partInHand(deps, part).change((now) => ({ ...now, deletedFiles }));
  return remaining;
}

/**
 * The same for a page of earlier attempts. Deleted files are always recorded, because a part that runs in slices may
 * have more files than one invocation can delete.
 */
async function deleteFilesOnPage(deps: CleanUpDeps, page: PastAttempts): Promise<number> {
  const { deletedFiles, newly, remaining } = await deleted(deps, page, filesOfEarlier(page));
  if (newly > 0) await deps.ledger.replacePast({ ...page, deletedFiles });
  return remaining;
}

/** Deletes the files that are not known to be deleted. */
async function deleted(deps: CleanUpDeps, known: Pick<Part, 'deletedFiles'>, all: FileAtApi[]) {
  const deletedFiles = new Set(known.deletedFiles);
  const files = all.filter(({ fileId }) => !deletedFiles.has(fileId));
  let remaining = 0;
  await inParallel(files, FILES_AT_ONCE, async (file) => {
    if (await isDeleted(deps, file)) deletedFiles.add(file.fileId);
    else remaining += 1;
  });
  return { deletedFiles: [...deletedFiles], newly: files.length - remaining, remaining };
}
