import type { JobSummary } from '../../functions/shared/domain/job-summary.ts';
import type { LedgerQueries } from '../../functions/shared/ports/ports.ts';

const PAGE_SIZE = 100;

/** Yields all jobs, newest first. It reads the next page of the ledger only when needed. */
export async function* everyJob(queries: LedgerQueries): AsyncGenerator<JobSummary> {
  let cursor: string | undefined;
  do {
    const page = await queries.listJobs({ limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) });
    yield* page.jobs;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
