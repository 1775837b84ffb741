/** The environment of INTAKE. */
export interface IntakeEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  SUBMIT_QUEUE_URL: string;
  /** The id of the AWS account that owns both buckets. */
  BUCKET_OWNER: string;
  /**
   * JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`. Without a limit, `maxOpenBatches` is
   * absent.
   */
  BATCH_LIMITS: string;
  /** What a job may cost without an approval, as a decimal number of the price table's currency; absent: any amount. */
  APPROVE_ABOVE?: string;
  /** After how many seconds without an approval a job is cancelled; absent: seven days. */
  APPROVAL_EXPIRES_AFTER?: string;
  /** JSON: `PriceSettings` of the contract; absent: the prices that Batchdrop comes with. */
  PRICES?: string;
}
