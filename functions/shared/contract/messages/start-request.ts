/** Starts a job for a task of Step Functions: the input of START. `Batchdrop.startAndWait` renders it. */
export interface StartRequest {
  /** The bucket of the file to copy into the request bucket. */
  readonly bucket: string;
  readonly key: string;
  /** The task that waits for the end of the job. */
  readonly taskToken: string;
  /** For how long the task waits, in seconds. */
  readonly timeoutSeconds: number;
}

/** The names of the errors with which a task can fail, besides those of Step Functions and Lambda. */
export const TASK_ERRORS = {
  /** The job ended with this status. */
  rejected: 'Batchdrop.Rejected',
  failed: 'Batchdrop.Failed',
  expired: 'Batchdrop.Expired',
  cancelled: 'Batchdrop.Cancelled',
  /** The input of the state names no file that can be copied. */
  invalidInput: 'Batchdrop.InvalidInput',
  /** There is no such file. */
  sourceMissing: 'Batchdrop.SourceMissing',
  /** START may not read the file. */
  sourceDenied: 'Batchdrop.SourceDenied',
  /** The file was replaced or deleted while it was copied. */
  sourceChanged: 'Batchdrop.SourceChanged',
  /** A service of AWS could not be reached, or the copy took too long. Another try may succeed. */
  notStarted: 'Batchdrop.NotStarted',
} as const;

/** The name of an error with which a task can fail. */
export type TaskErrorName = (typeof TASK_ERRORS)[keyof typeof TASK_ERRORS];

/** The limits of Step Functions for an error and its cause, and for the token of a task, in characters. */
export const TASK_LIMITS = { errorLength: 256, causeLength: 32_768, tokenLength: 2_048 } as const;

const MAX_KEY_BYTES = 1_024; // S3's limit

/** Reads the input of START: returns the request, or a sentence that says what is wrong with it. It never quotes the token. */
export function parseStartRequest(input: unknown): { request: StartRequest } | { problem: string } {
  if (typeof input !== 'object' || input === null) return { problem: 'the input is not an object' };
  const { bucket, key, taskToken, timeoutSeconds } = { ...input } as Record<keyof StartRequest, unknown>;
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    return { problem: `bucket is ${shown(bucket)}; set the name of a bucket` };
  if (typeof key !== 'string' || key === '' || utf8Bytes(key) > MAX_KEY_BYTES)
    return { problem: `key is ${shown(key)}; set the key of an object, at most ${MAX_KEY_BYTES} bytes long` };
  if (typeof taskToken !== 'string' || taskToken === '' || taskToken.length > TASK_LIMITS.tokenLength)
    return { problem: 'taskToken is not the token of a task; invoke START with .waitForTaskToken' };
  if (typeof timeoutSeconds !== 'number' || !Number.isSafeInteger(timeoutSeconds) || timeoutSeconds < 1)
    return { problem: `timeoutSeconds is ${shown(timeoutSeconds)}; set whole seconds` };
  return { request: { bucket, key, taskToken, timeoutSeconds } };
}

const MAX_SHOWN = 80;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
