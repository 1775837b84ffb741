/**
 * Stores the results of a part's batch and accounts for each of its rows. Each step can be repeated:
 *   1. read the part's row table, and the row states of the earlier attempts. If the results did not agree before,
 *      retrieve the batch again, because it may name its files some time after its end
 *   2. stream the API's output file and error file once (`read-results.ts`)
 *   3. in a part's first attempt, write rows that succeeded to `output.jsonl` at once, as long as they arrive in the
 *      order of the request file (step 5). Write each other row's line to the function's disk, in the API's order.
 *      Lines that match no row, or a row that already has a line, go to `anomalies.jsonl`
 *   4. decide whether to believe the results (`results-agreement.ts`). If not, nothing becomes visible, and the part
 *      waits for the next check
 *   5. write the lines in the order of the request file, of succeeded rows to `output.jsonl` and of others to
 *      `errors.jsonl`: from the disk, from the pieces of the previous attempt, or, for a row without a line, a
 *      generated one
 *   6. make the pieces visible, or for a small job the result files themselves (`part-files.ts`). Then the part is
 *      delivered, or it begins a new attempt with the rows that may run again
 *
 * Known gap: a result line over 64 MiB, or files that do not fit on the disk, fail the delivery. The results then
 * remain at the API.
 */

import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import { nextPartStep } from '../../shared/domain/next-step.ts';
import { attemptSize, type Part, type PartIn } from '../../shared/domain/part.ts';
import { endOfPart } from '../../shared/domain/part-end.ts';
import type {
  Delivered,
  DoubtfulFile,
  ResultsWait,
  UnreadableLines,
} from '../../shared/domain/part-results.ts';
import { hasMoreRows } from '../../shared/domain/waiting/admitted-part.ts';
import { without } from '../../shared/domain/without.ts';
import type { PartInHand } from '../../shared/lifecycle/compare-and-set.ts';
import { LostLease, withPartLease } from '../../shared/lifecycle/lease.ts';
import { assureGone } from '../../shared/lifecycle/openai-account.ts';
import { movePastAttempts } from '../../shared/lifecycle/spending/past-attempts.ts';
import { readRowStates } from '../../shared/part-rows/upload-body.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { BilledTokens } from './billed-tokens.ts';
import { discardSupersededDelivery } from './discard-superseded-delivery.ts';
import { lookAgainLater, recordExpiring, retrievedAgain } from './look-again.ts';
import { nextAttempt, type RerunPolicy } from './next-attempt.ts';
import { OrderedResultWriter } from './ordered-result-writer.ts';
import { PartFiles } from './part-files.ts';
import { readResults } from './read-results.ts';
import { ResultCollector } from './result-collector.ts';
import { verdictOn } from './results-agreement.ts';
import { RowTally } from './row-accounting.ts';
import { noteUsage, usageOf } from './usage-of-attempts.ts';

export type DeliverDeps = Pick<
  Ports,
  'ledger' | 'clock' | 'ids' | 'log' | 'metrics' | 'api' | 'results' | 'scratch'
> & { rerun: RerunPolicy; prices: Pick<PriceList, 'at'> };

/** What one delivery stored, which rows may run again, and which files did not agree. */
interface Stored {
  delivered: Delivered;
  again: { rows: number; uploadBytes: number };
  doubtfulFiles: DoubtfulFile[];
}

const SMALL = { rows: 1_000, uploadBytes: 1_000_000 };

/** Delivers the part under a lease until the deadline. Errors: those of the ports, LostLease. */
export async function deliverPart(deps: DeliverDeps, inHand: PartInHand, deadline: Deadline): Promise<void> {
  await withPartLease(deps, inHand, deadline.until, async (leased) => {
    const deliveryId = deps.ids.next();
    const begun = (part: Part): Part | undefined => {
      const step = nextPartStep(without(part, 'lease'), deps.clock.now(), false);
      if (step.do !== 'deliver') return undefined; // another invocation delivered this attempt
      return { ...part, deliveryIds: [...(part.deliveryIds ?? []), deliveryId] };
    };
    if (begun(leased.item) === undefined) return;
    // Recorded before anything becomes visible, so that the clean-up knows this delivery. A small delivery saves this
    // write: if another invocation delivers at the same time, the later one removes its own pieces.
    if (isSmall(leased.item)) inHand.note(begun, () => undefined);
    else if (!(await leased.change(begun))) return;
    await movePastAttempts(deps, leased);
    recordExpiring(deps, leased.item);
    try {
      const { part, unanswered } = await retrievedAgain(deps, leased.item);
      const stored = await store(deps, part, { deliveryId, unanswered }, deadline);
      if ('wait' in stored) {
        await lookAgainLater(deps, leased, part, { deliveryId, wait: stored.wait });
        return;
      }
      const isStored = await leased.change((now) => {
        if (isCancelledSince(now, part)) return undefined; // again: the rows that were not sent end as cancelled
        const next = afterDelivery(now, part, stored);
        return next && leased.released(next);
      });
      if (!isStored)
        throw new LostLease(`part ${part.jobId}/${part.number}: another invocation delivered it`);
    } catch (failure) {
      await discardSupersededDelivery(deps, leased.item, deliveryId, failure);
      throw failure;
    }
  });
}

/** Returns whether a cancel arrived during the delivery of an attempt that did not send all rows. */
function isCancelledSince(part: Part, seen: Part): boolean {
  if (!hasMoreRows(seen) || part.delivered || part.batch?.batchId !== seen.batch?.batchId) return false;
  return part.cancelRequestedAt !== undefined && seen.cancelRequestedAt === undefined;
}

/** Returns whether delivering the part twice would cost almost nothing. */
function isSmall(part: Part): boolean {
  const { rows, uploadBytes } = attemptSize(part);
  return rows <= SMALL.rows && uploadBytes <= SMALL.uploadBytes;
}

/**
 * Returns the part's next attempt if rows may run again and no cancel was requested; otherwise the delivered part.
 * `seen`: the part with the batch that this delivery read.
 */
function afterDelivery(
  part: Part,
  seen: Part,
  { delivered, again, doubtfulFiles }: Stored,
): Part | undefined {
  if (part.phase !== 'ended' && !hasEndedBatch(part)) return undefined;
  // Another delivery stored this attempt, and a later one has ended since.
  if (part.batch?.batchId !== seen.batch?.batchId) return undefined;
  if (part.earlierResults?.deliveryId === delivered.deliveryId) return undefined;
  const read = withDoubtfulFiles(withBatchOf(part, seen), doubtfulFiles);
  const isCancelled = part.cancelRequestedAt !== undefined;
  if (again.rows > 0 && read.phase !== 'ended' && !isCancelled) return nextAttempt(read, delivered, again);
  const notRunAgain = again.rows > 0 ? { notRunAgain: again.rows } : {};
  const rest = without(read, 'backoffUntil', 'obstacle', 'resultsWait', 'stalled', 'waiting');
  return { ...rest, phase: 'delivered', delivered: { ...delivered, ...notRunAgain }, tries: 0 };
}

type Deliverable = PartIn<'batch_ended' | 'requeued' | 'retrying' | 'ended'>;

/** Returns the part with the batch that this delivery read, because a batch may name its files only after its end. */
function withBatchOf(part: Deliverable, seen: Part): Deliverable {
  if (part.phase !== 'batch_ended' || seen.batch?.batchId !== part.batch.batchId) return part;
  return { ...part, batch: seen.batch };
}

/** Returns the part with the doubtful files of its current batch, instead of those noted earlier for this batch. */
function withDoubtfulFiles(part: Deliverable, doubtfulFiles: DoubtfulFile[]): Deliverable {
  const earlier = part.doubtfulFiles?.filter(({ batchId }) => batchId !== part.batch?.batchId) ?? [];
  const all = [...earlier, ...doubtfulFiles];
  return all.length > 0 ? { ...part, doubtfulFiles: all } : without(part, 'doubtfulFiles');
}

/** Returns whether the part's batch ended. A requeued or retrying part is delivered only after a cancel. */
function hasEndedBatch(part: Part): part is PartIn<'batch_ended' | 'requeued' | 'retrying'> {
  return part.phase === 'batch_ended' || part.phase === 'requeued' || part.phase === 'retrying';
}

/** Stores the results. If they do not agree yet, stores nothing and returns until when to wait. */
async function store(
  deps: DeliverDeps,
  part: Part,
  { deliveryId, unanswered }: { deliveryId: string; unanswered: string | undefined },
  deadline: Deadline,
): Promise<Stored | { wait: ResultsWait }> {
  const { table, before } = await readRowStates(deps, part);
  const tally = new RowTally(table, before, endOfPart(part) ?? 'failed', part.slice?.end);
  const scratch = await deps.scratch.open();
  const files = new PartFiles(deps.results, part, deliveryId);
  try {
    const pieces = new OrderedResultWriter({ ...deps, part, table, before, writers: files });
    const billed = new BilledTokens(part.model, deps.prices.at(part.jobCreatedAt));
    const to = { scratch, anomalies: files.anomalies, pieces, billed };
    const collector = new ResultCollector(tally, table.rows, to);
    await copyAnomalies(deps, part, collector);
    const reading = await readResults(deps, part.batch ?? {}, { tally, collector }, deadline);
    const verdict = verdictOn(part, unanswered ? { unanswered, ...reading } : reading, deps.clock.now());
    if (verdict.is === 'look_again') {
      await files.abort();
      return { wait: verdict.wait };
    }
    const doubtfulFiles = verdict.is === 'doubtful' ? await doubted(deps, part, verdict.why) : [];
    await collector.finish();
    const { states, again, ...facts } = await pieces.write(tally, collector, deadline.signal);
    const isComplete = tally.rowsWithLine === table.rows && again.rows === 0;
    const [stored] = await Promise.all([files.store(states, isComplete), scratch.discard()]);
    const anomalies = (part.earlierResults?.anomalies ?? 0) + tally.anomalies;
    const unreadable = unreadableOf(part, collector);
    const ofAttempt = billed.billed();
    await noteUsage(deps, part, ofAttempt);
    const usage = usageOf(deps, part, ofAttempt);
    const counted = {
      rows: states.counts(),
      anomalies,
      ...facts,
      ...(unreadable ? { unreadable } : {}),
      ...usage,
      ...(part.batch ? { ofBatch: { batchId: part.batch.batchId, ...ofAttempt } } : {}),
    };
    const delivered = { deliveryId, at: deps.clock.now(), ...stored, ...counted };
    return { delivered, again, doubtfulFiles };
  } catch (failure) {
    await files.abort();
    throw failure;
  } finally {
    await scratch.discard();
  }
}

/**
 * Returns the batch's files, which never agreed. Errors: RetryableError if the current key belongs to another account
 * than the files; those of the API.
 */
async function doubted(deps: DeliverDeps, part: Part, why: string): Promise<DoubtfulFile[]> {
  const { jobId, number, batch, intent } = part;
  if (!batch) return [];
  await assureGone(deps, batch.outputFileId ?? batch.errorFileId ?? batch.batchId, intent?.account);
  deps.log.error('results_doubtful', { jobId, part: number, batchId: batch.batchId, why });
  const fileIds = [batch.outputFileId, batch.errorFileId].filter((fileId) => fileId !== undefined);
  return fileIds.map((fileId) => ({ batchId: batch.batchId, fileId, why }));
}

/** Returns the lines that are not result lines, of this attempt and the earlier ones. */
function unreadableOf(
  { earlierResults }: Part,
  { unreadable }: ResultCollector,
): UnreadableLines | undefined {
  const earlier = earlierResults?.unreadable;
  if (!earlier || !unreadable) return unreadable ?? earlier;
  return { count: earlier.count + unreadable.count, first: earlier.first };
}

/** Copies the anomalies of earlier attempts, which come first. */
async function copyAnomalies(
  { results }: DeliverDeps,
  part: Part,
  collector: ResultCollector,
): Promise<void> {
  const { earlierResults } = part;
  if (!earlierResults || earlierResults.anomaliesBytes === 0) return;
  for await (const chunk of results.read(pieceKeys(part, earlierResults.deliveryId).anomalies)) {
    await collector.copyAnomalies(chunk);
  }
}
