import { paginateScan } from '@aws-sdk/client-dynamodb';
import { itemIn } from '../functions/shared/adapters/ledger-attributes.ts';
import type { Job } from '../functions/shared/core/job.ts';
import type { Connection } from './connection.ts';
import { Failure } from './failure.ts';

const LOOK_EVERY_MS = 250; // quick enough for the eye, light enough for one machine

const ENDS: ReadonlySet<string> = new Set([
  'rejected',
  'joined',
  'completed',
  'failed',
  'expired',
  'cancelled',
]);

/** Every job of the ledger, newest first. */
export async function allJobs({ dynamoDb, names }: Connection): Promise<Job[]> {
  const pages = paginateScan(
    { client: dynamoDb },
    {
      TableName: names.ledgerTable,
      FilterExpression: 'sk = :meta',
      ExpressionAttributeValues: { ':meta': { S: 'META' } },
    },
  );
  const jobs: Job[] = [];
  for await (const page of pages) {
    for (const attributes of page.Items ?? []) {
      const job = itemIn<Job>(attributes, Date.now());
      if (job !== undefined) jobs.push(job);
    }
  }
  return jobs.toSorted((a, b) => b.createdAt - a.createdAt);
}

/** The job of that id, or the one that a batch of that id belongs to. Throws a Failure for an unknown id. */
export async function jobOf({ ledger }: Connection, id: string): Promise<Job> {
  const pointer = id.startsWith('batch_') ? await ledger.readBatchPointer(id) : undefined;
  const job = await ledger.readJob(pointer?.jobId ?? id);
  if (job === undefined)
    throw new Failure(`There is no job or batch ${id}: batchdrop list shows what there is.`);
  return job;
}

/**
 * Follows a job until it ended and that was published, through the job it joined if it joined one. `onStatus` hears of
 * each status it is seen in. `signal` gives up waiting: then the answer is the job as it was last seen, if it was.
 */
export async function followJob(
  { ledger }: Connection,
  jobId: string,
  options: { onStatus?: (job: Job) => void; signal?: AbortSignal } = {},
): Promise<Job | undefined> {
  let followed = jobId;
  let seen: Job | undefined;
  while (!options.signal?.aborted) {
    const job = await ledger.readJob(followed);
    if (job !== undefined && (job.jobId !== seen?.jobId || job.status !== seen.status))
      options.onStatus?.(job);
    seen = job;
    if (job?.status === 'joined' && job.joinedJobId !== undefined) followed = job.joinedJobId;
    else if (job !== undefined && hasEnded(job)) return job;
    else await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return seen;
}

/** True once a job's last event is out. */
export function hasEnded(job: Job): boolean {
  return ENDS.has(job.status) && job.publishedRev >= job.rev;
}
