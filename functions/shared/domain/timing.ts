const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** After a create request without a response, no new batch is created for this long. */
export const SETTLING_MS = 10 * MINUTE;

/** A search for an intent's batch goes back to this long before the intent: the API's clock may differ. */
export const SEARCH_MARGIN_MS = 15 * MINUTE;

/** The last search for second batches begins this long after the job's last file was abandoned. */
export const LATE_BATCH_SEARCH_AFTER_MS = 30 * MINUTE;

/** A new batch is on the list this long after its creation: no search for second batches begins before. */
export const LISTED_AFTER_MS = 5 * MINUTE;

/** The last search for second batches is tried for this long after the end of its job. */
export const SECOND_BATCH_SEARCH_MS = DAY;

/** The last search for second batches is tried again at this interval. */
export const SECOND_BATCH_SEARCH_AGAIN_MS = 30 * MINUTE;

/** A batch that no call but its create has shown, and the API does not know this long after it, is searched for. */
export const UNSEEN_AFTER_MS = 2 * MINUTE;

/** Such a batch is searched for during this time; then its create counts as unresolved. */
export const UNSEEN_SETTLING_MS = HOUR;

/** A stalled part is reported at this interval, so that its alarm stays on. */
export const REPORT_STALL_MS = 30 * MINUTE;

/** The longest completion window of any vendor, for batches without an expiry time. */
export const MAX_COMPLETION_WINDOW_MS = 7 * DAY;

/** A batch that the API does not know counts as lost this long after it expired. */
export const LOST_AFTER_MS = DAY;

/** Results that do not agree are looked at again for this long. */
export const RESULTS_LOOKING_MS = DAY;

/** The minimum number of looks before results that do not agree are given up. */
export const MIN_RESULTS_LOOKS = 6;

/** The same bytes, read over this time, are the answer if they have as many lines as there are results. */
export const SAME_RESULTS_MS = 2 * HOUR;

/** The same bytes, read over this time, are the answer if the API does not count the rows. */
export const SAME_UNCOUNTED_RESULTS_MS = HOUR;

/** The alarm for results that do not agree begins after this. */
export const RESULTS_ALARM_AFTER_MS = HOUR;

/**
 * The alarm for results that were not read begins this long after the end of their batch: ten days before OpenAI removes
 * them.
 */
export const RESULTS_EXPIRING_AFTER_MS = 20 * DAY;

/** The clean-up of an ended job is tried for this long: longer than an outage, or a wrong key by mistake. */
export const CLEAN_UP_MS = 7 * DAY;

/** A superseded delivery stops writing within this time after its job was cleaned up. */
export const LATE_WRITES_MS = 30 * MINUTE;

/** During the settling time the search is repeated at this interval, so that a late batch is adopted early. */
export const SEARCH_AGAIN_MS = 2 * MINUTE;

/** A cancel without effect is sent again after this; the API may take ten minutes. */
export const CANCEL_AGAIN_MS = 10 * MINUTE;

/** The reconciler sends another message for a step this long after the last one. */
export const REDISPATCH_AFTER_MS = 5 * MINUTE;

/** The reconciler checks a job's parts at this interval; parts that end trigger a check themselves. */
export const JOB_CHECK_MS = 15 * MINUTE;

/** While submission is paused, parts are checked at this interval. */
export const PAUSE_CHECK_MS = MINUTE;

/** A file with the same bytes joins a job that completed within this time. */
export const JOIN_MS = DAY;

/** A job that is held is cancelled if nobody approves it within this time; the default of the prop `approvalExpiresAfter`. */
export const APPROVAL_EXPIRES_MS = 7 * DAY;

/** The ledger keeps a job, and what belongs to it, for this long after its end. */
export const KEEP_MS = 90 * DAY;

/** The maximum counted failures of one step: with the backoff below, at least 3.5 hours. */
export const MAX_TRIES = 14;

const FIRST_BACKOFF_MS = 15 * SECOND;
const MAX_BACKOFF_MS = 30 * MINUTE;

/** Returns the backoff after the n-th counted failure (from 1) in milliseconds: 15 s, doubling up to half an hour. */
export function backoffAfter(tries: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (tries - 1), MAX_BACKOFF_MS);
}

/**
 * Returns the backoff after the n-th rejection for the token limit (from 1) in milliseconds: 5 minutes, doubling up to
 * 80. `fraction`, from 0 to 1, is the position in a range, so that parts rejected together are not tried again
 * together.
 */
export function tokenLimitBackoff(tokenLimitRejections: number, fraction: number): number {
  const shortest = Math.min(5 * MINUTE * 2 ** (tokenLimitRejections - 1), 60 * MINUTE);
  return shortest + fraction * Math.min(shortest / 2, 20 * MINUTE);
}

/** Returns the pause after the n-th look at results (from 1) in milliseconds: a minute, doubling up to an hour. */
export function pauseAfterLook(looks: number): number {
  return Math.min(MINUTE * 2 ** (looks - 1), HOUR);
}
