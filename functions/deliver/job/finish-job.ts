/**
 * Puts a job's results together once every part is delivered: what DELIVER does at the end.
 *   1. output, errors and anomalies are each assembled from the parts' pieces, in the order of the request file; how far
 *      that has come is kept on the job
 *   2. the summary is written
 *   3. the job's last status is set (`job-end.ts`), and published: from here on users read the results
 * What is then no longer needed is removed by `clean-up-job.ts`.
 */

import { anomaliesKey, resultKeys } from '../../shared/contract/result-keys.ts';
import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { PieceName } from '../../shared/domain/internal-keys.ts';
import type { Assembly, Job } from '../../shared/domain/job.ts';
import type { Part } from '../../shared/domain/part.ts';
import { without } from '../../shared/lifecycle/compare-and-set.ts';
import { type LeasedJob, withJobLease } from '../../shared/lifecycle/lease.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { endedJob } from './job-end.ts';
import { gather, type Segment, segmentBytes, segmentsOf } from './multipart-plan.ts';
import { isPieceGone, redeliverParts } from './redeliver-parts.ts';
import { rangesOf } from './result-ranges.ts';
import { summaryOf } from './summary.ts';

export type FinishDeps = Pick<Ports, 'ledger' | 'clock' | 'ids' | 'log' | 'results'>;

const JSONL = 'application/jsonl';

/** Stores the job's results and sets its last status, under a lease. Errors: as the ports', LostLease. */
export async function finishJob(deps: FinishDeps, jobId: string, deadline: Deadline): Promise<void> {
  await withJobLease(deps, jobId, deadline.until, async (leased) => {
    if (leased.job.status !== 'submitted' && leased.job.status !== 'accepted') return;
    if (leased.job.rev !== leased.job.publishedRev) return;
    const { plan } = leased.job;
    const parts = plan ? await deps.ledger.partsOf(jobId, plan.planId) : [];
    if (parts.length === 0 || parts.some((part) => !part.delivered)) return;
    const keys = resultKeys(leased.job);
    const ended = endedJob(leased.job, parts, deps.clock.now());
    try {
      await assembleAll(deps, leased, parts);
    } catch (failure) {
      if (isPieceGone(failure)) await redeliverParts(deps, leased, parts);
      throw failure;
    }
    const summary = `${JSON.stringify(summaryOf(ended, parts), null, 2)}\n`;
    await deps.results.put(keys.summary, summary, 'application/json');
    await leased.change((job) =>
      job.rev === ended.rev - 1 && job.status === ended.previousStatus
        ? { ...ended, ...writtenMeanwhile(job) }
        : undefined,
    );
  });
}

/** What others may have written since the results were begun to be put together: a wish to cancel is not lost. */
function writtenMeanwhile({ version, lease, cancelRequestedAt }: Job): Partial<Job> {
  return {
    version,
    ...(lease ? { lease } : {}),
    ...(cancelRequestedAt === undefined ? {} : { cancelRequestedAt }),
  };
}

async function assembleAll(deps: FinishDeps, leased: LeasedJob, parts: Part[]): Promise<void> {
  const keys = resultKeys(leased.job);
  await assemble(deps, leased, { name: 'output', key: keys.output, parts });
  await assemble(deps, leased, { name: 'errors', key: keys.errors, parts });
  if (parts.some(({ delivered }) => delivered && delivered.anomaliesBytes > 0)) {
    await assemble(deps, leased, { name: 'anomalies', key: anomaliesKey(leased.job), parts });
  }
}

/** A result file, and the delivered parts it is made of. */
interface ResultFile {
  name: PieceName;
  key: string;
  parts: Part[];
}

async function assemble(deps: FinishDeps, leased: LeasedJob, file: ResultFile): Promise<void> {
  const { name, key } = file;
  const segments = segmentsOfFile(deps, file);
  const first = await segments.next();
  const second = await segments.next();
  if (second.done && !(first.value && 'copy' in first.value)) {
    await deps.results.put(key, await gather(deps.results, first.value?.gather ?? []), JSONL);
    return;
  }
  let assembly = leased.job.assembly?.[name];
  if (!assembly) {
    assembly = { uploadId: await deps.results.beginUpload(key, JSONL), etags: [] };
    await saveAssembly(leased, name, assembly);
  }
  try {
    let number = 0;
    for await (const segment of segmentsOfFile(deps, file)) {
      number += 1;
      if (number <= assembly.etags.length) continue; // uploaded before
      const etag = await uploadSegment(deps, key, assembly, segment);
      assembly = { ...assembly, etags: [...assembly.etags, etag] };
      await saveAssembly(leased, name, assembly);
    }
    if (await deps.results.completeUpload(key, assembly.uploadId, assembly.etags)) return;
  } catch (failure) {
    if (!(failure instanceof TerminalError) || isPieceGone(failure)) throw failure;
    deps.log.warn('assembly_lost', { jobId: leased.job.jobId, name, reason: failure.message });
  }
  await saveAssembly(leased, name, undefined);
  throw new RetryableError(`assemble ${name}: the upload is gone; begun anew`, { afterSeconds: 1 });
}

function segmentsOfFile(deps: FinishDeps, { name, parts }: ResultFile): AsyncGenerator<Segment> {
  const total = parts.reduce((sum, { delivered }) => sum + (delivered?.[`${name}Bytes`] ?? 0), 0);
  const merged = parts.some(({ interleaved }) => interleaved);
  return segmentsOf(rangesOf(deps, parts, name), segmentBytes(total, merged));
}

async function uploadSegment(
  { results }: FinishDeps,
  key: string,
  { uploadId, etags }: Assembly,
  segment: Segment,
): Promise<string> {
  const number = etags.length + 1;
  return 'copy' in segment
    ? results.uploadCopy(key, uploadId, number, segment.copy)
    : results.uploadBytes(key, uploadId, number, await gather(results, segment.gather));
}

async function saveAssembly(
  leased: LeasedJob,
  name: PieceName,
  assembly: Assembly | undefined,
): Promise<void> {
  await leased.change((job) => {
    const others = without(job.assembly ?? {}, name);
    return { ...job, assembly: assembly ? { ...others, [name]: assembly } : others };
  });
}
