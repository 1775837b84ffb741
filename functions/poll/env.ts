/** The environment of POLL. */
export interface PollEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Only named in events, not read. */
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  INTAKE_QUEUE_URL: string;
  SUBMIT_QUEUE_URL: string;
  DELIVER_QUEUE_URL: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /**
   * JSON: `{"enqueuedTokens":{"<model>":<tokens>},"maxOpenBatches":<batches>}`. Without a limit, `maxOpenBatches` is
   * absent.
   */
  BATCH_LIMITS: string;
  /** `on`: webhooks also report ends. */
  WEBHOOKS?: string;
  /** How often all open batches are observed, in seconds; absent: at each tick. */
  OBSERVE_INTERVAL?: string;
  /** `on`: each completed tick is reported as a metric, for an alarm; absent: nobody watches it, and it costs money. */
  HEARTBEAT?: string;
  /** JSON: `PriceSettings` of the contract; absent: the prices that Batchdrop comes with. */
  PRICES?: string;
}
