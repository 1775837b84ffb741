/** The environment of SUBMIT. */
export interface SubmitEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  REQUEST_BUCKET: string;
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  BUCKET_OWNER: string;
  /** For a part that ends while SUBMIT has it. */
  DELIVER_QUEUE_URL: string;
  /** The ARN or name of the secret that contains the API key. */
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  COMPLETION_WINDOW: string;
  /**
   * JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`. Without a limit, `maxOpenBatches` is
   * absent.
   */
  BATCH_LIMITS: string;
  /** `on`: webhooks may report the end of a batch before it is saved. */
  WEBHOOKS?: string;
}
