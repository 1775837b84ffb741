/** The credentials of a call to the Batch API. */
export interface ApiKey {
  apiKey: string;
  organization?: string;
  project?: string;
}

/** Provides the API key. Errors: RetryableError; NotAllowed if there is no valid key. */
export interface ApiKeySource {
  current(): Promise<ApiKey>;
  /** Reads the key again after the API refused it. */
  refresh(): Promise<ApiKey>;
}
