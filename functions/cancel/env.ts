/** What CANCEL needs of its environment. */
export interface CancelEnv {
  LEDGER_TABLE: string;
  EVENT_BUS_NAME: string;
  RESULTS_BUCKET: string;
  DELIVER_QUEUE_URL: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
}
