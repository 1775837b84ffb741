import type { Clock } from '../clock.ts';
import type { LambdaFunction } from './lambda-function.ts';

const FIRST_RETRY_MS = 60_000; // Lambda waits one minute before the first retry, two before the second
const SECOND_RETRY_MS = 120_000;

/**
 * Invokes a function as EventBridge and Scheduler do: retries a failure after one and then two minutes of the runtime's
 * clock, within the limits of the function's EventInvokeConfig. Throws the last failure.
 */
export async function invokeAsynchronously(
  lambda: LambdaFunction,
  event: unknown,
  clock: Clock,
): Promise<void> {
  const { retries, maxEventAgeSeconds } = lambda.spec.asynchronous;
  const giveUpAt = clock.now() + maxEventAgeSeconds * 1_000;
  for (let retry = 0; ; retry++) {
    try {
      await lambda.invoke(event);
      return;
    } catch (failure) {
      const next = clock.now() + (retry === 0 ? FIRST_RETRY_MS : SECOND_RETRY_MS);
      if (retry >= retries || next > giveUpAt) throw failure;
      await new Promise<void>((resolve) => void clock.at(next, resolve));
    }
  }
}
