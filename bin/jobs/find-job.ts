import type { Job } from '../../functions/shared/domain/job.ts';
import { ID_PREFIX_LENGTH, isJobId, isJobIdPrefix } from '../../functions/shared/domain/job-id.ts';
import type { Connection } from '../connection/connection.ts';
import { momentShown } from '../terminal/amounts.ts';
import { Failure } from '../terminal/failure.ts';

type Ledgers = Pick<Connection, 'ledger' | 'queries'>;

const MAX_CANDIDATES = 10;

/** Returns the job with this id or id prefix, or the job of this batch id. Throws a Failure unless there is exactly one. */
export async function findJob(connection: Ledgers, id: string): Promise<Job> {
  const pointer = id.startsWith('batch_') ? await connection.ledger.readBatchPointer(id) : undefined;
  if (id.startsWith('batch_') && !pointer)
    throw new Failure(`There is no batch ${id} in this Batchdrop. To see the jobs: batchdrop list`);
  const jobId = pointer?.jobId ?? (await findJobId(connection, id));
  const job = await connection.ledger.readJob(jobId);
  if (!job) throw new Failure(`There is no job ${jobId}. To see the jobs: batchdrop list`);
  return job;
}

/**
 * Returns the whole id for an id prefix. A whole id is returned unchanged. Throws a Failure that lists the candidates
 * if there are several.
 */
export async function findJobId(connection: Ledgers, id: string): Promise<string> {
  if (isJobId(id)) return id;
  if (!isJobIdPrefix(id)) {
    throw new Failure(
      `'${id}' is not an id. Give a job id or its first characters, at least ${ID_PREFIX_LENGTH}, or a batch id (batch_…).`,
    );
  }
  const found = await connection.queries.jobIdsWith(id, MAX_CANDIDATES + 1);
  const [jobId, another] = found;
  if (jobId === undefined)
    throw new Failure(`There is no job whose id begins with ${id}. To see the jobs: batchdrop list`);
  if (another === undefined) return jobId;
  const shown = await Promise.all(
    found.slice(0, MAX_CANDIDATES).map((candidate) => candidateLine(connection, candidate)),
  );
  const more = found.length > MAX_CANDIDATES ? ['  and others'] : [];
  throw new Failure(`Several job ids begin with ${id}. Give more characters of one of them:`, {
    lines: [...shown, ...more],
  });
}

async function candidateLine({ ledger }: Ledgers, jobId: string): Promise<string> {
  const job = await ledger.readJob(jobId);
  if (!job) return `  ${jobId}`;
  const { status, createdAt, request } = job;
  return `  ${jobId}  ${status.padEnd(10)}  ${momentShown(createdAt)}  ${request.key}`;
}
