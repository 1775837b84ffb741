import { hasEnded } from '../../contract/batch-status.ts';
import type { Part } from '../../domain/part.ts';
import type { OpenSecondBatch } from '../../domain/spending/intents.ts';
import { CANCEL_AGAIN_MS } from '../../domain/timing.ts';
import { without } from '../../domain/without.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PartInHand } from '../compare-and-set.ts';
import { isOurAccount } from '../openai-account.ts';
import { knows, unknownOf } from './past-attempts.ts';

type Deps = Pick<Ports, 'clock' | 'log' | 'metrics' | 'api'>;

/**
 * Reports a batch that must not run, records it and cancels it. It is recorded before the cancel, which is then sent until
 * the batch has ended or is gone. If the part already knows it, this function does nothing: the response to a create may
 * be so late that a search has found its batch and a later attempt has begun. Errors: RetryableError of the ledger.
 */
export async function cancelSecondBatch(
  deps: Deps & Pick<Ports, 'ledger'>,
  inHand: PartInHand,
  batchId: string,
): Promise<void> {
  if ((await unknownOf(deps, inHand.item, [{ batchId }])).length === 0) return;
  // Before it is recorded: if an invocation dies in between, the batch is reported twice, and not never.
  const { jobId, number } = inHand.ref;
  deps.log.error('second_batch', { jobId, part: number, batchId });
  deps.metrics.record('SecondBatches', 1);
  const isNew = await inHand.change((part) => withSecondBatch(part, batchId, deps.clock.now()));
  if (!isNew) return;
  await cancelSecondBatches(deps, inHand);
}

function withSecondBatch(part: Part, batchId: string, now: number): Part | undefined {
  if (knows(part, batchId)) return undefined;
  return {
    ...part,
    secondBatchIds: [...part.secondBatchIds, batchId],
    openSecondBatches: [...(part.openSecondBatches ?? []), { batchId, cancelAt: now }],
  };
}

/**
 * Cancels the part's second batches that are due. A cancel that fails is sent again later and delays nothing else of
 * the part. Returns true. Errors: RetryableError of the ledger.
 */
export async function cancelSecondBatches(deps: Deps, inHand: PartInHand): Promise<true> {
  const now = deps.clock.now();
  const tried = new Map<string, OpenSecondBatch | 'over'>();
  for (const second of inHand.item.openSecondBatches ?? [])
    if (second.cancelAt <= now) tried.set(second.batchId, await cancelOnce(deps, inHand.item, second));
  await inHand.change((part) => {
    const open = (part.openSecondBatches ?? []).flatMap((second) => {
      const after = tried.get(second.batchId) ?? second;
      return after === 'over' ? [] : [after];
    });
    const rest = without(part, 'openSecondBatches');
    return open.length === 0 ? rest : { ...rest, openSecondBatches: open };
  });
  return true;
}

async function cancelOnce(
  deps: Deps,
  part: Part,
  second: OpenSecondBatch,
): Promise<OpenSecondBatch | 'over'> {
  const { batchId } = second;
  const later = { batchId, cancelAt: deps.clock.now() + CANCEL_AGAIN_MS };
  try {
    const response = await deps.api.cancelBatch(batchId);
    if (response === 'too_late') return 'over';
    if (response !== 'unknown') return hasEnded(response.status) ? 'over' : later;
    // The API may not know a batch that was just created, and does not know a batch of another account.
    const isGone = second.unknown === true && (await isOurAccount(deps, accountOf(part)));
    return isGone ? 'over' : { ...later, unknown: true };
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    deps.log.warn('second_batch_not_cancelled', { jobId: part.jobId, part: part.number, batchId, reason });
    return later;
  }
}

function accountOf({ intent, abandoned }: Part): string | undefined {
  return intent?.account ?? abandoned.at(-1)?.account;
}
