import { hasEnded } from '../contract/batch-status.ts';
import type { ObservedBatch, Part } from './part.ts';
import { attemptSize } from './part.ts';

/** A batch of ours that had not ended when last seen; it may be stale. */
export interface OpenBatch {
  batchId: string;
  /** As the API has it, in milliseconds. */
  createdAt: number;
  /** As it was known. */
  status: string;
  model: string;
  uploadBytes: number;
  jobCreatedAt: number;
  /** The account that holds it; absent when that is not known. */
  account?: string;
}

/** What observing needs of a part's batch. */
export function openBatchOf(part: Part, { batchId, createdAt, status }: ObservedBatch): OpenBatch {
  const { intent, model, jobCreatedAt } = part;
  return {
    batchId,
    createdAt,
    status,
    model,
    uploadBytes: attemptSize(part).uploadBytes,
    jobCreatedAt,
    ...(intent?.account === undefined ? {} : { account: intent.account }),
  };
}

/**
 * The part's batch, if observing it is all there is to do with the part, whatever the time. What else may be due, such as
 * a cancel that is to be sent again, is decided on the part itself.
 */
export function onlyToBeObserved(part: Part): OpenBatch | undefined {
  const { batch } = part;
  if (!part.active || !batch || hasEnded(batch.status) || part.rev > part.publishedRev) return undefined;
  if (part.ended || part.delivered) return undefined; // the API knows the batch no more
  if (part.cancelRequestedAt !== undefined || part.backoffUntil !== undefined || part.lease) return undefined;
  return openBatchOf(part, batch);
}
