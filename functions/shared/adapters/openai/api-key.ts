/** What a call to the Batch API is signed with. */
export interface ApiKey {
  apiKey: string;
  organization?: string;
  project?: string;
}

/** Where the key comes from. Errors: RetryableError; NotAllowed when there is none. */
export interface ApiKeySource {
  current(): Promise<ApiKey>;
  /** Reads it anew, after it was refused. */
  refresh(): Promise<ApiKey>;
}
