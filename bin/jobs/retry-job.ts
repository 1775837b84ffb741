/**
 * Runs the rows of an ended job again that did not succeed: what `batchdrop retry` and the console do.
 *
 *   1. The request file, `errors.jsonl`, and the request files of earlier retries are read side by side: all have the order of the
 *      request file, so memory is bounded.
 *   2. The chosen rows become a file under a key that follows from the job. It names the job (`batchdrop-retry-of`) and keeps the
 *      job's metadata and instructions.
 *   3. Rows that an earlier retry has taken are left out. A repeat therefore sends nothing, and two at the same time upload the
 *      same bytes, so that INTAKE joins them.
 */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createPriceList } from '../../functions/shared/adapters/lambda/compose-price-list.ts';
import type { JobEstimate } from '../../functions/shared/contract/events.ts';
import { INSTRUCTION_PREFIX, RETRY_OF_INSTRUCTION } from '../../functions/shared/contract/request-file.ts';
import { resultKeys } from '../../functions/shared/contract/result-keys.ts';
import { TerminalError } from '../../functions/shared/domain/errors.ts';
import { isOver, type Job } from '../../functions/shared/domain/job.ts';
import { LineGatherer } from '../../functions/shared/part-rows/lines.ts';
import type { Ledger } from '../../functions/shared/ports/ports.ts';
import { refusalOf } from '../../functions/shared/result-lines/row-error.ts';
import type { ReadBuckets } from '../connection/buckets.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';
import { shortId } from '../terminal/short-id.ts';
import { temporaryFolder } from '../terminal/temporary-folder.ts';
import { forecast } from './dry-run.ts';
import { type FileMetadata, putFile, type Submission } from './put-file.ts';
import { type RequestSource, sourceOf } from './request-source.ts';
import { IdCursor } from './retry/id-cursor.ts';
import { retriesOf, retryKey } from './retry/retries-of.ts';

/**
 * Which rows that did not succeed run again. `default`: those that failed, expired or were cancelled, except for those that the API
 * refused (HTTP status 4xx). `missing`: also those without a result, which the API may have run and billed. `all`: every row.
 */
export type RetriedRows = 'default' | 'missing' | 'all';

/** How many rows run again, and how many do not, and why. */
interface RetryCounts {
  readonly rows: number;
  /** Of `rows`: those that the API may have run and billed before. */
  readonly maybeBilled: number;
  /** Not in `rows`: refused by the API, and missing. */
  readonly left: { readonly refused: number; readonly missing: number };
  /** Not in `rows`: those that an earlier retry has taken. */
  readonly taken: number;
}

/** What a retry would send. Call `discard` at the end. */
export interface RetryPlan extends RetryCounts {
  readonly job: Job;
  readonly key: string;
  /** The metadata and instructions of the file. */
  readonly metadata: FileMetadata;
  /** Earlier retries of the job, oldest first. */
  readonly earlier: readonly Job[];
  /** Absent if no row runs again. */
  readonly file?: { readonly source: RequestSource; readonly parts: number; readonly estimate: JobEstimate };
  discard(): void;
}

const WRITTEN_BYTES = 64 * 1024;

type Deps = ReadBuckets & { readonly ledger: Ledger };

/** Returns what a retry of an ended job would send. Nothing is uploaded. Throws a Failure if the job cannot be retried. */
export async function planRetry(deps: Deps, job: Job, rows: RetriedRows): Promise<RetryPlan> {
  refuseUnretryable(job);
  const { path: directory, discard } = temporaryFolder('batchdrop-retry');
  try {
    const earlier = await retriesOf(deps.ledger, job);
    const path = join(directory, 'requests.jsonl');
    const counts = await writeRows(deps, job, { rows, earlier, path });
    const key = retryKey(job);
    const plan = { ...counts, job, key, metadata: metadataOf(job), earlier, discard };
    return counts.rows === 0 ? plan : { ...plan, file: await plannedFile(deps, job, { path, key }) };
  } catch (failure) {
    discard();
    throw failure;
  }
}

/** Uploads the file of the plan. Returns its job. Throws a Failure. */
export async function sendRetry(
  connection: Connection,
  { job, file, metadata }: RetryPlan,
  onBytes?: (bytes: number) => void,
): Promise<Submission> {
  if (!file) throw new Failure(`No row of job ${job.jobId} runs again.`);
  return putFile(connection, file.source, { ...metadata, ...(onBytes && { onBytes }) });
}

function refuseUnretryable(job: Job): void {
  const { jobId, status } = job;
  const id = shortId(jobId);
  if (job.status === 'joined')
    throw new Failure(
      `Job ${jobId} has no rows of its own: the same bytes ran as another job. To retry that job: batchdrop retry ${shortId(job.joinedJobId)}`,
    );
  if (!isOver(job))
    throw new Failure(
      `Job ${jobId} has not ended, its status is ${status}. Batchdrop itself runs rows again that failed for a moment. To wait for it: batchdrop wait ${id}`,
    );
  if (!job.rows)
    throw new Failure(
      `Job ${jobId} ended as ${status}, and nothing was sent for it. To run its file, submit it again.`,
    );
}

/** Writes the chosen rows to a file. */
async function writeRows(
  deps: Deps,
  job: Job,
  { rows, earlier, path }: { rows: RetriedRows; earlier: readonly Job[]; path: string },
): Promise<RetryCounts> {
  const counts = { rows: 0, maybeBilled: 0, left: { refused: 0, missing: 0 }, taken: 0 };
  if (job.rows?.succeeded === job.rows?.total) return counts;
  const cursors: IdCursor[] = [];
  const open = async (chunks: AsyncIterable<Uint8Array>, what: string) => {
    const cursor = await IdCursor.open(chunks).catch((cause: unknown) => {
      if (!(cause instanceof TerminalError)) throw cause;
      throw new Failure(`Job ${job.jobId} cannot be retried: ${what} is not there any more.`, { cause });
    });
    cursors.push(cursor);
    return cursor;
  };
  try {
    const requests = await open(deps.requestFiles.read(job.request), 'its request file');
    const errors = await open(deps.results.read(resultKeys(job).errors), 'its errors.jsonl');
    const taken: IdCursor[] = [];
    for (const retry of earlier)
      taken.push(
        await open(deps.requestFiles.read(retry.request), `the request file of its retry ${retry.jobId}`),
      );
    await pipeline(
      Readable.from(chosenRows({ requests, errors, taken }, rows, counts)),
      createWriteStream(path, { mode: 0o600 }),
    );
    if (errors.line !== undefined)
      throw new Failure(
        `Job ${job.jobId} cannot be retried: errors.jsonl does not have the order of the request file. It has a row ${errors.line.customId} that follows none of the others.`,
      );
    return counts;
  } finally {
    for (const cursor of cursors) await cursor.close();
  }
}

async function* chosenRows(
  { requests, errors, taken }: { requests: IdCursor; errors: IdCursor; taken: readonly IdCursor[] },
  rows: RetriedRows,
  counts: { -readonly [Name in keyof RetryCounts]: RetryCounts[Name] } & {
    left: { refused: number; missing: number };
  },
): AsyncGenerator<Uint8Array> {
  const chosen = new LineGatherer();
  for (; requests.line && errors.line; await requests.next()) {
    const { customId, line } = requests.line;
    const isTaken = taken.some((retry) => retry.isAt(customId));
    for (const retry of taken) if (retry.isAt(customId)) await retry.next();
    if (!errors.isAt(customId)) continue;
    const why = refusalOf(errors.line.line);
    await errors.next();
    if (isTaken) counts.taken += 1;
    else if (why !== undefined && !(rows === 'all' || rows === why)) counts.left[why] += 1;
    else {
      counts.rows += 1;
      if (why === 'missing') counts.maybeBilled += 1;
      chosen.add(line);
      if (chosen.bytes >= WRITTEN_BYTES) yield chosen.take();
    }
  }
  if (chosen.bytes > 0) yield chosen.take();
}

async function plannedFile(
  { ledger }: Deps,
  job: Job,
  { path, key }: { path: string; key: string },
): Promise<NonNullable<RetryPlan['file']>> {
  const source = await sourceOf(key, { path, key });
  const { measured = [] } = await ledger.readControl();
  const known = await forecast(
    source,
    job.request.metadata,
    createPriceList(undefined).at(Date.now()),
    measured,
  );
  if (known.verdict === 'bad')
    throw new Failure(
      `Job ${job.jobId} cannot be retried: ${known.findings[0]?.message ?? 'its rows are not valid any more'}`,
    );
  return { source, parts: known.parts.length, estimate: known.estimate };
}

const NOT_KEPT: ReadonlySet<string> = new Set(['rerun', 'retry-of', 'callback']);

/** The job's own metadata and instructions. `rerun` was meant for the whole file, and a callback waits for one job. */
function metadataOf({ jobId, request }: Job): FileMetadata {
  const kept = Object.entries(request.instructions).filter(([name]) => !NOT_KEPT.has(name));
  return {
    tags: request.metadata,
    instructions: {
      ...Object.fromEntries(kept.map(([name, value]) => [INSTRUCTION_PREFIX + name, value])),
      [RETRY_OF_INSTRUCTION]: jobId,
    },
  };
}
