/** The bytes and input tokens of a model's completed batches. Older batches weigh less. */
export interface Measured {
  bytes: number;
  tokens: number;
}

/**
 * The first estimate. OpenAI's rule of thumb is four characters of English per token, and its embeddings estimator
 * counts a quarter of a token per UTF-8 byte (https://github.com/timescale/pgai/pull/730). The bytes include the JSON
 * around the texts, so the estimate is rather too high.
 */
export const BYTES_PER_TOKEN = 4;
const GUESSED_BYTES = 100_000; // the first estimate weighs as much as this many measured bytes
const REMEMBERED_BYTES = 1_000_000_000; // five full batches; above this, older ones weigh half

/** Returns the estimated input tokens of a number of uploaded bytes. */
export function estimatedTokens(bytes: number, measured: Measured = { bytes: 0, tokens: 0 }): number {
  const tokens = GUESSED_BYTES / BYTES_PER_TOKEN + measured.tokens;
  return Math.ceil((bytes * tokens) / (GUESSED_BYTES + measured.bytes));
}

/** Returns how many bytes are estimated to stay within a number of input tokens. */
export function bytesWithin(tokens: number, measured: Measured = { bytes: 0, tokens: 0 }): number {
  return Math.floor(
    (tokens * (GUESSED_BYTES + measured.bytes)) / (GUESSED_BYTES / BYTES_PER_TOKEN + measured.tokens),
  );
}

/** Returns the measurement with one more batch: its bytes, and the input tokens that were billed for them. */
export function withMeasured(before: Measured = { bytes: 0, tokens: 0 }, batch: Measured): Measured {
  const sum = { bytes: before.bytes + batch.bytes, tokens: before.tokens + batch.tokens };
  return sum.bytes > REMEMBERED_BYTES ? { bytes: sum.bytes / 2, tokens: sum.tokens / 2 } : sum;
}
