import { attemptSize, type Delivered, type Part, type PartIn } from '../../shared/domain/part.ts';
import { without } from '../../shared/domain/without.ts';

/** Which rows run again, and how often. */
export interface RerunPolicy {
  /** The most batches a row may be in; 1: none runs again. */
  maxAttempts: number;
  /** Rows missing from both result files run again, though the API may have run and billed them. */
  rerunMissing: boolean;
}

/** Whether rows of the part's ended batch may run again, unless a cancel was requested. A batch that never ran has none. */
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
  'waiting',
  'cancelSentAt',
  'dispatchedUntil',
] as const;

/** The part ready for a new attempt: of the rows that `again` counts, in a file and a batch of their own. */
export function nextAttempt(
  part: PartIn<'batch_ended' | 'requeued' | 'retrying'>,
  delivered: Delivered,
  again: { rows: number; uploadBytes: number },
): Part {
  const { batch, intent, admission } = part;
  return {
    ...without(part, ...OF_AN_ATTEMPT),
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
