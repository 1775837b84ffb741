import type { BatchStatus, JobStatus } from './batch-status.ts';
import {
  type ApprovalOutcomeData,
  type ApprovalOutcomeEvent,
  type ApprovalOutcomeKind,
  type BatchStatusChangeData,
  type BatchStatusChangeEvent,
  type CancelOutcomeData,
  type CancelOutcomeEvent,
  type CancelOutcomeKind,
  DETAIL_TYPE,
  EVENT_SOURCE,
  EVENT_VERSION,
  type JobEstimate,
  type JobStalledData,
  type JobStalledEvent,
  type JobStatusChangeData,
  type JobStatusChangeEvent,
} from './events.ts';

const jobId = 'k5mhx3q2vwn7tjzr4ydaf6bcgs';
const batchId = 'batch_6743b1f2c8a08190a1e2d3c4b5f60718';
const inputFileId = 'file-7hK2mPq9sTxV4wYzB8cD1e';
const outputFileId = 'file-3nRf6GjLpWuA5xZvE9oQ2i';
const errorFileId = 'file-8dSk1HtMyCbU7qNwJ4rX6a';
const file = {
  bucket: 'batchdrop-requests',
  key: 'reviews/2026-11-20.jsonl',
  versionId: 'Uq3vXb7LkT0aZr9mWc2nYd5sEf8hGj1p',
};
const requestFile = { ...file, size: 2_480_117, etag: '0f343b0931126a20f133d67c2b018a3b-1' };
const instance = 'Batchdrop.Batchdrop';
const metadata = { team: 'search' };
const usage = {
  inputTokens: 412_600,
  cachedInputTokens: 61_440,
  outputTokens: 98_214,
  reasoningTokens: 0,
  totalTokens: 510_814,
};
const price = { list: '0.1162104', paid: '0.0581052' };
const cost = {
  currency: 'USD',
  ...price,
  models: [
    {
      model: 'gpt-4o-mini-2024-07-18',
      rows: 997,
      inputTokens: usage.inputTokens,
      cachedInputTokens: usage.cachedInputTokens,
      cacheWriteTokens: 0,
      outputTokens: usage.outputTokens,
      reasoningTokens: usage.reasoningTokens,
      ...price,
    },
  ],
  rowsWithoutUsage: 0,
};
const created = '2026-11-20T18:04:10.000Z';

const batch: BatchStatusChangeData = {
  batchId,
  status: 'validating',
  previousStatus: null,
  requestFile: file,
  partNumber: 1,
  plannedParts: 1,
  attempt: 1,
  endpoint: '/v1/chat/completions',
  model: 'gpt-4o-mini',
  sentRows: 1000,
  requestCounts: null,
  usage: null,
  inputFileId,
  outputFileId: null,
  errorFileId: null,
  createdAt: created,
  expiresAt: '2026-11-21T18:04:10.000Z',
  endedAt: null,
  metadata,
};

/** The fields that EventBridge adds to a detail. */
function envelope(occurredAt: string, keys: { bucket: string; key: string }[]) {
  return {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    source: EVENT_SOURCE,
    account: '111122223333',
    time: `${occurredAt.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`,
    region: 'us-east-1',
    resources: keys.map(({ bucket, key }) => `arn:aws:s3:::${bucket}/${key}`),
  } as const;
}

function ofBatch(
  sequence: number,
  occurredAt: string,
  differences: Partial<BatchStatusChangeData>,
): BatchStatusChangeEvent {
  const id = `${batchId}:${sequence}`;
  return {
    ...envelope(occurredAt, [file]),
    'detail-type': DETAIL_TYPE.batchStatusChange,
    detail: {
      metadata: { id, version: EVENT_VERSION, sequence, occurredAt, instance, jobId },
      data: { ...batch, ...differences },
    },
  };
}

/**
 * One event for each of OpenAI's statuses.
 * @example const event: BatchdropEvent = batchStatusExamples.in_progress; // to test a handler of yours
 */
export const batchStatusExamples: Readonly<Record<BatchStatus, BatchStatusChangeEvent>> = {
  validating: ofBatch(1, '2026-11-20T18:04:11.320Z', {}),
  failed: ofBatch(2, '2026-11-20T18:05:03.118Z', {
    status: 'failed',
    previousStatus: 'validating',
    requestCounts: { total: 0, completed: 0, failed: 0 },
    endedAt: '2026-11-20T18:04:41.000Z',
    errors: {
      count: 1,
      first: [
        {
          code: 'token_limit_exceeded',
          message: 'Enqueued token limit reached for gpt-4o-mini. Please try again later.',
          param: null,
          line: null,
        },
      ],
    },
    willRetry: true,
    waiting: { for: 'token_limit', position: 1, until: '2026-11-20T18:11:09.402Z' },
  }),
  in_progress: ofBatch(2, '2026-11-20T18:05:03.118Z', {
    status: 'in_progress',
    previousStatus: 'validating',
    requestCounts: { total: 1000, completed: 0, failed: 0 },
  }),
  finalizing: ofBatch(3, '2026-11-20T18:12:02.954Z', {
    status: 'finalizing',
    previousStatus: 'in_progress',
    requestCounts: { total: 1000, completed: 997, failed: 3 },
  }),
  completed: ofBatch(4, '2026-11-20T18:13:03.007Z', {
    status: 'completed',
    previousStatus: 'finalizing',
    requestCounts: { total: 1000, completed: 997, failed: 3 },
    usage,
    outputFileId,
    errorFileId,
    endedAt: '2026-11-20T18:12:31.000Z',
  }),
  expired: ofBatch(3, '2026-11-21T18:05:02.471Z', {
    status: 'expired',
    previousStatus: 'in_progress',
    requestCounts: { total: 1000, completed: 640, failed: 2 },
    usage,
    outputFileId,
    errorFileId,
    endedAt: '2026-11-21T18:04:10.000Z',
  }),
  cancelling: ofBatch(3, '2026-11-20T18:06:03.662Z', {
    status: 'cancelling',
    previousStatus: 'in_progress',
    requestCounts: { total: 1000, completed: 212, failed: 0 },
  }),
  cancelled: ofBatch(4, '2026-11-20T18:08:02.915Z', {
    status: 'cancelled',
    previousStatus: 'cancelling',
    requestCounts: { total: 1000, completed: 212, failed: 0 },
    usage,
    outputFileId,
    errorFileId,
    endedAt: '2026-11-20T18:07:20.000Z',
  }),
};

const folder = `${file.key}/${jobId}`;
const results = {
  bucket: 'batchdrop-results',
  output: `${folder}/output.jsonl`,
  errors: `${folder}/errors.jsonl`,
  summary: `${folder}/summary.json`,
};
const noRows = { total: 1000, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };
const ended = { previousStatus: 'submitted', requestFile, metadata, usage, cost, results } as const;
const report = { bucket: results.bucket, key: `${folder}/rejected.json` };
const resultObjects = [results.output, results.errors, results.summary].map((key) => ({
  bucket: results.bucket,
  key,
}));

function ofJob(sequence: number, occurredAt: string, data: JobStatusChangeData): JobStatusChangeEvent {
  const id = `${jobId}:${sequence}`;
  const written = 'report' in data ? [data.report] : 'results' in data ? resultObjects : [];
  return {
    ...envelope(occurredAt, [file, ...written]),
    'detail-type': DETAIL_TYPE.jobStatusChange,
    detail: {
      metadata: { id, version: EVENT_VERSION, sequence, occurredAt, instance, jobId },
      data,
    },
  };
}

const estimate: JobEstimate = {
  currency: 'USD',
  cost: { low: '0.0462', likely: '0.061545', high: '0.3342' },
  inputTokens: { low: 364_000, likely: 420_500, high: 486_000 },
  outputTokens: { low: 73_100, likely: 100_030, high: 1_000_000 },
  measured: true,
  batchDiscount: 0.5,
  models: {
    count: 1,
    first: [{ model: 'gpt-4o-mini', rows: 1000, price: 'list', priceDate: '2026-11-20' }],
  },
};

/**
 * One event for each status of a job.
 * @example for (const event of Object.values(jobStatusExamples)) console.log(event.detail.data.status);
 */
export const jobStatusExamples: Readonly<Record<JobStatus, JobStatusChangeEvent>> = {
  unapproved: ofJob(1, '2026-11-20T18:04:06.201Z', {
    status: 'unapproved',
    previousStatus: null,
    requestFile,
    metadata,
    plannedRows: 1000,
    plannedParts: 1,
    estimate,
    reason: {
      code: 'hold_requested',
      message: 'its file came with x-amz-meta-batchdrop-hold: yes',
    },
    approveBy: '2026-11-27T18:04:06.201Z',
  }),
  accepted: ofJob(1, '2026-11-20T18:04:06.201Z', {
    status: 'accepted',
    previousStatus: null,
    requestFile,
    metadata,
    plannedRows: 1000,
    plannedParts: 1,
    estimate,
  }),
  rejected: ofJob(1, '2026-11-20T18:04:06.201Z', {
    status: 'rejected',
    previousStatus: null,
    requestFile,
    metadata,
    findings: {
      count: 2,
      first: [
        { line: 17, code: 'invalid_json', message: 'the line is not JSON: it ends too early' },
        { line: 44, code: 'duplicate_custom_id', message: 'custom_id is the same as in line 12' },
      ],
    },
    report,
  }),
  joined: ofJob(1, '2026-11-20T18:09:40.530Z', {
    status: 'joined',
    previousStatus: null,
    requestFile,
    metadata,
    joinedJobId: 'c2zq7fwl5vh3xktm6ndybr4jpa',
  }),
  submitted: ofJob(2, '2026-11-20T18:04:11.388Z', {
    status: 'submitted',
    previousStatus: 'accepted',
    requestFile,
    metadata,
    plannedRows: 1000,
    plannedParts: 1,
  }),
  completed: ofJob(3, '2026-11-20T18:13:05.816Z', {
    ...ended,
    status: 'completed',
    rows: { ...noRows, succeeded: 997, failed: 3 },
    batches: { count: 1, first: [{ batchId, status: 'completed' }] },
  }),
  failed: ofJob(3, '2026-11-20T18:05:04.902Z', {
    ...ended,
    status: 'failed',
    rows: { ...noRows, failed: 1000 },
    usage: null,
    cost: { ...cost, list: '0.00', paid: '0.00', models: [] },
    batches: { count: 1, first: [{ batchId, status: 'failed' }] },
    reason: { code: 'model_not_found', message: 'The provided model is not supported by the Batch API.' },
  }),
  expired: ofJob(3, '2026-11-21T18:05:05.740Z', {
    ...ended,
    status: 'expired',
    rows: { ...noRows, succeeded: 640, failed: 2, expired: 358 },
    batches: { count: 1, first: [{ batchId, status: 'expired' }] },
  }),
  cancelled: ofJob(3, '2026-11-20T18:08:04.433Z', {
    ...ended,
    status: 'cancelled',
    rows: { ...noRows, succeeded: 212, cancelled: 788 },
    batches: { count: 1, first: [{ batchId, status: 'cancelled' }] },
    reason: { code: 'cancelled', message: 'cancelled on a request of 2026-11-20T18:06:01.000Z' },
  }),
};

function ofCancel(nth: number, data: CancelOutcomeData): CancelOutcomeEvent {
  const occurredAt = '2026-11-20T18:06:01.000Z';
  const objects = data.requestFile ?? ('key' in data.request ? data.request : undefined);
  return {
    ...envelope(occurredAt, objects ? [objects] : []),
    'detail-type': DETAIL_TYPE.cancelOutcome,
    detail: {
      metadata: {
        id: `cancel:9d1f6a52-0c3b-4e7a-8f21-5b6c7d8e9f0${nth}`,
        version: EVENT_VERSION,
        sequence: 1,
        occurredAt,
        instance,
        ...(data.requestFile ? { jobId } : {}),
      },
      data,
    },
  };
}

/**
 * One event for each outcome of a cancel request.
 * @example const event: BatchdropEvent = cancelOutcomeExamples.requested;
 */
export const cancelOutcomeExamples: Readonly<Record<CancelOutcomeKind, CancelOutcomeEvent>> = {
  requested: ofCancel(1, {
    request: { batchId },
    outcome: 'requested',
    status: 'in_progress',
    message: `cancel ${batchId}: recorded`,
    requestFile: file,
  }),
  too_late: ofCancel(2, {
    request: { jobId },
    outcome: 'too_late',
    status: 'completed',
    message: `cancel ${jobId}: already completed`,
    requestFile: file,
  }),
  unknown: ofCancel(3, {
    request: { batchId: 'batch_of_somebody_else' },
    outcome: 'unknown',
    status: null,
    message: 'cancel batch_of_somebody_else: this Batchdrop has no such batch',
  }),
  remembered: ofCancel(4, {
    request: { bucket: file.bucket, key: file.key },
    outcome: 'remembered',
    status: null,
    message:
      'cancel by key: no such file yet; if it was uploaded before this request, it is cancelled when its event arrives',
  }),
};

function ofApproval(nth: number, data: ApprovalOutcomeData): ApprovalOutcomeEvent {
  const occurredAt = '2026-11-20T19:12:40.000Z';
  return {
    ...envelope(occurredAt, data.requestFile ? [data.requestFile] : []),
    'detail-type': DETAIL_TYPE.approvalOutcome,
    detail: {
      metadata: {
        id: `approval:1c7be0d4-93fa-4d25-a6b1-7e0f4c2d8a1${nth}`,
        version: EVENT_VERSION,
        sequence: 1,
        occurredAt,
        instance,
        ...(data.requestFile ? { jobId } : {}),
      },
      data,
    },
  };
}

/**
 * One event for each outcome of an approval.
 * @example const event: BatchdropEvent = approvalOutcomeExamples.approved;
 */
export const approvalOutcomeExamples: Readonly<Record<ApprovalOutcomeKind, ApprovalOutcomeEvent>> = {
  approved: ofApproval(1, {
    request: { jobId },
    outcome: 'approved',
    status: 'unapproved',
    message: `approve ${jobId}: recorded`,
    requestFile: file,
  }),
  too_late: ofApproval(2, {
    request: { jobId },
    outcome: 'too_late',
    status: 'cancelled',
    message: `approve ${jobId}: already cancelled`,
    requestFile: file,
  }),
  unknown: ofApproval(3, {
    request: { jobId: 'job-of-somebody-else' },
    outcome: 'unknown',
    status: null,
    message: 'approve job-of-somebody-else: no such job',
  }),
};

function ofStall(data: Pick<JobStalledData, 'cause' | 'message' | 'unresolvedCreates'>): JobStalledEvent {
  const occurredAt = '2026-11-20T18:44:31.118Z';
  return {
    ...envelope(occurredAt, [file]),
    'detail-type': DETAIL_TYPE.jobStalled,
    detail: {
      metadata: {
        id: `${jobId}:stalled:1:3:0`,
        version: EVENT_VERSION,
        sequence: 1,
        occurredAt,
        instance,
        jobId,
      },
      data: { ...data, requestFile: file, partNumber: 1, plannedParts: 1, metadata },
    },
  };
}

/**
 * One event for each cause of a stall.
 * @example for (const event of Object.values(jobStalledExamples)) console.log(event.detail.data.cause);
 */
export const jobStalledExamples: Readonly<Record<string, JobStalledEvent>> = {
  create_uncertain: ofStall({
    cause: 'create_uncertain',
    message:
      '2 creates of the part have no known outcome; Batchdrop sends nothing more for it until you release or cancel the job',
    unresolvedCreates: 2,
  }),
  upload_lost: ofStall({
    cause: 'upload_lost',
    message:
      'the API lost the uploaded file 4 times; Batchdrop uploads it again only after you release the job',
    unresolvedCreates: 0,
  }),
};
