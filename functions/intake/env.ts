/** What INTAKE needs of its environment. */
export interface IntakeEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  SUBMIT_QUEUE_URL: string;
  /** Account id that owns both buckets. */
  BUCKET_OWNER: string;
  /** JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`, the latter if it is limited. */
  BATCH_LIMITS: string;
  /** What a job may cost without an approval, as a decimal number of the price table's currency; absent: any amount. */
  APPROVE_ABOVE?: string;
  /** After how many seconds without an approval a job is cancelled; absent: seven days. */
  APPROVAL_EXPIRES_AFTER?: string;
}
