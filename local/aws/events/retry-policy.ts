import { validationError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';

/** How long a target is tried; what is not said is AWS's default. */
export interface RetryPolicy {
  /** After the first attempt. */
  readonly maximumRetryAttempts?: number;
  /** An event that was accepted longer ago is given up. */
  readonly maximumEventAgeInSeconds?: number;
}

/** Which of its two limits ended the attempts, as AWS names them. */
export type Exhausted = 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds';

const MAX_ATTEMPTS = 185;
const SHORTEST_AGE_SECONDS = 60;
const MAX_AGE_SECONDS = 86_400;
const FIRST_WAIT_MS = 60_000;
const MAX_WAIT_MS = 8 * 60_000; // with which 185 attempts fill the 24 hours that AWS takes for them

/** Lambda itself runs an event that nobody waits for up to three times, a minute and then two apart. */
const LAMBDA_RETRIES = 2;

/** Reads a target's RetryPolicy. */
export function parseRetryPolicy(fields: Input | undefined): RetryPolicy | undefined {
  if (fields === undefined) return undefined;
  const attempts = fields.optionalInteger('MaximumRetryAttempts');
  const age = fields.optionalInteger('MaximumEventAgeInSeconds');
  checkRange('MaximumRetryAttempts', attempts, 0, MAX_ATTEMPTS);
  checkRange('MaximumEventAgeInSeconds', age, SHORTEST_AGE_SECONDS, MAX_AGE_SECONDS);
  return {
    ...(attempts !== undefined && { maximumRetryAttempts: attempts }),
    ...(age !== undefined && { maximumEventAgeInSeconds: age }),
  };
}

/** When to try again, in milliseconds since the epoch, what has failed `tries` times before and now once more. */
export function nextAttempt(attempt: {
  readonly policy: RetryPolicy | undefined;
  readonly ofFunction: boolean;
  readonly tries: number;
  readonly acceptedAt: number;
  readonly now: number;
}): number | Exhausted {
  const { policy, ofFunction, tries, acceptedAt, now } = attempt;
  const asked = policy?.maximumRetryAttempts ?? MAX_ATTEMPTS;
  if (tries >= (ofFunction ? Math.min(asked, LAMBDA_RETRIES) : asked)) return 'MaximumRetryAttempts';
  const at = now + Math.min(FIRST_WAIT_MS * 2 ** tries, MAX_WAIT_MS);
  const age = policy?.maximumEventAgeInSeconds ?? MAX_AGE_SECONDS;
  return at > acceptedAt + age * 1000 ? 'MaximumEventAgeInSeconds' : at;
}

/** The policy in the shape of ListTargetsByRule: as it was given. */
export function wireRetryPolicy({ maximumRetryAttempts, maximumEventAgeInSeconds }: RetryPolicy): object {
  return {
    ...(maximumRetryAttempts !== undefined && { MaximumRetryAttempts: maximumRetryAttempts }),
    ...(maximumEventAgeInSeconds !== undefined && { MaximumEventAgeInSeconds: maximumEventAgeInSeconds }),
  };
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  throw validationError(`RetryPolicy: ${name} must be from ${least} to ${most}, not ${value}.`);
}
