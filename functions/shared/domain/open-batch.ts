import { attemptSize, type PartIn } from './part.ts';

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

/** What observing needs of a running part's batch. */
export function openBatchOf(part: PartIn<'running'>): OpenBatch {
  const { batch, intent, model, jobCreatedAt } = part;
  return {
    batchId: batch.batchId,
    createdAt: batch.createdAt,
    status: batch.status,
    model,
    uploadBytes: attemptSize(part).uploadBytes,
    jobCreatedAt,
    ...(intent.account === undefined ? {} : { account: intent.account }),
  };
}
