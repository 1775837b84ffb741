/** The environment of CANCEL. */
export interface CancelEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  /** Only named in events, not read. */
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
}
