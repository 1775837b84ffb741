/**
 * Stores what a part's batch left and accounts for each of its rows. Steps, each right when run twice:
 *   1. the part's row table is read, and what earlier attempts left of each row
 *   2. output and error file are streamed once; a length that is not the API's own is a truncation: nothing is concluded
 *   3. each row's line goes to a file on the function's disk, in the order in which the API gives it; lines of no row, or
 *      of one that has a line already, go to `anomalies.jsonl`
 *   4. row by row, in the order of the request file, lines go to `output.jsonl` (succeeded) or `errors.jsonl` (anything
 *      else): from the disk, from the pieces of the attempt before, or, for a row without a line, made here
 *   5. the pieces become visible; then the part is delivered, or begins a new attempt with the rows that may run again
 *
 * Known gaps: a result line over 64 MiB, or files that do not fit on the disk, end the delivery with an error; the
 * results then stay at the API.
 */

import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import { pieceKeys } from '../../shared/domain/internal-keys.ts';
import { nextPartStep } from '../../shared/domain/next-step.ts';
import type { Delivered, Part } from '../../shared/domain/part.ts';
import { endOfPart } from '../../shared/domain/part-end.ts';
import { without } from '../../shared/lifecycle/compare-and-set.ts';
import { type LeasedPart, withPartLease } from '../../shared/lifecycle/lease.ts';
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

/** What one delivery stored, and what of it may run again. */
interface Stored {
  delivered: Delivered;
  again: { rows: number; uploadBytes: number };
}

const JSONL = 'application/jsonl';

/** Errors: as the ports'. */
export async function deliverPart(deps: DeliverDeps, part: Part, deadline: Deadline): Promise<void> {
  await withPartLease(deps, part, deadline.until, async (leased) => {
    const step = nextPartStep(without(leased.part, 'lease') as Part, deps.clock.now(), false);
    if (step.do !== 'deliver') return; // another has delivered this attempt
    const deliveryId = deps.ids.next();
    try {
      const stored = await store(deps, leased, deliveryId, deadline);
      await leased.change((now) => afterDelivery(now, stored));
    } catch (failure) {
      await discardSupersededDelivery(deps, leased.part, deliveryId, failure);
      throw failure;
    }
  });
}

/** The next attempt, if rows may run again and no cancel is wished; else the part is delivered. */
function afterDelivery(part: Part, { delivered, again }: Stored): Part | undefined {
  if (part.delivered || part.soFar?.deliveryId === delivered.deliveryId) return undefined;
  if (again.rows > 0 && part.cancelRequestedAt === undefined) return nextAttempt(part, delivered, again);
  const keptBack = again.rows > 0 ? { notRunAgain: again.rows } : {};
  return {
    ...(without(part, 'backoffUntil', 'stalled') as Part),
    delivered: { ...delivered, ...keptBack },
    tries: 0,
  };
}

async function store(
  deps: DeliverDeps,
  leased: LeasedPart,
  deliveryId: string,
  deadline: Deadline,
): Promise<Stored> {
  const { part } = leased;
  const keys = pieceKeys(part, deliveryId);
  const { table, before } = await readRowStates(deps, part);
  const account = new RowTally(table, before, endOfPart(part) ?? 'failed');
  const scratch = await deps.scratch.open();
  const writers = {
    output: deps.results.openWriter(keys.output, JSONL),
    errors: deps.results.openWriter(keys.errors, JSONL),
    anomalies: deps.results.openWriter(keys.anomalies, JSONL),
  };
  try {
    const collector = new ResultCollector(account, table.rows, { scratch, anomalies: writers.anomalies });
    await copyAnomalies(deps, part, collector);
    for (const fileId of [part.batch?.outputFileId, part.batch?.errorFileId]) {
      if (fileId !== undefined) await collectFile(deps, part, fileId, collector, deadline);
    }
    const lines = await collector.finish();
    const pieces = new OrderedResultWriter({ ...deps, part, table, before, lines, writers });
    const { states, idsIn, idsOut, again } = await pieces.write(account, deadline.signal);
    // Before anything becomes visible, so that it is removed whatever becomes of this delivery.
    await leased.change((now) => ({ ...now, deliveryIds: [...(now.deliveryIds ?? []), deliveryId] }));
    await deps.results.put(keys.states, states.bytes(), 'application/octet-stream');
    const outputBytes = await writers.output.close();
    const errorsBytes = await writers.errors.close();
    const anomaliesBytes = await writers.anomalies.close();
    const anomalies = (part.soFar?.anomalies ?? 0) + account.anomalies;
    const bytes = { outputBytes, errorsBytes, anomaliesBytes };
    return { delivered: { deliveryId, rows: states.counts(), ...bytes, anomalies, idsIn, idsOut }, again };
  } catch (failure) {
    await Promise.all(Object.values(writers).map((writer) => writer.abort()));
    throw failure;
  } finally {
    await scratch.discard();
  }
}

/** The anomalies of earlier attempts stay the first ones. */
async function copyAnomalies(
  { results }: DeliverDeps,
  { soFar, ...part }: Part,
  collector: ResultCollector,
): Promise<void> {
  if (!soFar || soFar.anomaliesBytes === 0) return;
  for await (const chunk of results.read(pieceKeys(part, soFar.deliveryId).anomalies)) {
    await collector.copyAnomalies(chunk);
  }
}

/** Streams one file of the API through the collector. A file that is gone leaves its rows missing. */
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
      throw new RetryableError(`file ${fileId}: ${received} bytes came, the API says it has ${expected}`);
    }
    reader.end();
    await collector.flush();
  } catch (failure) {
    if (!(failure instanceof TerminalError) || failure.code !== 'file_gone') throw failure;
    await assureGone(deps, fileId, part.intent?.account);
    deps.log.error('result_file_gone', { jobId: part.jobId, part: part.number, fileId });
  }
}
