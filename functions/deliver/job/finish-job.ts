/**
 * Assembles a job's results once every part is delivered.
 *   1. assemble output, errors and anomalies from the parts' pieces, each in the order of the request file. The
 *      progress is stored on the job. A small job needs no assembly: its delivery wrote these files
 *      (`../part/part-files.ts`)
 *   2. if asked, write the results as one table, too (`write-table.ts`)
 *   3. write what the job cost, and the summary. Both say when the job ended, which is known before: an invocation that
 *      writes them late, because it was frozen, writes the same as the others
 *   4. set the job's last status (`job-end.ts`) and publish it, so that users read the results only then
 * Then `clean-up-job.ts` deletes what is no longer needed.
 *
 * A lease prevents two invocations from writing to one multipart upload. The small results of a single part need no
 * lease, because they are written with one call each, and every invocation writes the same bytes.
 */
import { costKey, resultKeys, resultLinesKeys } from '../../shared/contract/result-keys.ts';
import type { PieceName } from '../../shared/domain/internal-keys.ts';
import { isOver, type Job, type JobIn } from '../../shared/domain/job.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { FlatResults } from '../../shared/domain/results/flat-results.ts';
import type { WholePart } from '../../shared/domain/spending/past-attempts.ts';
import type { DeliveredPart } from '../../shared/lifecycle/check-parts.ts';
import type { JobInHand } from '../../shared/lifecycle/compare-and-set.ts';
import { type LeasedJob, withJobLease, withoutLease } from '../../shared/lifecycle/lease.ts';
import { allWithPast } from '../../shared/lifecycle/spending/past-attempts.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { instructionsIn } from '../../shared/request-file/instructions.ts';
import { assembleFile } from './assemble-file.ts';
import { endedJob, type JobWithResults } from './job-end.ts';
import { MIN_UPLOAD_PART, type Segment, segmentBytes, segmentsOf } from './multipart-plan.ts';
import { isPieceGone, redeliverParts } from './redeliver-parts.ts';
import { rangesOf } from './result-ranges.ts';
import { summariseAgain } from './summarise-again.ts';
import { costRecord, summaryText } from './summary.ts';
import type { TableSettings } from './write-table.ts';

export type FinishDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'results' | 'requestFiles'
> & {
  prices: Pick<PriceList, 'at'>;
  instance: string;
  tables: TableSettings;
};

const JSONL = 'application/jsonl';

/** Stores the job's results from all its parts, and sets its last status. Errors: those of the ports, LostLease. */
export async function finishJob(
  deps: FinishDeps,
  inHand: JobInHand,
  parts: readonly DeliveredPart[],
  deadline: Deadline,
): Promise<void> {
  if (isSmall(deps, inHand.item, parts))
    await finish(deps, withoutLease(inHand, deadline.until), parts, deadline);
  else await withJobLease(deps, inHand, deadline.until, (leased) => finish(deps, leased, parts, deadline));
}

/** Returns whether the delivery of the only part has written the job's result files, or one call can write each. */
function isSmall(deps: FinishDeps, job: Job, parts: readonly DeliveredPart[]): boolean {
  const [only, another] = parts;
  if (only === undefined || another !== undefined || isTableAsked(deps, job)) return false;
  const { outputBytes, errorsBytes, anomaliesBytes } = only.delivered;
  return Math.max(outputBytes, errorsBytes, anomaliesBytes) < MIN_UPLOAD_PART;
}

async function finish(
  deps: FinishDeps,
  leased: LeasedJob,
  parts: readonly DeliveredPart[],
  deadline: Deadline,
): Promise<void> {
  const job = leased.item;
  if (!mayEnd(job)) return;
  const whole = await allWithPast(deps, parts);
  await leased.claim();
  try {
    await assembleAll(deps, leased, parts);
  } catch (failure) {
    if (isPieceGone(failure)) await redeliverParts(deps, leased, parts);
    throw failure;
  }
  const table = await tableOf(deps, leased, deadline);
  await endWithSummary(deps, leased, { parts: whole, endedAt: await timeOfEnd(deps, leased, parts), table });
}

/**
 * Writes the cost record and the summary, and ends the job as they say: if it has changed meanwhile, they are written again. If
 * another invocation has ended it meanwhile and said otherwise, the summary is written again from the ledger.
 */
async function endWithSummary(deps: FinishDeps, leased: LeasedJob, of: KnownOfEnd): Promise<void> {
  const { rev } = leased.item;
  const textOf = (ended: JobWithResults) => summaryText(ended, of.parts);
  let summary: string | undefined;
  try {
    for (;;) {
      const ended = leased.item.rev === rev ? endOf(deps, leased.item, of) : undefined;
      if (!ended) return;
      summary = textOf(ended);
      await Promise.all([
        deps.results.put(costKey(ended), costRecord(ended, deps.instance), 'application/json'),
        deps.results.put(resultKeys(ended).summary, summary, 'application/json'),
      ]);
      const hasEnded = await leased.change((now) => {
        const next = now.rev === rev ? endOf(deps, now, of) : undefined;
        return next && textOf(next) === summary ? leased.released(next) : undefined;
      });
      if (hasEnded) return;
    }
  } finally {
    if (summary !== undefined) await agreeWithEnd(deps, leased.item, of.parts, summary);
  }
}

/** Rewrites the summary if the job has ended otherwise than it says. Errors: those of the ports. */
async function agreeWithEnd(
  deps: FinishDeps,
  job: Job,
  parts: readonly WholePart<DeliveredPart>[],
  summary: string,
): Promise<void> {
  if (!isOver(job) || !('rows' in job) || !job.plan) return;
  if (summaryText(job, parts) !== summary) await summariseAgain(deps, job);
}

/** Returns whether the job has neither ended nor a status to publish first. */
function mayEnd(job: Job): job is JobIn<'accepted' | 'submitted'> {
  return (job.status === 'accepted' || job.status === 'submitted') && job.rev === job.publishedRev;
}

/**
 * Returns when the job ends: for a small job, when its results were stored; otherwise now, unless another invocation
 * has set it.
 */
async function timeOfEnd(
  deps: FinishDeps,
  leased: LeasedJob,
  parts: readonly DeliveredPart[],
): Promise<number> {
  const [only] = parts;
  const now = deps.clock.now();
  if (isSmall(deps, leased.item, parts) && only?.delivered.at !== undefined)
    return Math.max(leased.item.changedAt, only.delivered.at);
  await leased.change((job) =>
    mayEnd(job) && job.endingAt === undefined ? { ...job, endingAt: now } : undefined,
  );
  return leased.item.endingAt ?? now;
}

/** What is known of a job's end before the job has it. */
interface KnownOfEnd {
  readonly parts: readonly WholePart<DeliveredPart>[];
  readonly endedAt: number;
  readonly table: { flat?: FlatResults };
}

/** Returns the ended job; undefined if it may not end. */
function endOf({ prices }: FinishDeps, job: Job, { parts, endedAt, table }: KnownOfEnd) {
  return mayEnd(job) ? { ...endedJob(job, parts, { now: endedAt, prices }), ...table } : undefined;
}

async function assembleAll(
  deps: FinishDeps,
  leased: LeasedJob,
  parts: readonly DeliveredPart[],
): Promise<void> {
  if (parts.every(({ delivered }) => delivered.withoutPieces)) return;
  const keys = resultLinesKeys(leased.item);
  const names: PieceName[] = ['output', 'errors'];
  if (parts.some(({ delivered }) => delivered.anomaliesBytes > 0)) names.push('anomalies');
  for (const name of names) {
    const segments = () => segmentsOfFile(deps, parts, name);
    await assembleFile(deps, leased, { name, key: keys[name], contentType: JSONL, segments });
  }
}

function segmentsOfFile(
  deps: FinishDeps,
  parts: readonly DeliveredPart[],
  name: PieceName,
): AsyncGenerator<Segment> {
  const total = parts.reduce((sum, { delivered }) => sum + delivered[`${name}Bytes`], 0);
  const merged = parts.some(({ interleaved }) => interleaved);
  return segmentsOf(rangesOf(deps, parts, name), segmentBytes(total, merged));
}

/**
 * Writes the table of the results, if somebody asked for one. Its code is loaded only then, because a cold start would
 * wait for it.
 */
async function tableOf(
  deps: FinishDeps,
  leased: LeasedJob,
  deadline: Deadline,
): Promise<{ flat?: FlatResults }> {
  if (!isTableAsked(deps, leased.item)) return {};
  const { writeTable } = await import('./write-table.ts');
  return { flat: await writeTable(deps, leased, deadline) };
}

function isTableAsked({ tables }: FinishDeps, { request }: Job): boolean {
  const { format = tables.always ? 'csv' : 'jsonl' } = instructionsIn(request.instructions);
  return format === 'csv';
}
