/** The key of a retry follows from its job, so that a repeat finds the first one. */
import { isOver, type Job, retriedJob } from '../../../functions/shared/domain/job.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';

const MAX_VERSIONS = 1_000; // of one key, each with its read
const RETRY_NAME = /\.retry-(\d+)(\.[^./]*)$/;
const SUFFIX = /(\.[^./]*)$/;

/** Returns the key of a retry of the job: `a.jsonl` → `a.retry-1.jsonl` → `a.retry-2.jsonl`. */
export function retryKey(job: Job): string {
  const { key } = job.request;
  const [, number] = (retriedJob(job) !== undefined && RETRY_NAME.exec(key)) || [];
  if (number !== undefined) return key.replace(RETRY_NAME, `.retry-${Number(number) + 1}$2`);
  return key.replace(SUFFIX, '.retry-1$1');
}

/**
 * Returns the jobs that run rows of this job again, or ran them, oldest first. A retry that was rejected or sent nothing is not
 * one of them. A retry that joined another job is replaced by that job. Errors: those of the ledger.
 */
export async function retriesOf(
  ledger: Pick<Ledger, 'readJob' | 'readKeyPointer'>,
  job: Job,
): Promise<Job[]> {
  const pointer = await ledger.readKeyPointer(job.request.bucket, retryKey(job));
  const found = new Map<string, Job>();
  let jobId = pointer?.newest?.jobId;
  for (let versions = 0; jobId !== undefined && versions < MAX_VERSIONS; versions += 1) {
    const version = await ledger.readJob(jobId);
    if (!version) break;
    if (retriedJob(version) === job.jobId) {
      const ran = version.status === 'joined' ? await ledger.readJob(version.joinedJobId) : version;
      if (ran && takesRows(ran)) found.set(ran.jobId, ran);
    }
    jobId = version.previousJobId;
  }
  return [...found.values()].reverse();
}

/** Returns the retries of the job, their retries, and so on, each after the one whose rows it runs. */
export async function allRetriesOf(
  ledger: Pick<Ledger, 'readJob' | 'readKeyPointer'>,
  job: Job,
): Promise<Job[]> {
  const all: Job[] = [];
  for (const retry of await retriesOf(ledger, job)) all.push(retry, ...(await allRetriesOf(ledger, retry)));
  return all;
}

function takesRows(job: Job): boolean {
  return !isOver(job) || job.rows !== undefined;
}
