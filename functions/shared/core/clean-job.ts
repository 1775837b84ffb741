/**
 * Removes what a finished job needs no more:
 *   1. all that lies under its `parts/` in the results bucket, whoever wrote it
 *   2. its files at the API, unless they are to be kept
 *   3. if a delivery or a scan was overtaken, what it wrote after that: the bucket is looked at once more, half an hour
 *      later
 * A delivery that ends later still removes its own pieces (`late-delivery.ts`); an intake has the job cleaned again.
 *
 * Known gaps: one that stood still for longer than that, then wrote and died at once, leaves what it wrote.
 */
import { isOurAccount } from './account.ts';
import { changeJob, without } from './change.ts';
import { RetryLater } from './errors.ts';
import type { Job } from './job.ts';
import type { Part } from './part.ts';
import type { Ports } from './ports.ts';
import { piecesFolder } from './result-keys.ts';
import { LATE_WRITES_MS, MAX_TRIES } from './timing.ts';

export type CleanDeps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'api' | 'results'>;

/** Errors: as the ports'. */
export async function cleanJob(deps: CleanDeps, job: Job, keepFiles: boolean): Promise<void> {
  const parts = job.plan ? await deps.ledger.partsOf(job.jobId, job.plan.planId) : [];
  const isFirst = job.sweepAt === undefined;
  if (job.tries < MAX_TRIES) {
    await deps.results.remove(await deps.results.keysUnder(piecesFolder(job)));
    if (isFirst && !keepFiles) await deleteAll(deps, parts);
  } else {
    deps.log.error('clean_given_up', { jobId: job.jobId, tries: job.tries });
  }
  const isOvertaken =
    isScanOvertaken(job) || parts.some(({ deliveryIds = [], ran }) => deliveryIds.length > ran.length + 1);
  await changeJob(deps, job.jobId, (now) => {
    if (now.cleaned) return undefined;
    const rest = without(now, 'waitUntil', 'handedOnUntil', 'sweepAt') as Job;
    if (isFirst && isOvertaken) return { ...rest, tries: 0, sweepAt: deps.clock.now() + LATE_WRITES_MS };
    return { ...rest, cleaned: true };
  });
}

/** Two turns of a scan, or one that never gave its lease back, may have written side by side with the end of the job. */
function isScanOvertaken({ scan, lease }: Job): boolean {
  return scan !== undefined && (scan.turns > 1 || lease !== undefined);
}

/** For one who may have written something after the job was cleaned. Errors: as the ledger's. */
export async function cleanAgain(deps: Pick<Ports, 'ledger' | 'clock'>, jobId: string): Promise<void> {
  const sweepAt = deps.clock.now();
  await changeJob(deps, jobId, (job) =>
    job.cleaned ? { ...(without(job, 'cleaned') as Job), sweepAt, tries: 0 } : undefined,
  );
}

async function deleteAll(deps: CleanDeps, parts: Part[]): Promise<void> {
  let certain = true;
  for (const part of parts) if (!(await deleteFiles(deps, part))) certain = false;
  if (!certain)
    throw new RetryLater('clean: the key belongs to another account than the one that has the files');
}

/** False when a file seemed to be gone, and may only belong to another account than the key. */
async function deleteFiles({ api }: CleanDeps, part: Part): Promise<boolean> {
  let certain = true;
  for (const { intent, batch } of [...part.ran, part]) {
    const fileIds = [intent?.fileId, batch?.inputFileId, batch?.outputFileId, batch?.errorFileId];
    let unsure = false;
    for (const fileId of new Set(fileIds))
      if (fileId !== undefined && (await api.deleteFile(fileId)) === 'gone') unsure = true;
    if (unsure && !(await isOurAccount({ api }, intent?.account))) certain = false;
  }
  return certain;
}
