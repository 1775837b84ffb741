const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** After a create request without a response, no new batch is created for this long. */
export const SETTLING_MS = 10 * MINUTE;

/** A search for an intent's batch goes back to this long before the intent, because the API's clock may differ. */
export const SEARCH_MARGIN_MS = 15 * MINUTE;

/** The last search for second batches begins this long after the job's last file was abandoned. */
export const LATE_BATCH_SEARCH_AFTER_MS = 30 * MINUTE;

/** A new batch appears on the list within this time. No search for second batches begins earlier. */
export const LISTED_AFTER_MS = 5 * MINUTE;

/** The last search for second batches is retried until this long after the end of its job. */
export const SECOND_BATCH_SEARCH_MS = DAY;

/** The interval between tries of the last search for second batches. */
export const SECOND_BATCH_SEARCH_AGAIN_MS = 30 * MINUTE;

/** A batch is searched for if only its create has shown it, and the API does not know it this long after the create. */
export const UNSEEN_AFTER_MS = 2 * MINUTE;

/** The search for such a batch takes this long. Then its create counts as unresolved. */
export const UNSEEN_SETTLING_MS = HOUR;

/** A stalled part is reported at this interval, so that its alarm stays on. */
export const REPORT_STALL_MS = 30 * MINUTE;

/** The longest completion window of any vendor, for batches without an expiry time. */
export const MAX_COMPLETION_WINDOW_MS = 7 * DAY;

/** A batch that the API does not know counts as lost this long after its expiry. */
export const LOST_AFTER_MS = DAY;

/** Results that do not agree are checked again for this long. */
export const RESULTS_LOOKING_MS = DAY;

/** The minimum number of checks before Batchdrop accepts results that do not agree. */
export const MIN_RESULTS_LOOKS = 6;

/** Results that stay the same over this time are final if they have as many lines as the API counts. */
export const SAME_RESULTS_MS = 2 * HOUR;

/** Results that stay the same over this time are final if the API does not count the rows. */
export const SAME_UNCOUNTED_RESULTS_MS = HOUR;

/** How long results must disagree before the alarm starts. */
export const RESULTS_ALARM_AFTER_MS = HOUR;

/** The alarm for unread results starts this long after the end of their batch: ten days before OpenAI deletes them. */
export const RESULTS_EXPIRING_AFTER_MS = 20 * DAY;

/** The clean-up of an ended job is retried for this long: longer than an outage, or a wrong key. */
export const CLEAN_UP_MS = 7 * DAY;

/** A superseded delivery has stopped writing by this long after its job was cleaned up. */
export const LATE_WRITES_MS = 30 * MINUTE;

/** During the settling time, the search is repeated at this interval to adopt a late batch early. */
export const SEARCH_AGAIN_MS = 2 * MINUTE;

/** A cancel without effect is sent again after this time. The API may need ten minutes. */
export const CANCEL_AGAIN_MS = 10 * MINUTE;

/** POLL sends another message for a step this long after the last one. */
export const REDISPATCH_AFTER_MS = 5 * MINUTE;

/** POLL checks a job's parts at this interval. A part that ends also triggers a check. */
export const JOB_CHECK_MS = 15 * MINUTE;

/** The interval of checks while submission is paused. */
export const PAUSE_CHECK_MS = MINUTE;

/** A file joins a job with the same bytes that completed within this time. */
export const JOIN_MS = DAY;

/** A job that is held is cancelled if nobody approves it within this time; the default of the prop `approvalExpiresAfter`. */
export const APPROVAL_EXPIRES_MS = 7 * DAY;

/** The ledger keeps a job and everything that belongs to it for this long after the job's end. */
export const KEEP_MS = 90 * DAY;

/** The maximum number of counted failures of one step. With the backoff below, they take at least 3.5 hours. */
export const MAX_TRIES = 14;

const FIRST_BACKOFF_MS = 15 * SECOND;
const MAX_BACKOFF_MS = 30 * MINUTE;

/** Returns the backoff after the n-th counted failure (from 1) in milliseconds: 15 s, doubling up to half an hour. */
export function backoffAfter(tries: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** (tries - 1), MAX_BACKOFF_MS);
}

/**
 * Returns the backoff after the n-th rejection for the token limit (from 1) in milliseconds: 5 minutes, doubling up to
 * 80. `fraction`, from 0 to 1, spreads the parts, so that those rejected together are not tried again together.
 */
export function tokenLimitBackoff(tokenLimitRejections: number, fraction: number): number {
  const shortest = Math.min(5 * MINUTE * 2 ** (tokenLimitRejections - 1), 60 * MINUTE);
  return shortest + fraction * Math.min(shortest / 2, 20 * MINUTE);
}

/** Returns the pause after the n-th check of results (from 1) in milliseconds: one minute, doubling up to an hour. */
export function pauseAfterLook(looks: number): number {
  return Math.min(MINUTE * 2 ** (looks - 1), HOUR);
}
