import { attemptSize, type Part, type PartIn } from '../../shared/domain/part.ts';
import type { Delivered } from '../../shared/domain/part-results.ts';
import { without } from '../../shared/domain/without.ts';

/** The configuration of which rows run again, and how often. */
export interface RerunPolicy {
  /** The maximum number of batches that may contain a row; 1: no row runs again. */
  maxAttempts: number;
  /** Rows missing from both result files run again, although the API may have run and billed them. */
  rerunMissing: boolean;
}

/** Returns whether another attempt may follow the part's ended batch, which must have run, if no cancel is requested. */
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

/** Returns the part, ready for a new attempt with the rows that `again` counts, in a new file and batch. */
export function nextAttempt(
  part: PartIn<'batch_ended' | 'requeued' | 'retrying'>,
  delivered: Delivered,
  again: { rows: number; uploadBytes: number },
): Part {
  const { intent, admission } = part;
  // Its metadata is the part's, and there may be hundreds of batches if the part runs in slices.
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
