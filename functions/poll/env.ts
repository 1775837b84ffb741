/** What POLL needs of its environment. */
export interface PollEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Named in events, not read. */
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  INTAKE_QUEUE_URL: string;
  SUBMIT_QUEUE_URL: string;
  DELIVER_QUEUE_URL: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /** JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`, the latter if it is limited. */
  BATCH_LIMITS: string;
  /** `on`: webhooks tell ends, too. */
  WEBHOOKS?: string;
  /** How often all open batches are observed, in seconds; absent: at each tick. */
  OBSERVE_INTERVAL?: string;
}
