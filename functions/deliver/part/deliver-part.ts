/**
 * Stores the results of a part's batch and accounts for each of its rows. Each step can be repeated:
 *   1. read the part's row table, and the row states of the earlier attempts
 *   2. stream the API's output file and error file once. A length other than the API states means a truncated file: the
 *      delivery fails and is tried again
 *   3. write each row's line to a file on the function's disk, in the API's order. Lines that match no row, or a row
 *      that has a line already, go to `anomalies.jsonl`
 *   4. write the lines in the order of the request file, succeeded ones to `output.jsonl`, others to `errors.jsonl`:
 *      from the disk, from the pieces of the attempt before, or, for a row without a line, a generated one
 *   5. make the pieces visible. Then the part is delivered, or begins a new attempt with the rows that may run again
 *
 * Known gap: a result line over 64 MiB, or files that exceed the disk, fail the delivery; the results then remain at
 * the API.
 */

import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import { nextPartStep } from '../../shared/domain/next-step.ts';
import type { Delivered, Part, PartIn } from '../../shared/domain/part.ts';
import { endOfPart } from '../../shared/domain/part-end.ts';
import { hasMoreRows } from '../../shared/domain/waiting/admitted-part.ts';
import { without } from '../../shared/domain/without.ts';
import type { PartInHand } from '../../shared/lifecycle/compare-and-set.ts';
import { withPartLease } from '../../shared/lifecycle/lease.ts';
import { assureGone } from '../../shared/lifecycle/openai-account.ts';
import { LineReader } from '../../shared/part-rows/lines.ts';
import { readRowStates } from '../../shared/part-rows/upload-body.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { discardSupersededDelivery } from './discard-superseded-delivery.ts';
import { nextAttempt, type RerunPolicy } from './next-attempt.ts';
import { OrderedResultWriter } from './ordered-result-writer.ts';
import { MAX_RESULT, ResultCollector } from './result-collector.ts';
import { RowTally } from './row-accounting.ts';

export type DeliverDeps = Pick<Ports, 'ledger' | 'clock' | 'ids' | 'log' | 'api' | 'results' | 'scratch'> & {
  rerun: RerunPolicy;
};

/** What one delivery stored, and the rows that may run again. */
interface Stored {
  delivered: Delivered;
  again: { rows: number; uploadBytes: number };
}

const JSONL = 'application/jsonl';

/** Delivers the part under a lease until the deadline. Errors: those of the ports, LostLease. */
export async function deliverPart(deps: DeliverDeps, inHand: PartInHand, deadline: Deadline): Promise<void> {
  await withPartLease(deps, inHand, deadline.until, async (leased) => {
    const deliveryId = deps.ids.next();
    // Before anything becomes visible, so that the clean-up knows this delivery.
    const isBegun = await leased.change((part) => {
      const step = nextPartStep(without(part, 'lease'), deps.clock.now(), false);
      if (step.do !== 'deliver') return undefined; // another invocation delivered this attempt
      return { ...part, deliveryIds: [...(part.deliveryIds ?? []), deliveryId] };
    });
    if (!isBegun) return;
    try {
      const seen = leased.item;
      const stored = await store(deps, seen, deliveryId, deadline);
      await leased.change((part) => {
        if (isCancelledSince(part, seen)) return undefined; // the rows that were not sent end as cancelled: again
        const next = afterDelivery(part, stored);
        return next && leased.released(next);
      });
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

/** Returns the part's next attempt, if rows may run again and no cancel was requested; otherwise the delivered part. */
function afterDelivery(part: Part, { delivered, again }: Stored): Part | undefined {
  if (part.phase !== 'ended' && !hasEndedBatch(part)) return undefined;
  if (part.earlierResults?.deliveryId === delivered.deliveryId) return undefined;
  const isCancelled = part.cancelRequestedAt !== undefined;
  if (again.rows > 0 && part.phase !== 'ended' && !isCancelled) return nextAttempt(part, delivered, again);
  const notRunAgain = again.rows > 0 ? { notRunAgain: again.rows } : {};
  const rest = without(part, 'backoffUntil', 'stalled', 'waiting');
  return { ...rest, phase: 'delivered', delivered: { ...delivered, ...notRunAgain }, tries: 0 };
}

/** Returns whether the part's batch ended. A requeued or retrying part is delivered only after a cancel. */
function hasEndedBatch(part: Part): part is PartIn<'batch_ended' | 'requeued' | 'retrying'> {
  return part.phase === 'batch_ended' || part.phase === 'requeued' || part.phase === 'retrying';
}

async function store(deps: DeliverDeps, part: Part, deliveryId: string, deadline: Deadline): Promise<Stored> {
  const keys = pieceKeys(part, deliveryId);
  const { table, before } = await readRowStates(deps, part);
  const tally = new RowTally(table, before, endOfPart(part) ?? 'failed', part.slice?.end);
  const scratch = await deps.scratch.open();
  const writers = {
    output: deps.results.openWriter(keys.output, JSONL),
    errors: deps.results.openWriter(keys.errors, JSONL),
    anomalies: deps.results.openWriter(keys.anomalies, JSONL),
  };
  try {
    const collector = new ResultCollector(tally, table.rows, { scratch, anomalies: writers.anomalies });
    await copyAnomalies(deps, part, collector);
    for (const fileId of [part.batch?.outputFileId, part.batch?.errorFileId]) {
      if (fileId !== undefined) await collectFile(deps, part, fileId, collector, deadline);
    }
    const lines = await collector.finish();
    const pieces = new OrderedResultWriter({ ...deps, part, table, before, lines, writers });
    const { states, idsIn, idsOut, again } = await pieces.write(tally, deadline.signal);
    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');
    const outputBytes = await writers.output.close();
    const errorsBytes = await writers.errors.close();
    const anomaliesBytes = await writers.anomalies.close();
    const anomalies = (part.earlierResults?.anomalies ?? 0) + tally.anomalies;
    const bytes = { outputBytes, errorsBytes, anomaliesBytes };
    return { delivered: { deliveryId, rows: states.counts(), ...bytes, anomalies, idsIn, idsOut }, again };
  } catch (failure) {
    await Promise.all(Object.values(writers).map((writer) => writer.abort()));
    throw failure;
  } finally {
    await scratch.discard();
  }
}

/** Copies the anomalies of earlier attempts; they come first. */
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

/** Streams one result file of the API through the collector. If the file is gone, its rows count as missing. */
async function collectFile(
  deps: DeliverDeps,
  part: Part,
  fileId: string,
  collector: ResultCollector,
  { signal }: Deadline,
): Promise<void> {
  try {
    const expected = await deps.api.fileBytes(fileId);
    let received = 0;
    const reader = new LineReader(collector, { longest: MAX_RESULT });
    for await (const chunk of deps.api.readFile(fileId)) {
      signal.throwIfAborted();
      received += chunk.length;
      reader.push(chunk);
      await collector.flush();
    }
    if (received !== expected) {
      throw new RetryableError(`file ${fileId}: received ${received} bytes; the API states ${expected}`);
    }
    reader.end();
    await collector.flush();
  } catch (failure) {
    if (!(failure instanceof TerminalError) || failure.code !== 'file_gone') throw failure;
    await assureGone(deps, fileId, part.intent?.account);
    deps.log.error('result_file_gone', { jobId: part.jobId, part: part.number, fileId });
  }
}
