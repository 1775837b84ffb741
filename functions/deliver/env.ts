/** The environment of DELIVER. */
export interface DeliverEnv {
  /** The name of this Batchdrop, for its events and metrics. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  EVENT_BUS_ARN: string;
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
  BUCKET_OWNER: string;
  OPENAI_SECRET_ID: string;
  OPENAI_BASE_URL: string;
  /** `yes`: keep the uploaded files and the result files at the API. */
  KEEP_OPENAI_FILES: 'yes' | 'no';
  /** The maximum number of batches per row, a whole number from 1. */
  MAX_ATTEMPTS: string;
  /** JSON: `PriceSettings` of the contract; absent: the prices that Batchdrop comes with. */
  PRICES?: string;
  /** `yes`: store results as a table, too, unless a file asks for none; absent: only where a file asks for one. */
  FLAT_RESULTS?: 'yes';
  /** `yes`: run rows again that are missing from both result files. */
  RERUN_MISSING: 'yes' | 'no';
}
