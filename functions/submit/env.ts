/** What SUBMIT needs of its environment. */
export interface SubmitEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  BUCKET_OWNER: string;
  /** ARN or name of the secret that holds the API key. */
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  COMPLETION_WINDOW: string;
  /** JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`, the latter if it is limited. */
  BATCH_LIMITS: string;
  /** `on`: webhooks may tell the end of a batch before it is saved. */
  WEBHOOKS?: string;
}
