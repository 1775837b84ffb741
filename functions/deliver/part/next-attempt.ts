import { attemptSize, type Delivered, type Part, type PartIn } from '../../shared/domain/part.ts';
import { without } from '../../shared/domain/without.ts';

/** The configuration of which rows run again, and how often. */
export interface RerunPolicy {
  /** The maximum number of batches that may contain a row; 1: no row runs again. */
  maxAttempts: number;
  /** Rows missing from both result files run again, although the API may have run and billed them. */
  rerunMissing: boolean;
}

/** Returns whether rows of the part's ended batch may run again if no cancel is requested. The batch must have run. */
export function mayRunAgain(part: Part, { maxAttempts }: RerunPolicy): boolean {
  const ran = part.batch?.status === 'completed' || part.batch?.status === 'expired';
  return ran && part.ran.length + 1 < maxAttempts;
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
  'unconfirmed',
] as const;

/** Returns the part, ready for a new attempt with the rows that `again` counts, in a new file and batch. */
export function nextAttempt(
  part: PartIn<'batch_ended' | 'requeued' | 'retrying'>,
  delivered: Delivered,
  again: { rows: number; uploadBytes: number },
): Part {
  const { batch, intent, admission } = part;
  return {
    ...without(part, ...ATTEMPT_FIELDS),
    phase: 'ready',
    ran: [...part.ran, { batch, intent, rows: attemptSize(part).rows, ...(admission ? { admission } : {}) }],
    earlierBatchIds: [...part.earlierBatchIds, batch.batchId],
    earlierResults: { ...delivered, again },
    attempt: part.attempt + 1,
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    tries: 0,
  };
}
