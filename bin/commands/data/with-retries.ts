import type { Job } from '../../../functions/shared/domain/job.ts';
import { bucketsOf } from '../../connection/buckets.ts';
import type { Connection } from '../../connection/connection.ts';
import { mergeRetries } from '../../jobs/retry/merge-retries.ts';
import { counted, grouped } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { shortId } from '../../terminal/short-id.ts';

/** `batchdrop results --with-retries`: the results of a job and of its retries as one. */
export async function printMerged(
  connection: Connection,
  job: Job,
  directory: string,
  options: Pick<FormatOptions, 'json'>,
): Promise<void> {
  if (!job.rows) throw new Failure(`Job ${job.jobId} ended as ${job.status} without results.`);
  const deps = { ...bucketsOf(connection), ledger: connection.ledger };
  const merged = await mergeRetries(deps, job, directory);
  const { files, succeeded, others, retries, open } = merged;
  printFacts(options, { jobId: job.jobId, ...merged }, () =>
    [
      ...files,
      `${grouped(succeeded)} of ${counted(succeeded + others, 'row', 'rows')} succeeded, with ${counted(retries.length, 'retry', 'retries')}`,
    ].map(escapeControlCharacters),
  );
  if (open.length > 0)
    console.error(
      `Not merged, because it has not ended: ${open.map(shortId).join(', ')}. To wait for it: batchdrop wait ${open.map(shortId).join(' ')}`,
    );
}
