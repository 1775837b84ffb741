/**
 * Assembles a job's results once every part is delivered.
 *   1. assemble output, errors and anomalies from the parts' pieces, each in the order of the request file. The
 *      progress is stored on the job. A small job needs no assembly: its delivery wrote these files
 *      (`../part/part-files.ts`)
 *   2. write what the job cost, and the summary
 *   3. set the job's last status (`job-end.ts`) and publish it, so that users read the results only then
 * Then `clean-up-job.ts` deletes what is no longer needed.
 *
 * A lease prevents two invocations from writing to one multipart upload. The small results of a single part need no
 * lease, because they are written with one call each, and every invocation writes the same bytes.
 */
import { costKey, resultKeys, resultLinesKeys } from '../../shared/contract/result-keys.ts';
import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { PieceName } from '../../shared/domain/internal-keys.ts';
import type { Assembly, Job } from '../../shared/domain/job.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { WholePart } from '../../shared/domain/spending/past-attempts.ts';
import { without } from '../../shared/domain/without.ts';
import type { DeliveredPart } from '../../shared/lifecycle/check-parts.ts';
import type { JobInHand } from '../../shared/lifecycle/compare-and-set.ts';
import { type LeasedJob, withJobLease, withoutLease } from '../../shared/lifecycle/lease.ts';
import { allWithPast } from '../../shared/lifecycle/spending/past-attempts.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { endedJob } from './job-end.ts';
import { gather, MIN_UPLOAD_PART, type Segment, segmentBytes, segmentsOf } from './multipart-plan.ts';
import { isPieceGone, redeliverParts } from './redeliver-parts.ts';
import { rangesOf } from './result-ranges.ts';
import { costRecord, summaryText } from './summary.ts';

export type FinishDeps = Pick<Ports, 'ledger' | 'clock' | 'ids' | 'log' | 'results'> & {
  prices: Pick<PriceList, 'at'>;
  instance: string;
};

const JSONL = 'application/jsonl';

/** Stores the job's results from all its parts, and sets its last status. Errors: those of the ports, LostLease. */
export async function finishJob(
  deps: FinishDeps,
  inHand: JobInHand,
  parts: readonly DeliveredPart[],
  deadline: Deadline,
): Promise<void> {
  if (areSmall(parts)) await finish(deps, withoutLease(inHand, deadline.until), parts);
  else await withJobLease(deps, inHand, deadline.until, (leased) => finish(deps, leased, parts));
}

function areSmall(parts: readonly DeliveredPart[]): boolean {
  return (
    parts.length === 1 &&
    parts.every(
      ({ delivered }) =>
        Math.max(delivered.outputBytes, delivered.errorsBytes, delivered.anomaliesBytes) < MIN_UPLOAD_PART,
    )
  );
}

async function finish(deps: FinishDeps, leased: LeasedJob, parts: readonly DeliveredPart[]): Promise<void> {
  const job = leased.item;
  const endedAt = deps.clock.now();
  const whole = await allWithPast(deps, parts);
  const ended = endOf(deps, job, whole, endedAt);
  if (!ended) return;
  await leased.claim();
  try {
    await assembleAll(deps, leased, parts);
  } catch (failure) {
    if (isPieceGone(failure)) await redeliverParts(deps, leased, parts);
    throw failure;
  }
  await deps.results.put(costKey(job), costRecord(ended, deps.instance), 'application/json');
  await deps.results.put(resultKeys(job).summary, summaryText(ended, whole), 'application/json');
  await leased.change((now) => {
    const next = now.rev === job.rev ? endOf(deps, now, whole, endedAt) : undefined;
    return next && leased.released(next);
  });
}

/** Returns the ended job; undefined if it has already ended, or has a status to publish first. */
function endOf(
  { prices }: FinishDeps,
  job: Job,
  parts: readonly WholePart<DeliveredPart>[],
  endedAt: number,
) {
  if (job.status !== 'accepted' && job.status !== 'submitted') return undefined;
  return job.rev === job.publishedRev ? endedJob(job, parts, { now: endedAt, prices }) : undefined;
}

async function assembleAll(
  deps: FinishDeps,
  leased: LeasedJob,
  parts: readonly DeliveredPart[],
): Promise<void> {
  if (parts.every(({ delivered }) => delivered.withoutPieces)) return;
  const keys = resultLinesKeys(leased.item);
  await assemble(deps, leased, { name: 'output', key: keys.output, parts });
  await assemble(deps, leased, { name: 'errors', key: keys.errors, parts });
  if (parts.some(({ delivered }) => delivered.anomaliesBytes > 0)) {
    await assemble(deps, leased, { name: 'anomalies', key: keys.anomalies, parts });
  }
}

/** A result file, and the delivered parts that it consists of. */
interface ResultFile {
  name: PieceName;
  key: string;
  parts: readonly DeliveredPart[];
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
  let assembly = assembliesOf(leased.item)[name];
  if (!assembly) {
    assembly = { uploadId: await deps.results.beginUpload(key, JSONL), etags: [] };
    await saveAssembly(leased, name, assembly);
  }
  try {
    let number = 0;
    for await (const segment of segmentsOfFile(deps, file)) {
      number += 1;
      if (number <= assembly.etags.length) continue; // already uploaded
      const etag = await uploadSegment(deps, key, assembly, segment);
      assembly = { ...assembly, etags: [...assembly.etags, etag] };
      await saveAssembly(leased, name, assembly);
    }
    if (await deps.results.completeUpload(key, assembly.uploadId, assembly.etags)) return;
  } catch (failure) {
    if (!(failure instanceof TerminalError) || isPieceGone(failure)) throw failure;
    deps.log.warn('assembly_lost', { jobId: leased.item.jobId, name, reason: failure.message });
  }
  await saveAssembly(leased, name, undefined);
  await deps.results.abortUpload(key, assembly.uploadId); // if this fails, nothing refers to the upload any more
  throw new RetryableError(`assemble ${name}: the multipart upload is gone; it begins again`, {
    afterSeconds: 1,
  });
}

function segmentsOfFile(deps: FinishDeps, { name, parts }: ResultFile): AsyncGenerator<Segment> {
  const total = parts.reduce((sum, { delivered }) => sum + delivered[`${name}Bytes`], 0);
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
    if (job.status !== 'accepted' && job.status !== 'submitted') return undefined;
    const others = without(assembliesOf(job), name);
    return { ...job, assembly: assembly ? { ...others, [name]: assembly } : others };
  });
}

function assembliesOf(job: Job): Partial<Record<PieceName, Assembly>> {
  return job.status === 'accepted' || job.status === 'submitted' ? (job.assembly ?? {}) : {};
}
