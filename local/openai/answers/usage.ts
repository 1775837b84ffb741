import type { TokenUsage } from '../batches/batch-record.ts';
import type { JsonObject } from '../json.ts';

/** Returns the usage in the format of chat completions, completions and embeddings. */
export function classicUsage({ inputTokens, outputTokens }: TokenUsage): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
