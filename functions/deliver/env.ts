/** What DELIVER needs of its environment. */
export interface DeliverEnv {
  /** Which Batchdrop of the account and region it belongs to, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  RESULTS_BUCKET: string;
  /** Before all keys in the results bucket; absent: nothing. */
  RESULTS_PREFIX?: string;
  BUCKET_OWNER: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /** `yes` leaves what was uploaded and produced at the API where it is. */
  KEEP_OPENAI_FILES: 'yes' | 'no';
  /** Batches a row may be in at the most, a whole number from 1. */
  MAX_ATTEMPTS: string;
  /** JSON: `PriceSettings` of the contract; absent: the prices that Batchdrop comes with. */
  PRICES?: string;
  /** `yes` runs rows again of which the API left no line. */
  RERUN_MISSING: 'yes' | 'no';
}
