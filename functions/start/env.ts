/** The environment of START. */
export interface StartEnv {
  LEDGER_TABLE: string;
  REQUEST_BUCKET: string;
  /** The start of the keys of request files; absent: every key is one. */
  REQUEST_PREFIX?: string;
  /** The id of the AWS account that owns the request bucket. */
  BUCKET_OWNER: string;
}
