import { hasEnded } from '../../shared/contract/batch-status.ts';
import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { ObservedBatch, Part, PartIn } from '../../shared/domain/part.ts';
import type { ResultsWait } from '../../shared/domain/part-results.ts';
import { RESULTS_ALARM_AFTER_MS, RESULTS_EXPIRING_AFTER_MS } from '../../shared/domain/timing.ts';
import { without } from '../../shared/domain/without.ts';
import type { LeasedPart } from '../../shared/lifecycle/lease.ts';
import type { Ports } from '../../shared/ports/ports.ts';

/**
 * Returns the part with its batch as the API reports it now, if its results did not agree before: the batch may name
 * its files, and count its rows, some time after its end. What the API no longer says stays as it was, and a failed
 * retrieve changes nothing: the files that are known can be read without it. `unanswered`: why it had no answer.
 * Errors: NotAllowed.
 */
export async function retrievedAgain(
  { api }: Pick<Ports, 'api'>,
  part: Part,
): Promise<{ part: Part; unanswered?: string }> {
  if (part.phase !== 'batch_ended' || part.resultsWait === undefined) return { part };
  try {
    const now = await api.retrieveBatch(part.batch.batchId);
    return { part: now.batchId === part.batch.batchId ? withFilesOf(part, now) : part };
  } catch (failure) {
    if (failure instanceof RetryableError) return { part, unanswered: failure.message };
    if (failure instanceof TerminalError) return { part };
    throw failure;
  }
}

function withFilesOf(part: PartIn<'batch_ended'>, now: ObservedBatch): Part {
  if (!hasEnded(now.status)) return part;
  const { batch } = part;
  const { outputFileId, errorFileId, counts, usage, endedAt } = now;
  return {
    ...part,
    batch: {
      ...batch,
      ...(outputFileId === undefined ? {} : { outputFileId }),
      ...(errorFileId === undefined ? {} : { errorFileId }),
      ...(counts === undefined ? {} : { counts }),
      ...(usage === undefined ? {} : { usage }),
      ...(endedAt === undefined ? {} : { endedAt }),
    },
  };
}

/**
 * Lets the part wait for the next look at its results. The delivery made nothing visible: it is forgotten. `seen`: the
 * part with its batch as it was read. Errors: those of the ledger, LostLease.
 */
export async function lookAgainLater(
  deps: Pick<Ports, 'clock' | 'log' | 'metrics'>,
  leased: LeasedPart,
  seen: Part,
  { deliveryId, wait }: { deliveryId: string; wait: ResultsWait },
): Promise<void> {
  await leased.change((part) => {
    if (part.phase !== 'batch_ended' || part.batch.batchId !== seen.batch?.batchId) return undefined;
    const deliveryIds = (part.deliveryIds ?? []).filter((id) => id !== deliveryId);
    const obstacle = { for: 'results', since: wait.since, said: wait.why } as const;
    const waiting = { resultsWait: wait, obstacle, backoffUntil: wait.until, tries: 0, deliveryIds };
    return leased.released({ ...without(part, 'stalled'), batch: seen.batch, ...waiting });
  });
  const { jobId, number, batch } = seen;
  const { looks, why } = wait;
  deps.log.warn('results_do_not_agree', { jobId, part: number, batchId: batch?.batchId, looks, why });
  // At every look, so that the alarm stays on while the part waits.
  if (deps.clock.now() - wait.since >= RESULTS_ALARM_AFTER_MS) deps.metrics.record('ResultsWaiting', 1);
}

/** Records that the API will soon remove results that were not read. At every try, so that the alarm stays on. */
export function recordExpiring(
  { clock, log, metrics }: Pick<Ports, 'clock' | 'log' | 'metrics'>,
  part: Part,
): void {
  if (part.phase !== 'batch_ended') return;
  const { jobId, number, batch, intent, changedAt } = part;
  // The end by the API's clock, if it is possible by ours.
  const endedAt = Math.max(intent.at, Math.min(batch.endedAt ?? changedAt, changedAt));
  if (clock.now() - endedAt < RESULTS_EXPIRING_AFTER_MS) return;
  metrics.record('ResultsExpiring', 1);
  log.error('results_expiring', { jobId, part: number, batchId: batch.batchId });
}
