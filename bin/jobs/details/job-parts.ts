import type { Reason, RequestCounts, WaitingFor } from '../../../functions/shared/contract/events.ts';
import { delayOf, stalledReasonOf } from '../../../functions/shared/domain/ledger-records.ts';
import { attemptSize, type KnownBatch, type Part } from '../../../functions/shared/domain/part.ts';
import type { WholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { isoTime } from '../../../functions/shared/lifecycle/status-events.ts';

/** A part of a job: the rows of one endpoint and model that fit one batch. */
export interface PartDetails {
  /** From 1. */
  readonly number: number;
  readonly model: string;
  readonly endpoint: string;
  readonly rows: number;
  readonly phase: Part['phase'];
  /** The present attempt, from 1. */
  readonly attempt: number;
  readonly waitingFor?: WaitingFor;
  readonly stalled?: Reason;
  /** Of each attempt, oldest first; the last one is the present one, if it has a batch. */
  readonly batches: readonly BatchDetails[];
  /** Batches that were found besides these, and are cancelled. */
  readonly secondBatchIds: readonly string[];
}

/** A batch of a part. Times in ISO 8601, by the API's clock. */
export interface BatchDetails {
  readonly batchId: string;
  /** As the API reported it last. A batch that the API rejected for the token limit is `failed`. */
  readonly status: string;
  readonly attempt: number;
  /** How many rows were sent. Absent if the API rejected the batch. */
  readonly rows?: number;
  readonly createdAt?: string;
  readonly endedAt?: string;
  readonly counts?: RequestCounts;
  /** The first error of the batch itself. */
  readonly error?: string;
}

/** Returns the details of a part with all its attempts. */
export function partDetails(part: WholePart): PartDetails {
  const { number, model, endpoint, rows, phase, attempt, secondBatchIds } = part;
  const waiting = part.waiting?.for ?? delayOf(part)?.for;
  const stalled = stalledReasonOf(part);
  return {
    ...{ number, model, endpoint, rows, phase, attempt },
    ...(waiting !== undefined && { waitingFor: waiting }),
    ...(stalled && { stalled }),
    batches: batchesIn(part),
    secondBatchIds,
  };
}

/** An attempt that the API rejected for the token limit has left only the id of its batch. */
function batchesIn(part: WholePart): BatchDetails[] {
  const { ran, earlierBatchIds, batch, attempt } = part;
  const ranById = new Map(ran.map((earlier) => [earlier.batch.batchId, earlier]));
  const earlier = earlierBatchIds.map((batchId, at): BatchDetails => {
    const known = ranById.get(batchId);
    const attemptOf = at + 1;
    if (!known) return { batchId, status: 'failed', attempt: attemptOf };
    return { ...batchDetails(known.batch, attemptOf), rows: known.rows };
  });
  if (!batch || earlierBatchIds.includes(batch.batchId)) return earlier;
  return [...earlier, { ...batchDetails(batch, attempt), rows: attemptSize(part).rows }];
}

function batchDetails(batch: KnownBatch, attempt: number): BatchDetails {
  const { batchId, status, createdAt, endedAt, counts, errors } = batch;
  const [error] = errors;
  return {
    ...{ batchId, status, attempt, createdAt: isoTime(createdAt) },
    ...(endedAt !== undefined && { endedAt: isoTime(endedAt) }),
    ...(counts && { counts }),
    ...(error && { error: [error.code, error.message].filter((each) => each !== null).join(': ') }),
  };
}
