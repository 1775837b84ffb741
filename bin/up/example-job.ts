import { fileURLToPath } from 'node:url';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { resultKeys } from '../../functions/shared/contract/result-keys.ts';
import type { Connection } from '../connection/connection.ts';
import { followJob } from '../jobs/follow-job.ts';
import { putFile } from '../jobs/put-file.ts';
import { sourceOf } from '../jobs/request-source.ts';
import { Failure } from '../terminal/failure.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/chat-completions.jsonl', import.meta.url));

/** In real time. The example takes half a minute at the default speed, and possibly this long with `--speed 1`. */
const MAX_WAIT_MS = 15 * 60_000;

/** Uploads the example to the request bucket and returns its job id. */
export async function dropExample(connection: Connection): Promise<string> {
  const { jobId } = await putFile(connection, await sourceOf(EXAMPLE));
  return jobId;
}

/**
 * Waits until the results of the example are stored, and returns a sentence that says where. Throws a Failure with the
 * reason if the job does not end as completed, takes too long, or the runtime is stopped.
 */
export async function awaitExample(
  connection: Connection,
  jobId: string,
  stopped: Promise<void>,
): Promise<string> {
  const giveUp = new AbortController();
  void stopped.then(() => giveUp.abort('the runtime was stopped'));
  const limit = setTimeout(() => giveUp.abort(`${MAX_WAIT_MS / 60_000} minutes passed`), MAX_WAIT_MS);
  try {
    const job = await followJob(connection, jobId, { signal: giveUp.signal });
    const status = job?.status ?? 'unknown';
    if (giveUp.signal.aborted) {
      throw new Failure(`The example job ${jobId} has no results: ${giveUp.signal.reason}, it is ${status}.`);
    }
    if (job === undefined || status !== 'completed') {
      throw new Failure(
        `The example job ${jobId} ended as ${status}: ${job?.reason?.message ?? 'see the events above'}.`,
      );
    }
    const { resultsBucket, resultsPrefix } = connection.names;
    const { output } = resultKeys(job, resultsPrefix);
    await connection.s3.send(new HeadObjectCommand({ Bucket: resultsBucket, Key: output }));
    return `The results of the example are readable: s3://${resultsBucket}/${output}`;
  } finally {
    clearTimeout(limit);
  }
}
