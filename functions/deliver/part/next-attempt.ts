import type { Delivered, Part } from '../../shared/domain/part.ts';
import { attemptSize } from '../../shared/domain/part.ts';
import { without } from '../../shared/lifecycle/compare-and-set.ts';

/** Which rows run again, and how often. */
export interface RerunPolicy {
  /** Batches a row may be in at the most; 1: none runs again. */
  maxAttempts: number;
  /** Rows of which the API left no line run again: it may have run them, and billed them, all the same. */
  rerunMissing: boolean;
}

/** Whether rows of the part's ended batch may run again, but for a wish to cancel. A batch that never ran has none. */
export function mayRunAgain(part: Part, { maxAttempts }: RerunPolicy): boolean {
  const ran = part.batch?.status === 'completed' || part.batch?.status === 'expired';
  return ran && part.ran.length + 1 < maxAttempts;
}

const OF_AN_ATTEMPT = [
  'batch',
  'intent',
  'admission',
  'backoffUntil',
  'stalled',
  'cancelSentAt',
  'dispatchedUntil',
] as const;

/** The part with a new attempt before it: of the rows that `again` counts, in a file and a batch of their own. */
export function nextAttempt(
  part: Part,
  delivered: Delivered,
  again: { rows: number; uploadBytes: number },
): Part {
  const { batch, intent, admission } = part;
  if (!batch || !intent)
    throw new Error(`next attempt of ${part.jobId}/${part.number}: there was none before`);
  return {
    ...(without(part, ...OF_AN_ATTEMPT) as Part),
    ran: [...part.ran, { batch, intent, rows: attemptSize(part).rows, ...(admission ? { admission } : {}) }],
    earlierBatchIds: [...part.earlierBatchIds, batch.batchId],
    soFar: { ...delivered, again },
    attempt: part.attempt + 1,
    previousStatus: null,
    rev: 0,
    publishedRev: 0,
    tries: 0,
  };
}
