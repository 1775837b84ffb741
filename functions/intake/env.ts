/** What INTAKE needs of its environment. */
export interface IntakeEnv {
  /** What its metrics are told from those of other Batchdrops by. */
  METRICS_SERVICE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_NAME: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  SUBMIT_QUEUE_URL: string;
  /** Account id that owns both buckets. */
  BUCKET_OWNER: string;
  /** JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`, the latter if it is limited. */
  BATCH_LIMITS: string;
}
