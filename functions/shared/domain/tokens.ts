/** What batches of a model that completed came to; older ones count for less and less. */
export interface Measured {
  bytes: number;
  tokens: number;
}

/**
 * The first guess. OpenAI's rule of thumb is four characters of English a token, and the estimator in front of its own
 * embeddings counts a quarter of a token for each byte of UTF-8 (https://github.com/timescale/pgai/pull/730). The JSON
 * around the texts is counted in, which makes it guess rather too many.
 */
const BYTES_PER_TOKEN = 4;
const GUESSED_BYTES = 100_000; // the guess weighs as much as so many bytes that were measured
const REMEMBERED_BYTES = 1_000_000_000; // five full batches; beyond them what is older weighs half

/** How many input tokens so many uploaded bytes are likely to be. */
export function estimatedTokens(bytes: number, measured: Measured = { bytes: 0, tokens: 0 }): number {
  const tokens = GUESSED_BYTES / BYTES_PER_TOKEN + measured.tokens;
  return Math.ceil((bytes * tokens) / (GUESSED_BYTES + measured.bytes));
}

/** How many bytes are likely to be no more input tokens than that. */
export function bytesWithin(tokens: number, measured: Measured = { bytes: 0, tokens: 0 }): number {
  return Math.floor(
    (tokens * (GUESSED_BYTES + measured.bytes)) / (GUESSED_BYTES / BYTES_PER_TOKEN + measured.tokens),
  );
}

/** With another batch: so many of its bytes were billed as so many input tokens. */
export function withMeasured(before: Measured = { bytes: 0, tokens: 0 }, batch: Measured): Measured {
  const sum = { bytes: before.bytes + batch.bytes, tokens: before.tokens + batch.tokens };
  return sum.bytes > REMEMBERED_BYTES ? { bytes: sum.bytes / 2, tokens: sum.tokens / 2 } : sum;
}
