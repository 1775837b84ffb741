import { validationError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';

/** The retry limits of a target. AWS's defaults apply to absent ones. */
export interface RetryPolicy {
  /** Number of attempts after the first one. */
  readonly maximumRetryAttempts?: number;
  /** Age at which an event is no longer retried. */
  readonly maximumEventAgeInSeconds?: number;
}

/** The limit that ended the attempts, by AWS's names. */
export type Exhausted = 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds';

const MAX_ATTEMPTS = 185;
const SHORTEST_AGE_SECONDS = 60;
const MAX_AGE_SECONDS = 86_400;
const FIRST_WAIT_MS = 60_000;
const MAX_WAIT_MS = 8 * 60_000; // with it, 185 attempts take 24 hours, as on AWS

/** Lambda invokes an asynchronous event up to three times, after one minute and after two more. */
const LAMBDA_RETRIES = 2;

/** Parses a target's RetryPolicy. */
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

/** Returns when to retry (milliseconds since the epoch) after `tries` earlier failures and one more now. */
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

/** Returns the policy as ListTargetsByRule does: as the user set it. */
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
