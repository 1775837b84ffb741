import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { BatchdropProps } from './batchdrop-props.ts';
import { elsewhereProblems } from './guards/elsewhere.ts';
import { networkProblems } from './guards/network.ts';
import { type Given, shapesOf, unknownPropProblems } from './guards/prop-shapes.ts';
import { secretProblems } from './guards/secret-names.ts';
import { isPlain } from './guards/shape.ts';
import { shown } from './guards/shown.ts';
import { baseUrlProblems, completionWindowProblems } from './guards/vendors.ts';
import { monitoringProblems } from './monitoring/monitoring-props.ts';
import { bucketProblems } from './resources/buckets.ts';
import { batchLimitProblems } from './stages/batch-limits.ts';
import { OPENAI_WINDOW, windowLength } from './stages/completion-window.ts';
import { holdProblems } from './stages/job-holds.ts';
import { priceSettingsProblems } from './stages/price-settings.ts';

/** The maximum number of batches per row if `maxAttempts` is not set. */
export const DEFAULT_ATTEMPTS = 3;

/** The maximum number of messages that INTAKE, SUBMIT, and DELIVER each handle at a time if `maxConcurrency` is not set. */
export const DEFAULT_CONCURRENCY = 5; // 5 × SUBMIT at ten seconds per part: 1,800 batches per hour, and OpenAI accepts 2,000
const MAX_CONCURRENCY = { fewest: 2, most: 1000 }; // Lambda's, for an event source

/** The highest `maxAttempts`. */
export const MAX_ATTEMPTS = 10; // each may take a day, and a failure that repeats ten times is not temporary
const MAX_POLL_INTERVAL = Duration.hours(1); // with a longer one, failed or cancelled batches would be found too late
const SPARE_DAYS = 4; // in addition to a window per attempt: an outage over a weekend
const MAX_EXPIRY_DAYS = 2_147_483_647; // S3's
const REMOVAL_POLICIES: ReadonlySet<unknown> = new Set([
  RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  RemovalPolicy.RETAIN,
  RemovalPolicy.DESTROY,
]);

/**
 * Returns what is wrong with the props: sentences that name the prop, its value and what to set instead. Props come from
 * JavaScript and JSON, too, so anything may be in them. A subclass may have props of its own.
 */
export function propProblems(
  scope: Construct,
  props: object,
  { isSubclass }: { readonly isSubclass: boolean },
): string[] {
  if (!isPlain(props)) return [`props is ${shown(props)}; set an object with props, or leave it out.`];
  const given: Given = props;
  const { problems, judged } = shapesOf(given);
  return [
    ...(isSubclass ? [] : unknownPropProblems(props)),
    ...problems,
    ...bucketProblems(scope, judged, given),
    ...elsewhereProblems(scope, judged),
    ...secretProblems(judged),
    ...attemptProblems(judged),
    ...networkProblems(judged, given),
    ...baseUrlProblems(judged.baseUrl),
    ...windowProblems(judged, given),
    ...pollProblems(judged),
    ...observeProblems(judged, given),
    ...webhookProblems(judged),
    ...concurrencyProblems(judged),
    ...batchLimitProblems(judged),
    ...holdProblems(judged),
    ...priceSettingsProblems(judged),
    ...expiryProblems(judged, given),
    ...removalProblems(judged),
    ...monitoringProblems(judged),
  ];
}

function* attemptProblems({ maxAttempts = DEFAULT_ATTEMPTS }: BatchdropProps): Generator<string> {
  if (Number.isInteger(maxAttempts) && maxAttempts >= 1 && maxAttempts <= MAX_ATTEMPTS) return;
  yield `maxAttempts is ${shown(maxAttempts)}; set a whole number from 1 to ${MAX_ATTEMPTS}.`;
}

/** The windows of a vendor are known by its base URL. */
function* windowProblems({ completionWindow, baseUrl }: BatchdropProps, given: Given): Generator<string> {
  if (given.baseUrl !== undefined && baseUrl === undefined) return;
  yield* completionWindowProblems(completionWindow, baseUrl);
}

function* pollProblems({ pollInterval }: BatchdropProps): Generator<string> {
  if (pollInterval === undefined) return;
  const minutes = pollInterval.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= MAX_POLL_INTERVAL.toMinutes()) return;
  yield `pollInterval is ${shown(pollInterval)}; set whole minutes, from one minute to one hour.`;
}

function* observeProblems(
  { observeInterval, pollInterval }: BatchdropProps,
  given: Given,
): Generator<string> {
  if (observeInterval === undefined) return;
  const ownMinutes = observeInterval.toMinutes({ integral: false });
  const tickMinutes = pollInterval?.toMinutes({ integral: false }) ?? 1;
  const isGood = Number.isInteger(ownMinutes) && ownMinutes >= Math.max(tickMinutes, 1);
  if (!isGood || ownMinutes > MAX_POLL_INTERVAL.toMinutes())
    yield `observeInterval is ${shown(observeInterval)}; set whole minutes, at least pollInterval and at most one hour.`;
  if (given.webhook === undefined)
    yield 'observeInterval is set without webhook; set webhook too, or a longer pollInterval.';
}

function* concurrencyProblems({ maxConcurrency = DEFAULT_CONCURRENCY }: BatchdropProps): Generator<string> {
  const { fewest, most } = MAX_CONCURRENCY;
  if (maxConcurrency === 0) return;
  if (Number.isInteger(maxConcurrency) && maxConcurrency >= fewest && maxConcurrency <= most) return;
  yield `maxConcurrency is ${shown(maxConcurrency)}; set a whole number from ${fewest} to ${most}, or 0 for no maximum.`;
}

function* webhookProblems({ webhook }: BatchdropProps): Generator<string> {
  const { reservedConcurrency } = webhook ?? {};
  if (reservedConcurrency === undefined) return;
  if (typeof reservedConcurrency === 'number' && Token.isUnresolved(reservedConcurrency)) return;
  if (Number.isSafeInteger(reservedConcurrency) && reservedConcurrency >= 1) return;
  yield `webhook.reservedConcurrency is ${shown(reservedConcurrency)}; set a whole number, at least 1.`;
}

/** A file must not expire while its job runs. */
function* expiryProblems(props: BatchdropProps, given: Given): Generator<string> {
  const { expireFilesAfter, maxAttempts = DEFAULT_ATTEMPTS, completionWindow = OPENAI_WINDOW } = props;
  if (expireFilesAfter === undefined) return;
  if (given.requestBucket !== undefined && given.resultsBucket !== undefined)
    yield 'expireFilesAfter is set, but both buckets are your own; remove it, and add lifecycle rules to your buckets.';
  if ([...attemptProblems(props), ...completionWindowProblems(completionWindow, props.baseUrl)].length > 0)
    return; // how long a job may take is not known
  const days = expireFilesAfter.toDays({ integral: false });
  const least =
    Math.ceil(maxAttempts * windowLength(completionWindow).toDays({ integral: false })) + SPARE_DAYS;
  if (Number.isInteger(days) && days >= least && days <= MAX_EXPIRY_DAYS) return;
  yield `expireFilesAfter is ${shown(expireFilesAfter)}; a job of ${maxAttempts} attempts may need its files for ${least} days, so set whole days, at least ${least}.`;
}

function* removalProblems({ removalPolicy }: BatchdropProps): Generator<string> {
  if (removalPolicy === undefined || REMOVAL_POLICIES.has(removalPolicy)) return;
  yield `removalPolicy is ${shown(removalPolicy)}; set RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, RETAIN or DESTROY. Buckets have no snapshots.`;
}
