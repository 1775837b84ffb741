/** OpenAI's limits on batches and files. `enqueuedTokens` is per model. */
export interface Limits {
  readonly fileBytes: number;
  readonly rows: number;
  readonly embeddingInputs: number;
  readonly batchesPerHour: number;
  readonly uploadsPerMinute: number;
  readonly enqueuedTokens: number;
  /**
   * How long a receiver may take to respond to a webhook, in milliseconds of wall time. OpenAI says only that it should
   * be quick.
   */
  readonly webhookAnswerMs: number;
}

/**
 * The published limits. "200 MB" is interpreted in the stricter way, so that a file that passes here also passes at
 * OpenAI.
 */
export const OPENAI_LIMITS: Limits = {
  fileBytes: 200_000_000,
  rows: 50_000,
  embeddingInputs: 50_000,
  batchesPerHour: 2_000,
  uploadsPerMinute: 1_000,
  enqueuedTokens: 2_000_000_000,
  webhookAnswerMs: 15_000,
};

/** The organization in responses, whatever the key. */
export const ORGANIZATION = 'org-batchdrop-local';

// Deliberately separate from Batchdrop's own list, so that this server does not repeat its mistakes.
export const BATCH_ENDPOINTS: readonly string[] = [
  '/v1/responses',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/videos',
];
