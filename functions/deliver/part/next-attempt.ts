import { attemptSize, type Part, type PartIn } from '../../shared/domain/part.ts';
import type { Delivered } from '../../shared/domain/part-results.ts';
import { without } from '../../shared/domain/without.ts';

/** Configures which rows run again, and how often. */
export interface RerunPolicy {
  /** The maximum number of batches that may contain a row. With 1, no row runs again. */
  maxAttempts: number;
  /** Run rows again that are missing from both result files, although the API may have run and billed them. */
  rerunMissing: boolean;
}

/** Returns whether the part's ended batch has run, so that another attempt may follow if no cancel is requested. */
export function mayGoOn({ batch }: Part): boolean {
  return batch?.status === 'completed' || batch?.status === 'expired';
}

const ATTEMPT_FIELDS = [
  'batch',
  'intent',
  'admission',
  'backoffUntil',
  'resultsWait',
  'stalled',
  'waiting',
  'cancelSentAt',
  'dispatchedUntil',
  'slice',
  'obstacle',
  'lostUploads',
  'unconfirmed',
  'deliveryIds',
  'deliveryMessages',
] as const;

/**
 * Returns the part ready for a new attempt, in a new file and batch. `again`: the number of its rows, and their length.
 */
export function nextAttempt(
  part: PartIn<'batch_ended' | 'requeued' | 'retrying'>,
  delivered: Delivered,
  again: { rows: number; uploadBytes: number },
): Part {
  const { intent, admission } = part;
  // Drops the batch's metadata, which is the part's, because a part that runs in slices may have hundreds of batches.
  const batch = { ...part.batch, metadata: {}, errors: part.batch.errors.slice(0, 1) };
  return {
    ...without(part, ...ATTEMPT_FIELDS),
    phase: 'ready',
    ran: [...part.ran, { batch, intent, rows: attemptSize(part).rows, ...(admission ? { admission } : {}) }],
    earlierBatchIds: [...part.earlierBatchIds, batch.batchId],
    earlierResults: { ...delivered, again },
    ...(isDeliverySuperseded(part) ? { deliverySuperseded: true } : {}),
    attempt: part.attempt + 1,
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    tries: 0,
  };
}

/** Returns whether two deliveries of one attempt may have written: both were recorded, or a second message was sent. */
export function isDeliverySuperseded(part: Part): boolean {
  const { deliveryIds = [], deliveryMessages = 0, deliverySuperseded = false } = part;
  return deliverySuperseded || Math.max(deliveryIds.length, deliveryMessages) > 1;
}
