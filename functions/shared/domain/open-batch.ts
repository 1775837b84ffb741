import type { RequestCounts } from '../contract/events.ts';
import type { OutputBounds } from './money/output-bounds.ts';
import { attemptBounds, attemptSize, type PartIn } from './part.ts';
import type { ShareOfPart } from './waiting/shares.ts';

/** A batch of this Batchdrop that had not ended when it was last observed. The entry may be stale. */
export interface OpenBatch {
  batchId: string;
  /** The API's creation time, in milliseconds. */
  createdAt: number;
  /** The status last observed. */
  status: string;
  model: string;
  uploadBytes: number;
  rows?: number;
  /** The most output tokens of its rows. */
  output?: OutputBounds;
  jobCreatedAt: number;
  share?: ShareOfPart;
  /** The batch's account; absent when it is not known. */
  account?: string;
  /** The part's intent. Any other batch with this intent or input file is a second batch. */
  intentId?: string;
  fileId?: string;
  /** Only the response to the create request has shown this batch. */
  unconfirmed?: true;
  /** A webhook has reported its end. */
  told?: true;
  /** How much of its rows the API had processed when that was last stored, as a whole percentage; absent: none. */
  percent?: number;
}

/** Returns how much of a batch's rows the API has processed, as a whole percentage. */
export function processedPercent(counts: RequestCounts | undefined): number {
  if (counts === undefined || counts.total <= 0) return 0;
  return Math.min(100, Math.max(0, Math.floor((100 * (counts.completed + counts.failed)) / counts.total)));
}

/** Returns what an observation needs of a running part's batch. */
export function openBatchOf(part: PartIn<'running'>): OpenBatch {
  const { batch, intent, model, jobCreatedAt, share } = part;
  const output = attemptBounds(part);
  const { uploadBytes, rows } = attemptSize(part);
  const percent = processedPercent(batch.counts);
  return {
    batchId: batch.batchId,
    createdAt: batch.createdAt,
    status: batch.status,
    model,
    uploadBytes,
    rows,
    ...(output && { output }),
    jobCreatedAt,
    ...(share ? { share } : {}),
    ...(intent.account === undefined ? {} : { account: intent.account }),
    intentId: intent.id,
    fileId: intent.fileId,
    ...(part.unconfirmed ? { unconfirmed: part.unconfirmed } : {}),
    ...(part.toldAt === undefined ? {} : { told: true as const }),
    ...(percent > 0 && { percent }),
  };
}
