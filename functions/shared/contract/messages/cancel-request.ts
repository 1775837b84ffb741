import { API_ID_RULE, isApiId } from '../api-id.ts';

/**
 * Cancels one batch.
 * @example { batchId: 'batch_abc123' }
 */
export interface CancelByBatch {
  /** OpenAI's id of the batch. */
  readonly batchId: string;
}

/**
 * Cancels every batch of a job.
 * @example { jobId: 'vtnvjcbb' }
 */
export interface CancelByJob {
  /** The job, as in `metadata.jobId` of its events. */
  readonly jobId: string;
}

/**
 * Cancels the job of the version of a request file that was the newest when the message was sent.
 * @example { bucket: 'our-files', key: 'batches/reviews.jsonl' }
 */
export interface CancelByKey {
  /** The request bucket. */
  readonly bucket: string;
  /** The key of the request file. */
  readonly key: string;
}

/**
 * A message on the cancel queue: one of three forms, as JSON.
 * @example { jobId: 'vtnvjcbb' }
 */
export type CancelRequest = CancelByBatch | CancelByJob | CancelByKey;

/**
 * The request in a valid message.
 * @example { request: { batchId: 'batch_abc123' } }
 */
export interface ReadableCancel {
  /** What the message asks for. */
  readonly request: CancelRequest;
}

/**
 * What is wrong with an invalid message, as a sentence.
 * @example { problem: 'bucket must be a bucket name' }
 */
export interface UnreadableCancel {
  /** The problem in a sentence, for people. */
  readonly problem: string;
}

const FORMS = '{"batchId":"batch_…"}, {"jobId":"…"} or {"bucket":"…","key":"…"}';
const JOB_ID = /^[A-Za-z0-9_-]{1,128}$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const MAX_KEY_BYTES = 1024; // S3's limit

/** What a message may name as a job, as a sentence says it. */
export const JOB_ID_RULE = 'jobId must be 1 to 128 letters, digits, "_" or "-"';

/** Returns whether a message may name a job like this. Whether there is such a job, the ledger knows. */
export function isNamedJob(jobId: unknown): jobId is string {
  return typeof jobId === 'string' && JOB_ID.test(jobId);
}

/**
 * Parses a message of the cancel queue. Returns the request, or a sentence that says what is wrong.
 * @example
 * const parsed = parseCancelRequest('{"jobId":"vtnvjcbb"}');
 * if ('problem' in parsed) throw new Error(parsed.problem);
 * console.log(parsed.request);
 */
export function parseCancelRequest(body: string): ReadableCancel | UnreadableCancel {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return { problem: `a cancel message is JSON: ${FORMS}` };
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return { problem: `a cancel message is a JSON object: ${FORMS}` };
  }
  const names = Object.keys(message).sort().join();
  if ('batchId' in message && names === 'batchId') return batchForm(message.batchId);
  if ('jobId' in message && names === 'jobId') return jobForm(message.jobId);
  if ('bucket' in message && 'key' in message && names === 'bucket,key') {
    return keyForm(message.bucket, message.key);
  }
  return { problem: `a cancel message has exactly one of the forms ${FORMS}` };
}

function batchForm(batchId: unknown): ReadableCancel | UnreadableCancel {
  if (typeof batchId === 'string' && isApiId(batchId)) return { request: { batchId } };
  return { problem: `batchId must be ${API_ID_RULE}` };
}

function jobForm(jobId: unknown): ReadableCancel | UnreadableCancel {
  return isNamedJob(jobId) ? { request: { jobId } } : { problem: JOB_ID_RULE };
}

function keyForm(bucket: unknown, key: unknown): ReadableCancel | UnreadableCancel {
  if (typeof bucket !== 'string' || !BUCKET.test(bucket)) return { problem: 'bucket must be a bucket name' };
  if (typeof key !== 'string' || key === '' || new TextEncoder().encode(key).length > MAX_KEY_BYTES) {
    return { problem: `key must be an object key of 1 to ${MAX_KEY_BYTES} bytes` };
  }
  return { request: { bucket, key } };
}
