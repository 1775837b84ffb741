import { TerminalError } from '../shared/domain/errors.ts';
import { attemptSize, type ObservedBatch, type Part, type PartIn } from '../shared/domain/part.ts';
import type { AbandonedIntent } from '../shared/domain/spending/intents.ts';
import { without } from '../shared/domain/without.ts';
import type { PartInHand } from '../shared/lifecycle/compare-and-set.ts';
import type { LeasedPart } from '../shared/lifecycle/lease.ts';
import { withBatch } from '../shared/lifecycle/save-batch.ts';
import { withPast } from '../shared/lifecycle/spending/past-attempts.ts';
import type { Ports } from '../shared/ports/ports.ts';

type Deps = Pick<Ports, 'ledger' | 'clock' | 'log' | 'api'>;

/**
 * Adopts the batch that a person found for a stalled part, if it can belong to the part. If not, the part remains
 * stalled, and its reason says why. Errors: those of the API, LostLease.
 */
export async function adoptFoundBatch(deps: Deps, inHand: PartInHand, leased: LeasedPart): Promise<void> {
  const part = leased.item;
  if (part.phase !== 'stalled' || !part.adopt) return;
  const { batchId } = part.adopt;
  const found = await retrieve(deps, batchId);
  const problem = (await isOfOther(deps, inHand, batchId))
    ? 'it belongs to another part'
    : typeof found === 'string'
      ? found
      : (problemWith(part, found) ?? (await earlierProblem(deps, part, batchId)));
  await leased.change((known) => {
    if (known.phase !== 'stalled' || known.adopt?.batchId !== batchId) return undefined;
    if (problem === undefined && typeof found !== 'string')
      return leased.released(adopting(known, found, deps.clock.now()));
    const message = `${batchId} was not adopted: ${problem}`;
    return leased.released({ ...without(known, 'adopt'), stalled: { code: known.stalled.code, message } });
  });
  const { jobId, number } = inHand.ref;
  if (problem !== undefined) {
    deps.log.warn('batch_not_adopted', { jobId, part: number, batchId, reason: problem });
    return;
  }
  deps.log.info('batch_adopted', { jobId, part: number, batchId });
  await deps.ledger.putBatchPointer(batchId, inHand.ref, inHand.item.expiresAt);
}

async function retrieve({ api }: Deps, batchId: string): Promise<ObservedBatch | string> {
  try {
    return await api.retrieveBatch(batchId);
  } catch (failure) {
    if (!(failure instanceof TerminalError)) throw failure;
    return failure.code === 'not_found' ? 'the API does not know it' : failure.message;
  }
}

async function isOfOther({ ledger }: Deps, { ref }: PartInHand, batchId: string): Promise<boolean> {
  const owner = await ledger.readBatchPointer(batchId);
  return owner !== undefined && (owner.jobId !== ref.jobId || owner.number !== ref.number);
}

/** Returns why the batch cannot belong to the part; undefined if it can. */
function problemWith(part: PartIn<'stalled'>, batch: ObservedBatch): string | undefined {
  const { endpoint, counts, metadata } = batch;
  if (endpoint !== undefined && endpointName(endpoint) !== endpointName(part.endpoint))
    return `its endpoint is ${endpoint}, the part's is ${part.endpoint}`;
  const { rows } = attemptSize(part);
  if (counts && counts.total > 0 && counts.total !== rows)
    return `it has ${counts.total} rows, the part has ${rows}`;
  const { batchdrop_job: jobId = part.jobId, batchdrop_part: number = `${part.number}` } = metadata;
  if (jobId !== part.jobId || number !== `${part.number}`)
    return `its metadata names part ${number} of job ${jobId}`;
  if (batch.inputFileId === undefined && part.abandoned.length === 0)
    return 'the API reports no input file for it';
  return undefined;
}

async function earlierProblem(deps: Deps, part: Part, batchId: string): Promise<string | undefined> {
  const { earlierBatchIds } = await withPast(deps, part);
  return earlierBatchIds.includes(batchId) ? 'it is an earlier batch of the part' : undefined;
}

/** Some vendors omit the version. */
function endpointName(endpoint: string): string {
  return endpoint.replace(/^\/v1(?=\/)/, '');
}

/** Returns the part with the batch on its abandoned intent, so that this create is resolved. */
function adopting(part: PartIn<'stalled'>, batch: ObservedBatch, now: number) {
  const resolved = intentOf(part, batch);
  const { intentId: id, at, fileId, account } = resolved ?? { intentId: part.jobId, at: now, fileId: '' };
  const intent = {
    id,
    at,
    fileId: batch.inputFileId ?? fileId,
    sendBy: at,
    ...(account === undefined ? {} : { account }),
  };
  const abandoned = part.abandoned.filter((other) => other !== resolved);
  return withBatch({ ...part, abandoned }, intent, batch, now);
}

function intentOf({ abandoned }: PartIn<'stalled'>, batch: ObservedBatch): AbandonedIntent | undefined {
  return (
    abandoned.find(({ intentId }) => intentId === batch.metadata.batchdrop_intent) ??
    abandoned.find(({ fileId }) => fileId === batch.inputFileId) ??
    abandoned.at(-1)
  );
}
