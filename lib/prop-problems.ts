import { Duration, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { parseBaseUrl } from '../functions/shared/contract/base-url.ts';
import type { BatchdropProps } from './batchdrop-props.ts';
import { monitoringProblems } from './monitoring/monitoring-props.ts';
import { bucketProblems } from './resources/buckets.ts';
import { batchLimitProblems } from './stages/batch-limits.ts';
import { isCompletionWindow } from './stages/completion-window.ts';
import { holdProblems } from './stages/job-holds.ts';
import { priceSettingsProblems } from './stages/price-settings.ts';

/** The maximum number of batches per row if `maxAttempts` is not set. */
export const DEFAULT_ATTEMPTS = 3;

/** The highest `maxAttempts`. */
export const MAX_ATTEMPTS = 10; // each may take a day, and a failure that repeats ten times is not temporary
const MAX_POLL_INTERVAL = Duration.hours(1); // with a longer one, failed or cancelled batches would be found too late
const SPARE_DAYS = 4; // in addition to a day per attempt: an outage over a weekend

/** Yields what is wrong with the props: sentences that name the prop, its value and what to set instead. */
export function propProblems(scope: Construct, props: BatchdropProps): string[] {
  return [
    ...bucketProblems(scope, props),
    ...attemptProblems(props),
    ...vpcProblems(props),
    ...apiProblems(props),
    ...pollProblems(props),
    ...observeProblems(props),
    ...webhookProblems(props),
    ...batchLimitProblems(props),
    ...holdProblems(props),
    ...priceSettingsProblems(props),
    ...expiryProblems(props),
    ...monitoringProblems(props),
  ];
}

function* attemptProblems({ maxAttempts = DEFAULT_ATTEMPTS }: BatchdropProps): Generator<string> {
  if (Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= MAX_ATTEMPTS) return;
  yield `maxAttempts is ${maxAttempts}; set a whole number from 1 to ${MAX_ATTEMPTS}.`;
}

function* vpcProblems({ vpc, vpcSubnets, securityGroups }: BatchdropProps): Generator<string> {
  if (vpc !== undefined) return;
  if (vpcSubnets !== undefined) yield 'vpcSubnets is set without vpc; set both or neither.';
  if (securityGroups !== undefined) yield 'securityGroups is set without vpc; set both or neither.';
}

/** The functions check a base URL that is a token. */
function* apiProblems({ baseUrl, completionWindow }: BatchdropProps): Generator<string> {
  if (baseUrl !== undefined && !Token.isUnresolved(baseUrl)) {
    const base = parseBaseUrl(baseUrl);
    if ('problem' in base) yield `baseUrl ${base.problem}.`;
  }
  if (completionWindow !== undefined && !isCompletionWindow(completionWindow)) {
    yield `completionWindow is "${completionWindow}"; set hours or days, such as 24h or 7d.`;
  }
}

function* pollProblems({ pollInterval }: BatchdropProps): Generator<string> {
  if (pollInterval === undefined) return;
  const minutes = pollInterval.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= MAX_POLL_INTERVAL.toMinutes()) return;
  yield `pollInterval is ${pollInterval.toHumanString()}; set whole minutes, from one minute to one hour.`;
}

function* observeProblems({ observeInterval, pollInterval, webhook }: BatchdropProps): Generator<string> {
  if (observeInterval === undefined) return;
  const ownMinutes = observeInterval.toMinutes({ integral: false });
  const tickMinutes = pollInterval?.toMinutes({ integral: false }) ?? 1;
  const isGood = Number.isInteger(ownMinutes) && ownMinutes >= tickMinutes;
  if (!isGood || ownMinutes > MAX_POLL_INTERVAL.toMinutes())
    yield `observeInterval is ${observeInterval.toHumanString()}; set whole minutes, at least pollInterval and at most one hour.`;
  if (webhook === undefined)
    yield 'observeInterval is set without webhook; set webhook too, or a longer pollInterval.';
}

function* webhookProblems({ webhook }: BatchdropProps): Generator<string> {
  const { reservedConcurrency } = webhook ?? {};
  if (reservedConcurrency === undefined || Token.isUnresolved(reservedConcurrency)) return;
  if (Number.isInteger(reservedConcurrency) && reservedConcurrency >= 1) return;
  yield `webhook.reservedConcurrency is ${reservedConcurrency}; set a whole number, at least 1.`;
}

/** A file must not expire while its job runs. */
function* expiryProblems(props: BatchdropProps): Generator<string> {
  const { expireFilesAfter, maxAttempts = DEFAULT_ATTEMPTS } = props;
  if (expireFilesAfter === undefined) return;
  const days = expireFilesAfter.toDays({ integral: false });
  const least = maxAttempts + SPARE_DAYS;
  if (Number.isInteger(days) && days >= least) return;
  yield `expireFilesAfter is ${expireFilesAfter.toHumanString()}; a job of ${maxAttempts} attempts may need its files for ${least} days, so set whole days, at least ${least}.`;
}
