/**
 * The events of parts and jobs, made from the ledger's items alone: the same item gives the same event, however often
 * it is published.
 */
import {
  type BatchdropEvent,
  type BatchStatusChangeData,
  DETAIL_TYPE,
  EVENT_VERSION,
  excerptOf,
  type JobStatusChange,
} from '../contract/events.ts';
import { reportKey, resultKeys } from '../contract/result-keys.ts';
import type { Job } from '../domain/job.ts';
import type { ObservedBatch, Part } from '../domain/part.ts';
import { attemptSize } from '../domain/part.ts';

/** The event of the part's newest status change. */
export function batchStatusChange(part: Part, batch: ObservedBatch): BatchdropEvent {
  const data: BatchStatusChangeData = {
    batchId: batch.batchId,
    status: batch.status,
    previousStatus: part.previousStatus,
    request: part.request,
    part: part.number,
    parts: part.parts,
    attempt: part.attempt,
    endpoint: part.endpoint,
    model: part.model,
    rows: attemptSize(part).rows,
    counts: batch.counts ?? null,
    usage: batch.usage ?? null,
    inputFileId: batch.inputFileId,
    outputFileId: batch.outputFileId ?? null,
    errorFileId: batch.errorFileId ?? null,
    createdAt: isoTime(batch.createdAt),
    expiresAt: batch.expiresAt === undefined ? null : isoTime(batch.expiresAt),
    endedAt: batch.endedAt === undefined ? null : isoTime(batch.endedAt),
    metadata: part.metadata,
  };
  if (batch.status === 'failed') {
    data.errors = excerptOf(batch.errors, batch.errorCount);
    data.willRetry = part.willRetry === true;
    const { waiting } = part;
    if (data.willRetry && waiting?.until !== undefined) {
      data.waiting = {
        for: waiting.for,
        position: waiting.position ?? null,
        until: isoTime(waiting.until),
      };
    }
  }
  return {
    detailType: DETAIL_TYPE.batchStatusChange,
    detail: {
      metadata: {
        id: `${batch.batchId}:${part.rev}`,
        version: EVENT_VERSION,
        sequence: part.rev,
        occurredAt: isoTime(part.changedAt),
        jobId: part.jobId,
      },
      data,
    },
  };
}

/** The event of the job's newest status change. */
export function jobStatusChange(job: Job, resultsBucket: string): BatchdropEvent {
  return {
    detailType: DETAIL_TYPE.jobStatusChange,
    detail: {
      metadata: {
        id: `${job.jobId}:${job.rev}`,
        version: EVENT_VERSION,
        sequence: job.rev,
        occurredAt: isoTime(job.changedAt),
        jobId: job.jobId,
      },
      data: jobData(job, resultsBucket),
    },
  };
}

function jobData(job: Job, resultsBucket: string): JobStatusChange['data'] {
  const { bucket, key, versionId, size, etag, metadata } = job.request;
  const base = {
    previousStatus: job.previousStatus,
    request: { bucket, key, versionId, size, etag },
    metadata,
  };
  const planned = { rows: job.plan?.rows ?? 0, parts: job.plan?.parts ?? 0 };
  switch (job.status) {
    case 'accepted':
      return { ...base, status: 'accepted', ...planned, ...(job.waiting ? { waiting: job.waiting } : {}) };
    case 'submitted':
      return { ...base, status: 'submitted', ...planned };
    case 'rejected':
      return {
        ...base,
        status: 'rejected',
        findings: job.findings ?? { count: 0, first: [] },
        report: { bucket: resultsBucket, key: reportKey(job) },
      };
    case 'joined':
      return { ...base, status: 'joined', joinedJobId: job.joinedJobId ?? '' };
    case 'received':
      throw new Error(`job ${job.jobId}: "received" is never published`);
    default:
      return {
        ...base,
        status: job.status,
        rows: job.rows ?? { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 },
        usage: job.usage ?? null,
        batches: job.batches ?? { count: 0, first: [] },
        ...(job.plan ? { results: { bucket: resultsBucket, ...resultKeys(job) } } : {}),
        ...(job.reason ? { reason: job.reason } : {}),
      };
  }
}

/** ISO 8601 with milliseconds, of milliseconds since the epoch. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
