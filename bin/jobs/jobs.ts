import { paginateScan } from '@aws-sdk/client-dynamodb';
import { itemIn } from '../../functions/shared/adapters/dynamodb/ledger-attributes.ts';
import { AdmissionQueue } from '../../functions/shared/domain/admission-queue.ts';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import { dueProjectionOf } from '../../functions/shared/domain/next-step.ts';
import type { Part } from '../../functions/shared/domain/part.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

/** Every job of the ledger, newest first. */
export async function allJobs(connection: Connection): Promise<Job[]> {
  return (await jobsAndQueue(connection)).jobs;
}

/** The same, and the parts that wait for capacity. */
export async function jobsAndQueue({
  dynamoDb,
  names,
}: Connection): Promise<{ jobs: Job[]; line: AdmissionQueue }> {
  const pages = paginateScan(
    { client: dynamoDb },
    {
      TableName: names.ledgerTable,
      FilterExpression: 'sk = :meta OR attribute_exists(waits)',
      ExpressionAttributeValues: { ':meta': { S: 'META' } },
    },
  );
  const jobs: Job[] = [];
  const line = new AdmissionQueue();
  for await (const page of pages) {
    for (const attributes of page.Items ?? []) {
      const item = itemIn<Job | Part>(attributes, Date.now());
      const waits = item?.kind === 'part' ? dueProjectionOf(item).waits : undefined;
      if (waits) line.add(waits);
      if (item?.kind === 'job') jobs.push(item);
    }
  }
  return { jobs: jobs.toSorted((a, b) => b.createdAt - a.createdAt), line };
}

/** The job of that id, or the one that a batch of that id belongs to. Throws a Failure for an unknown id. */
export async function jobOf({ ledger }: Connection, id: string): Promise<Job> {
  const pointer = id.startsWith('batch_') ? await ledger.readBatchPointer(id) : undefined;
  const job = await ledger.readJob(pointer?.jobId ?? id);
  if (job === undefined)
    throw new Failure(`There is no job or batch ${id}: batchdrop list shows what there is.`);
  return job;
}

/** What whoever follows a job hears. */
interface JobListener {
  /** Each status the job is seen in, also of the job it joined. */
  onStatus?: (job: Job) => void;
  /** Every look; `done` rows of `total`, by the last report of the API. Costs a query a look. */
  onProgress?: (job: Job, rows: { done: number; total: number }) => void;
}

/**
 * Follows a job until it ended and that was published, through the job it joined if it joined one. `signal` gives up
 * waiting: then the answer is the job as it was last seen, if it was.
 */
export async function followJob(
  connection: Connection,
  jobId: string,
  { onStatus, onProgress, signal }: JobListener & { signal?: AbortSignal } = {},
): Promise<Job | undefined> {
  let followed = jobId;
  let seen: Job | undefined;
  while (!signal?.aborted) {
    const job = await connection.ledger.readJob(followed);
    if (job !== undefined && (job.jobId !== seen?.jobId || job.status !== seen.status)) onStatus?.(job);
    seen = job;
    if (job?.status === 'joined' && job.joinedJobId !== undefined) {
      followed = job.joinedJobId;
      continue;
    }
    if (job !== undefined && hasEnded(job)) return job;
    if (job !== undefined && onProgress !== undefined) onProgress(job, await rowsOf(connection, job));
    await new Promise((resolve) => setTimeout(resolve, connection.lookEveryMs));
  }
  return seen;
}

async function rowsOf(
  { ledger }: Connection,
  { jobId, plan }: Job,
): Promise<{ done: number; total: number }> {
  if (plan === undefined) return { done: 0, total: 0 };
  const parts = await ledger.partsOf(jobId, plan.planId);
  const done = parts.reduce((sum, { batch }) => {
    const { completed = 0, failed = 0 } = batch?.counts ?? {};
    return sum + completed + failed;
  }, 0);
  return { done, total: plan.rows };
}

/** True once a job's last event is out. */
export function hasEnded(job: Job): boolean {
  return isOver(job) && job.publishedRev >= job.rev;
}
