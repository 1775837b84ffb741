/**
 * How long a call to the Batch API may take, in milliseconds. The times are far below the time-outs of the functions,
 * so that a call that hangs affects only its own item (rule 5 of "What an answer is worth", docs/architecture.md).
 */
export interface CallDeadlines {
  /** A call with a short response, from reading the key to the end of the response. */
  smallMs: number;
  /** `POST /batches`, which is never repeated. */
  createMs: number;
  /** How long a stream in either direction may pause. */
  silenceMs: number;
  /** From the last byte of an upload to the start of its response. The API may check the file in between. */
  uploadedMs: number;
}

export const CALL_DEADLINES: Readonly<CallDeadlines> = {
  smallMs: 10_000,
  createMs: 60_000,
  silenceMs: 15_000,
  uploadedMs: 60_000,
};

/** Thrown when the time of a call is over. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Runs `work` with a signal that is aborted after this time, or when the caller's signal is. Errors: those of `work`.
 */
export async function within<T>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DeadlineError(`no complete response within ${milliseconds} ms`));
  }, milliseconds);
  const giveUp = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) giveUp();
  signal?.addEventListener('abort', giveUp);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Waits for `expected`, or throws the signal's reason once it is aborted. */
export async function untilAborted<T>(signal: AbortSignal | undefined, expected: Promise<T>): Promise<T> {
  if (!signal) return expected;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const listener = (): void => reject(signal.reason);
    if (signal.aborted) listener();
    signal.addEventListener('abort', listener);
    stop = () => signal.removeEventListener('abort', listener);
  });
  expected.catch(() => {}); // it may fail after nobody waits for it
  try {
    return await Promise.race([expected, aborted]);
  } finally {
    stop();
  }
}
