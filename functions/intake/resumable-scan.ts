/**
 * Reads and checks a job's request file, over as many invocations as needed.
 *   1. set `scan` on the job, with a new planId, before the first object is written, so that the clean-up knows the
 *      scan
 *   2. write the row table of each closed part to the results bucket, under that planId
 *   3. shortly before the invocation's deadline, write the state of the scan as a checkpoint, and count it on the job.
 *      The job becomes due, and POLL dispatches it, because a function never sends messages to itself
 *   4. if an invocation crashes, the next one resumes from the last checkpoint. The plan depends only on the rows and
 *      on limits in the checkpoint, so the same objects are written again under the same planId. Without a checkpoint,
 *      the scan starts again under another planId
 *
 * If a model has a configured limit on enqueued tokens, or one that a refusal stated, a part takes at most half of it
 * by the estimate. Two batches can then run at a time, or one that has twice the estimated tokens. A part that was
 * planned before its limit was known runs in slices, and each slice copies the results of the earlier ones. A limit
 * that is only assumed divides no part, because it grows.
 *
 * Known gap: a scan cannot pass a row that takes longer to read than an invocation lasts. Reading 32 MiB takes seconds.
 */

import { RetryableError, TerminalError } from '../shared/domain/errors.ts';
import { checkpointKey, rowTableKey } from '../shared/domain/internal-keys.ts';
import type { Job, Scan } from '../shared/domain/job.ts';
import type { BatchLimits } from '../shared/domain/waiting/batch-limits.ts';
import { limitsOf } from '../shared/domain/waiting/learned-limits.ts';
import { bytesWithin } from '../shared/domain/waiting/tokens.ts';
import type { LeasedJob } from '../shared/lifecycle/lease.ts';
import { readObject } from '../shared/part-rows/read-object.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import type { PartBytes } from '../shared/request-file/plan-parts.ts';
import { type CheckedFile, RequestFileScan } from '../shared/request-file/request-file-scan.ts';
import { completeScan, continueScan, type RowTables } from '../shared/request-file/validate-request-file.ts';

type ScanDeps = Pick<Ports, 'clock' | 'ids' | 'ledger' | 'log' | 'requestFiles' | 'results'> & {
  limits: BatchLimits;
};

/**
 * How long before the deadline an invocation stops reading. It needs the time to write the checkpoint, of at most 110
 * MB (22 seconds at 5 MB/s), and to record a failure; or, after the last byte of the file, to compare ids and to create
 * parts, a hundred per second.
 */
const TIME_TO_SAVE_MS = 60_000;
const SHARE_OF_TOKENS = 0.5;
const BINARY = 'application/octet-stream';

/**
 * Returns the result for the file, and the planId of its row tables. Errors: RetryableError if another invocation must
 * resume the scan; those of the ports, LostLease.
 */
export async function scanFile(
  deps: ScanDeps,
  leased: LeasedJob,
  deadline: Deadline,
): Promise<{ planId: string; checked: CheckedFile }> {
  const { planId, scan } = await resumeOrBegin(deps, leased);
  const read = (offset: number) => reading(deps, leased.item, offset, deadline.signal);
  const tables = tablesOf(deps, leased.item, planId);
  const isTimeUp = () => deps.clock.now() > deadline.until - TIME_TO_SAVE_MS;
  if (!(await continueScan(scan, read, tables, isTimeUp))) {
    await save(deps, leased, scan);
    throw new RetryableError('intake: another invocation reads the rest of the file', {
      afterSeconds: 1,
    });
  }
  return { planId, checked: await completeScan(scan, tables) };
}

/** Returns the scan from the last checkpoint, or a new one. `intake-job.ts` has already counted this invocation. */
async function resumeOrBegin(
  deps: ScanDeps,
  leased: LeasedJob,
): Promise<{ planId: string; scan: RequestFileScan }> {
  const known = scanOf(leased.item);
  const saved = await lastCheckpoint(deps, leased.item, known);
  if (saved) return { planId: known.planId, scan: saved };
  const begun = RequestFileScan.begun(await partBytes(deps));
  if (known.checkpoints === 0 && known.invocations === 1) return { planId: known.planId, scan: begun };
  const planId = deps.ids.next();
  await leased.change((job) => ({ ...job, scan: { ...scanOf(job), planId, checkpoints: 0 } }));
  return { planId, scan: begun };
}

function scanOf({ scan, jobId }: Job): Scan {
  if (!scan) throw new Error(`job ${jobId}: it has no scan`);
  return scan;
}

/** Returns the maximum bytes of a part by model, estimated from the tokens measured so far. Errors: RetryableError. */
async function partBytes({ ledger, limits }: ScanDeps): Promise<PartBytes> {
  const admissions = await ledger.readAdmissions();
  const learned = (admissions.learned ?? []).filter(({ limit }) => limit !== undefined);
  const measured = new Map(Object.entries(admissions.measured));
  const models = new Set([...Object.keys(limits.enqueuedTokens), ...learned.flatMap((one) => one.models)]);
  return Object.fromEntries(
    [...models].flatMap((model) => {
      const { tokens } = limitsOf(limits, learned, model);
      return tokens === undefined
        ? []
        : [[model, bytesWithin(tokens * SHARE_OF_TOKENS, measured.get(model))]];
    }),
  );
}

/** Returns the last checkpoint. Undefined if there is none, if it was deleted, or if another version wrote it. */
async function lastCheckpoint(
  { results, log }: ScanDeps,
  job: Job,
  scan: Scan,
): Promise<RequestFileScan | undefined> {
  const { jobId } = job;
  if (scan.checkpoints === 0) return undefined;
  try {
    return await RequestFileScan.restored(results.read(checkpointKey(job, scan)));
  } catch (failure) {
    const isUseless = failure instanceof TerminalError || failure instanceof RangeError;
    if (!isUseless) throw failure;
    log.warn('checkpoint_lost', { jobId, checkpoint: scan.checkpoints, reason: failure.message });
    return undefined;
  }
}

async function save({ results }: ScanDeps, leased: LeasedJob, scan: RequestFileScan): Promise<void> {
  const known = scanOf(leased.item);
  const next = { ...known, checkpoints: known.checkpoints + 1 };
  const writer = results.openWriter(checkpointKey(leased.item, next), BINARY);
  try {
    for (const piece of scan.saved()) await writer.write(piece);
    await writer.close();
  } catch (failure) {
    await writer.abort();
    throw failure;
  }
  await leased.change((job) => ({ ...job, scan: next, tries: 0 }));
}

function tablesOf({ results }: ScanDeps, { jobId }: Job, planId: string): RowTables {
  const keyOf = (number: number) => rowTableKey({ jobId, planId, number });
  return {
    write: (number, table) => results.put(keyOf(number), table, BINARY),
    read: (number) => readObject(results, keyOf(number)),
  };
}

async function* reading(
  { requestFiles }: ScanDeps,
  { request }: Job,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // Without a range if possible, because only then can S3's checksum be verified.
  const range = offset === 0 ? undefined : { start: offset, end: request.size };
  for await (const chunk of requestFiles.read(request, range)) {
    if (signal.aborted)
      throw new RetryableError('intake: the invocation ends; another one reads the rest of the file');
    yield chunk;
  }
}
