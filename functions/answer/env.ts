/** The environment of ANSWER. */
export interface AnswerEnv {
  /** The name of this Batchdrop, for the events that it hands to tasks. */
  INSTANCE: string;
  LEDGER_TABLE: string;
  /** Only named in events, not read. */
  RESULTS_BUCKET: string;
  /** The start of all keys in the results bucket; absent: none. */
  RESULTS_PREFIX?: string;
}
