/** The environment of WEBHOOK. */
export interface WebhookEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Only named in events, not read. */
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  DELIVER_QUEUE_URL: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /** The name or ARN of the secret with the webhook's signing secrets. */
  WEBHOOK_SECRET_ID: string;
}
