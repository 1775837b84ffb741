import { hasEnded } from '../../shared/contract/batch-status.ts';
import { RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import type { ObservedBatch, Part, PartIn } from '../../shared/domain/part.ts';
import type { ResultsWait } from '../../shared/domain/part-results.ts';
import { RESULTS_ALARM_AFTER_MS, RESULTS_EXPIRING_AFTER_MS } from '../../shared/domain/timing.ts';
import { without } from '../../shared/domain/without.ts';
import type { LeasedPart } from '../../shared/lifecycle/lease.ts';
import type { Ports } from '../../shared/ports/ports.ts';

/**
 * If the results did not agree before, returns the part with its batch as the API reports it now, because a batch may
 * name its files and count its rows some time after its end. Fields that the API no longer sends keep their values. A
 * failed retrieve changes nothing, because the known files can be read without it. `unanswered`: why there was no
 * response. Errors: NotAllowed.
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
 * Lets the part wait for the next check of its results. The delivery made nothing visible, so it is not recorded.
 * `seen`: the part with the batch that this delivery read. Errors: those of the ledger, LostLease.
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
  // Recorded at every check, so that the alarm stays on while the part waits.
  if (deps.clock.now() - wait.since >= RESULTS_ALARM_AFTER_MS) deps.metrics.record('ResultsWaiting', 1);
}

/**
 * Records that the API will soon delete results that were not read. Called at every try, so that the alarm stays on.
 */
export function recordExpiring(
  { clock, log, metrics }: Pick<Ports, 'clock' | 'log' | 'metrics'>,
  part: Part,
): void {
  if (part.phase !== 'batch_ended') return;
  const { jobId, number, batch, intent, changedAt } = part;
  // The end by the API's clock, unless our clock shows that it is impossible.
  const endedAt = Math.max(intent.at, Math.min(batch.endedAt ?? changedAt, changedAt));
  if (clock.now() - endedAt < RESULTS_EXPIRING_AFTER_MS) return;
  metrics.record('ResultsExpiring', 1);
  log.error('results_expiring', { jobId, part: number, batchId: batch.batchId });
}
