/** What WEBHOOK needs of its environment. */
export interface WebhookEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Named in events, not read. */
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  DELIVER_QUEUE_URL: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /** Name or ARN of the secret with the webhook's signing secrets. */
  WEBHOOK_SECRET_ID: string;
}
