/**
 * Makes the events of parts and jobs from their ledger items alone, so that an item always gives the same event,
 * however often it is published.
 */
import {
  type BatchStatusChangeData,
  type BatchWaiting,
  DETAIL_TYPE,
  EVENT_VERSION,
  excerptOf,
  type JobAccepted,
  type JobJoined,
  type JobStatusChangeData,
  type ResultsRef,
} from '../contract/events.ts';
import { RERUN_INSTRUCTION } from '../contract/request-file.ts';
import { csvKey, reportKey, resultKeys } from '../contract/result-keys.ts';
import { type EndedJob, type Job, type JobIn, retriedJob } from '../domain/job.ts';
import type { OutgoingEvent, OutgoingJobEvent } from '../domain/outgoing-event.ts';
import type { KnownBatch, Part, PartIn } from '../domain/part.ts';
import { attemptSize } from '../domain/part.ts';

/** The event of the part's newest status change. */
export function batchStatusChange(part: Part, batch: KnownBatch, instance: string): OutgoingEvent {
  const data: BatchStatusChangeData = {
    batchId: batch.batchId,
    status: batch.status,
    previousStatus: part.previousStatus,
    requestFile: part.request,
    partNumber: part.number,
    plannedParts: part.parts,
    attempt: part.attempt,
    endpoint: part.endpoint,
    model: part.model,
    sentRows: attemptSize(part).rows,
    requestCounts: batch.counts ?? null,
    usage: batch.usage ?? null,
    inputFileId: batch.inputFileId,
    outputFileId: batch.outputFileId ?? null,
    errorFileId: batch.errorFileId ?? null,
    createdAt: isoTime(batch.createdAt),
    expiresAt: batch.expiresAt === undefined ? null : isoTime(batch.expiresAt),
    endedAt: batch.endedAt === undefined ? null : isoTime(batch.endedAt),
    metadata: part.metadata,
    ...(batch.status === 'failed' ? failureData(part, batch) : {}),
  };
  return {
    detailType: DETAIL_TYPE.batchStatusChange,
    detail: {
      metadata: {
        id: `${batch.batchId}:${part.rev}`,
        version: EVENT_VERSION,
        sequence: part.rev,
        occurredAt: isoTime(part.changedAt),
        instance,
        jobId: part.jobId,
      },
      data,
    },
  };
}

function failureData(
  part: Part,
  batch: KnownBatch,
): Pick<BatchStatusChangeData, 'errors' | 'willRetry' | 'waiting'> {
  const willRetry = part.phase === 'requeued' || part.phase === 'retrying';
  const waiting = willRetry ? waitingData(part) : undefined;
  return {
    errors: excerptOf(batch.errors, batch.errorCount),
    willRetry,
    ...(waiting ? { waiting } : {}),
  };
}

function waitingData({ waiting }: Part): BatchWaiting | undefined {
  if (waiting?.until === undefined) return undefined;
  return { for: waiting.for, position: waiting.position ?? null, until: isoTime(waiting.until) };
}

/** The Batchdrop that the events come from, and where its results are. */
export interface EventOrigin {
  /** The name of this Batchdrop; it is unique in the account and region. */
  instance: string;
  resultsBucket: string;
  /** The start of all keys in the results bucket. */
  resultsPrefix?: string;
}

/** The event of the job's newest status change. */
export function jobStatusChange(job: Job, origin: EventOrigin): OutgoingJobEvent {
  return {
    detailType: DETAIL_TYPE.jobStatusChange,
    detail: {
      metadata: {
        id: `${job.jobId}:${job.rev}`,
        version: EVENT_VERSION,
        sequence: job.rev,
        occurredAt: isoTime(job.changedAt),
        instance: origin.instance,
        jobId: job.jobId,
      },
      data: jobData(job, origin),
    },
  };
}

function jobData(job: Job, origin: EventOrigin): JobStatusChangeData {
  const { resultsBucket, resultsPrefix } = origin;
  const { bucket, key, versionId, size, etag, metadata } = job.request;
  const base = {
    previousStatus: job.previousStatus,
    requestFile: { bucket, key, versionId, size, etag },
    metadata,
    ...retryData(job),
  };
  const planned = { plannedRows: job.plan?.rows ?? 0, plannedParts: job.plan?.parts ?? 0 };
  switch (job.status) {
    case 'unapproved': {
      const { reason, until } = job.hold;
      const facts = { ...planned, ...estimateData(job), reason, approveBy: isoTime(until) };
      return { ...base, status: 'unapproved', ...facts };
    }
    case 'accepted':
      return {
        ...base,
        status: 'accepted',
        ...planned,
        ...estimateData(job),
        ...(job.waiting ? { waiting: job.waiting } : {}),
      };
    case 'submitted':
      return { ...base, status: 'submitted', ...planned };
    case 'rejected':
      return {
        ...base,
        status: 'rejected',
        findings: job.findings,
        report: { bucket: resultsBucket, key: reportKey(job, resultsPrefix) },
      };
    case 'joined':
      return { ...base, status: 'joined', joinedJobId: job.joinedJobId, ...unsuccessfulData(job) };
    case 'received':
      throw new Error(`job ${job.jobId}: "received" is never published`);
    default:
      return {
        ...base,
        status: job.status,
        ...(job.rows
          ? { rows: job.rows, usage: job.usage ?? null, cost: job.cost, batches: job.batches }
          : { rows: NO_ROWS, usage: null, cost: null, batches: { count: 0, first: [] } }),
        ...(job.plan ? { results: resultsRef(job, origin) } : {}),
        ...(job.reason ? { reason: job.reason } : {}),
      };
  }
}

function resultsRef(job: EndedJob, { resultsBucket: bucket, resultsPrefix }: EventOrigin): ResultsRef {
  const hasTable = job.flat !== undefined && !('failed' in job.flat);
  const csv = hasTable ? { csv: csvKey(job, resultsPrefix) } : {};
  return { bucket, ...resultKeys(job, resultsPrefix), ...csv };
}

function retryData(job: Job): Pick<JobAccepted, 'retryOf'> {
  const retryOf = retriedJob(job);
  return retryOf === undefined ? {} : { retryOf };
}

function estimateData({ plan }: Job): Pick<JobAccepted, 'estimate'> {
  return plan?.estimate ? { estimate: plan.estimate } : {};
}

function unsuccessfulData({
  joinedJobId,
  unsuccessful,
}: JobIn<'joined'>): Pick<JobJoined, 'unsuccessfulRows' | 'message'> {
  if (!unsuccessful) return {};
  const { rows, refused } = unsuccessful;
  const why =
    refused === 0 ? '' : `, ${refused} of them because the API refused them: change these rows first`;
  const message = `${rows} row(s) of job ${joinedJobId} did not succeed${why}. The errors.jsonl of that job lists them. To run only these rows: batchdrop retry ${joinedJobId}, or upload them as a new file. To run the whole file again, and pay for every row again, upload it with x-amz-meta-${RERUN_INSTRUCTION}: yes`;
  return { unsuccessfulRows: rows, message };
}

const NO_ROWS = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };

/** The event of a part that waits for a person. Each stall of a part has its own event. */
export function jobStalled(part: PartIn<'stalled'>, instance: string): OutgoingEvent {
  const { jobId, number, parts, request, metadata, abandoned, stalled, releases = 0 } = part;
  return {
    detailType: DETAIL_TYPE.jobStalled,
    detail: {
      metadata: {
        id: `${jobId}:stalled:${number}:${part.attempt}:${releases}`,
        version: EVENT_VERSION,
        sequence: releases + 1,
        occurredAt: isoTime(abandoned.at(-1)?.givenUpAt ?? part.changedAt),
        instance,
        jobId,
      },
      data: {
        cause: stalled.code,
        message: stalled.message,
        requestFile: request,
        partNumber: number,
        plannedParts: parts,
        unresolvedCreates: abandoned.length,
        metadata,
      },
    },
  };
}

/** Returns a time in milliseconds since the epoch as ISO 8601 with milliseconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
