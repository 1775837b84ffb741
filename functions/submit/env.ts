/** What SUBMIT needs of its environment. */
export interface SubmitEnv {
  /** What its metrics are told from those of other Batchdrops by. */
  METRICS_SERVICE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_NAME: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  BUCKET_OWNER: string;
  /** ARN or name of the secret that holds the API key. */
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  COMPLETION_WINDOW: string;
  /** JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`, the latter if it is limited. */
  BATCH_LIMITS: string;
}
