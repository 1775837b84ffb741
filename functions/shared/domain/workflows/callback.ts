/** A task of Step Functions that waits for the job of a file. */
import { createHash } from 'node:crypto';
import { base32, isJobId } from '../job-id.ts';

/** The record of a task. Its id travels with the request file, because S3's metadata may be too small for a token. */
export interface Callback {
  callbackId: string;
  /** Absent once the task was answered: a token is a secret, so it is kept no longer than needed. */
  taskToken?: string;
  /** The request file that names the callback. */
  bucket: string;
  key: string;
  /** When the task was answered, or could no longer be answered, in milliseconds. */
  settledAt?: number;
  /** Milliseconds. The record may be removed after this time. */
  expiresAt: number;
}

const DAY_MS = 86_400_000;
const ID_LENGTH = 26; // as a job id

/** How long an unanswered record outlives its task: an end that is told late still finds it, and cleans up. */
const OUTLIVES_TASK_MS = DAY_MS;

/** How long an answered record is kept: longer than the message of an end lives in a queue and its dead-letter queue. */
const SETTLED_KEPT_MS = 30 * DAY_MS;

/**
 * Returns the id of a task's callback. It is derived from the token, so the same task always has the same callback, and
 * only those who know the token or may read the request file know the id.
 */
export function callbackIdOf(taskToken: string): string {
  return base32(createHash('sha256').update(`callback ${taskToken}`).digest()).slice(0, ID_LENGTH);
}

/** Returns whether the text has the form of the id of a callback. */
export function isCallbackId(text: string): boolean {
  return isJobId(text); // both are the start of a digest
}

/** Returns the record of a task that begins to wait. */
export function waitingCallback(
  task: { taskToken: string; timeoutSeconds: number },
  file: { bucket: string; key: string },
  now: number,
): Callback {
  const { taskToken, timeoutSeconds } = task;
  const expiresAt = now + timeoutSeconds * 1000 + OUTLIVES_TASK_MS;
  return { callbackId: callbackIdOf(taskToken), taskToken, bucket: file.bucket, key: file.key, expiresAt };
}

/** Returns the record of a task that was answered, or cannot be answered any more. */
export function settledCallback({ callbackId, bucket, key }: Callback, now: number): Callback {
  return { callbackId, bucket, key, settledAt: now, expiresAt: now + SETTLED_KEPT_MS };
}
