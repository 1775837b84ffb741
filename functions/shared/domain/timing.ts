const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** After a request that may have made a batch, nothing is created again before this much time has passed. */
export const SETTLING_MS = 10 * MINUTE;

/** A search for an intent's batch goes back this far before the intent: the API's clock is not ours. */
export const SEARCH_MARGIN_MS = 15 * MINUTE;

/** The last search for batches on given-up files comes no sooner than this after the last was given up. */
export const LATE_BATCH_SEARCH_AFTER_MS = 30 * MINUTE;

/** The longest completion window a vendor offers: for a batch that does not say when it expires. */
export const MAX_COMPLETION_WINDOW_MS = 7 * DAY;

/** A batch that the API does not know is looked for until this long after it expired. */
export const LOST_AFTER_MS = DAY;

/** A finished job is cleaned up for so long: longer than an outage, or than a key is away by mistake. */
export const CLEAN_UP_MS = 7 * DAY;

/** A delivery that was overtaken ends, and what it sent arrives, within this time after its job was cleaned up. */
export const LATE_WRITES_MS = 30 * MINUTE;

/** While settling, the search is repeated so often: a late batch is adopted, not waited for. */
export const SEARCH_AGAIN_MS = 2 * MINUTE;

/** A cancel that shows no effect is sent again after this; the API allows itself ten minutes. */
export const CANCEL_AGAIN_MS = 10 * MINUTE;

/** A message that was sent for a step is given this long before the reconciler sends another. */
export const MESSAGE_PATIENCE_MS = 5 * MINUTE;

/** A job's parts wake it up as they end; the reconciler looks by itself so often. */
export const JOB_CHECK_MS = 15 * MINUTE;

/** Submission is paused: look again. */
export const PAUSE_CHECK_MS = MINUTE;

/** The same bytes within this time after their job completed join it. */
export const JOIN_MS = DAY;

/** Finished jobs are kept so long in the ledger. */
export const KEEP_MS = 90 * DAY;

/** Counted failures of one step before it is given up: with the pauses below, about five hours. */
export const MAX_TRIES = 14;

const FIRST_PAUSE_MS = 15 * SECOND;
const MAX_PAUSE_MS = 30 * MINUTE;

/** The pause after the n-th counted failure (from 1): 15 s, doubling up to half an hour. */
export function pauseAfter(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS);
}

/**
 * The pause after the API rejected a part for its token limit for the n-th time: from 5 minutes on, doubling, up to 80.
 * `fraction`, from 0 to 1, says where in a range, so that what was rejected for the token limit together does not come back together.
 */
export function tokenLimitPause(tokenLimitRejections: number, fraction: number): number {
  const shortest = Math.min(5 * MINUTE * 2 ** (tokenLimitRejections - 1), 60 * MINUTE);
  return shortest + fraction * Math.min(shortest / 2, 20 * MINUTE);
}
