/** What APPROVE needs of its environment. */
export interface ApproveEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Named in events, not read. */
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  SUBMIT_QUEUE_URL: string;
}
