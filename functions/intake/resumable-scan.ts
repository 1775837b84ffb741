/**
 * Reads and checks a job's request file, over as many invocations as it takes.
 *   1. `scan` is set on the job, with a fresh planId, before the first object is written: whoever cleans up knows
 *   2. row tables are written to the results bucket as parts are closed, under that planId
 *   3. when the turn nears its end, all that the scan knows is written as a checkpoint, and counted on the job; the
 *      job is due again, and the reconciler has it resumed: a function never sends messages to itself
 *   4. dying in between goes on from the last checkpoint. The rows decide what is planned, and bounds that the checkpoint
 *      holds, so that whatever is written again under the same planId is the same; without a checkpoint all is begun anew,
 *      under another planId
 *
 * A part of a model whose enqueued tokens are limited takes at most half of the limit, by the estimate: a file of any size
 * goes through, two batches at a time, though it has twice the tokens that were estimated.
 *
 * Known gaps: a row that takes longer to read than an invocation is never got past; 32 MiB take seconds.
 */

import type { BatchLimits } from '../shared/domain/batch-limits.ts';
import { RetryableError, TerminalError } from '../shared/domain/errors.ts';
import { checkpointKey, rowTableKey } from '../shared/domain/internal-keys.ts';
import type { Job } from '../shared/domain/job.ts';
import { bytesWithin } from '../shared/domain/tokens.ts';
import type { LeasedJob } from '../shared/lifecycle/lease.ts';
import { readObject } from '../shared/part-rows/read-object.ts';
import type { Deadline, Ports } from '../shared/ports/ports.ts';
import type { PartBytes } from '../shared/request-file/plan-parts.ts';
import { type CheckedFile, RequestFileScan } from '../shared/request-file/request-file-scan.ts';
import { conclude, type RowTables, scanOn } from '../shared/request-file/validate-request-file.ts';

type ScanDeps = Pick<Ports, 'clock' | 'ids' | 'ledger' | 'log' | 'requestFiles' | 'results'> & {
  limits: BatchLimits;
};

/**
 * So long before its end an invocation reads no further. A checkpoint is 110 MB at the most, 22 seconds at 5 MB/s, and the
 * last of an invocation's time is for noting failures; after the last byte of the file ids are compared and parts
 * created, a hundred a second.
 */
const TIME_TO_SAVE_MS = 60_000;
const SHARE_OF_TOKENS = 0.5;
const BINARY = 'application/octet-stream';

/**
 * The verdict on the file, and the planId under which its row tables lie. Errors: RetryableError when the file is to be
 * resumed in another invocation; as the ports', LostLease.
 */
export async function scanFile(
  deps: ScanDeps,
  leased: LeasedJob,
  deadline: Deadline,
): Promise<{ planId: string; checked: CheckedFile }> {
  const { planId, scan } = await takeUp(deps, leased);
  const read = (offset: number) => reading(deps, leased.job, offset, deadline.signal);
  const tables = tablesOf(deps, leased.job, planId);
  const isTimeUp = () => deps.clock.now() > deadline.until - TIME_TO_SAVE_MS;
  if (!(await scanOn(scan, read, tables, isTimeUp))) {
    await save(deps, leased, scan);
    throw new RetryableError('intake: the rest of the file is read in another invocation', {
      afterSeconds: 1,
    });
  }
  return { planId, checked: await conclude(scan, tables) };
}

/** The scan as it was saved last, or a new one. */
async function takeUp(deps: ScanDeps, leased: LeasedJob): Promise<{ planId: string; scan: RequestFileScan }> {
  const known = leased.job.scan;
  const turns = (known?.turns ?? 0) + 1;
  const saved = known && (await lastCheckpoint(deps, leased.job));
  if (known && saved) {
    await leased.change((job) => ({ ...job, scan: { ...known, turns } }));
    return { planId: known.planId, scan: saved };
  }
  const planId = deps.ids.next();
  await leased.change((job) => ({ ...job, scan: { planId, checkpoints: 0, turns } }));
  return { planId, scan: RequestFileScan.begun(await partBytes(deps)) };
}

/** By what was measured of the model's batches so far. */
async function partBytes({ ledger, limits: { enqueuedTokens } }: ScanDeps): Promise<PartBytes> {
  const models = Object.entries(enqueuedTokens);
  if (models.length === 0) return {};
  const measured = new Map(Object.entries((await ledger.readAdmissions()).measured));
  return Object.fromEntries(
    models.map(([model, tokens]) => [model, bytesWithin(tokens * SHARE_OF_TOKENS, measured.get(model))]),
  );
}

/** Undefined when there is none, or none that can be used: somebody removed it, or an older version wrote it. */
async function lastCheckpoint({ results, log }: ScanDeps, job: Job): Promise<RequestFileScan | undefined> {
  const { scan, jobId } = job;
  if (!scan || scan.checkpoints === 0) return undefined;
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
  const known = leased.job.scan;
  if (!known) throw new Error(`scan of job ${leased.job.jobId}: it is not on the job`);
  const next = { ...known, checkpoints: known.checkpoints + 1 };
  // Not given up when it fails, which INTAKE may not do: S3 removes what was never completed, and nobody reads it.
  const writer = results.openWriter(checkpointKey(leased.job, next), BINARY);
  for (const piece of scan.saved()) await writer.write(piece);
  await writer.close();
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
  // Without a range where it can be: only then does the storage's checksum hold for what comes.
  const range = offset === 0 ? undefined : { start: offset, end: request.size };
  for await (const chunk of requestFiles.read(request, range)) {
    if (signal.aborted) throw new RetryableError('intake: out of time in this invocation');
    yield chunk;
  }
}
