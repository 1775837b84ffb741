/** Fake response bodies: reproducible, small, and in the format that the request asks for. */
import type { RequestRow } from '../batches/request-row.ts';
import { seededHex, seededRandom } from '../faults/seeded-random.ts';
import { chatCompletion } from './chat-completion.ts';
import { completion } from './completion.ts';
import { embeddings } from './embeddings.ts';
import { moderation } from './moderation.ts';
import type { Answer } from './question.ts';
import { response } from './response.ts';
import { lastText, promptTokens } from './text-tokens.ts';

/** Returns the body and usage for a row of `endpoint`. `key`: for its ids; `seed`: for its content. */
export function answer(
  endpoint: string,
  row: RequestRow,
  { key, seed }: { readonly key: string; readonly seed: string },
  createdSeconds: number,
): Answer {
  const { messages, input, prompt } = row.body;
  const asked = lastText(messages ?? input ?? prompt) ?? row.customId;
  const randomOf = (what: string | number) =>
    seededRandom(`${seed}/${row.model}/${row.customId}/${asked}/${what}`);
  const question = { row, key, createdSeconds, inputTokens: promptTokens(row.body), asked, randomOf };
  switch (endpoint) {
    case '/v1/chat/completions':
      return chatCompletion(question);
    case '/v1/responses':
      return response(question);
    case '/v1/embeddings':
      return embeddings(question);
    case '/v1/moderations':
      return moderation(question);
    case '/v1/completions':
      return completion(question);
    default:
      return {
        body: {
          id: `local_${seededHex(key, 24)}`,
          object: 'local.answer',
          created: createdSeconds,
          model: row.model,
        },
        usage: { inputTokens: question.inputTokens, outputTokens: 0 },
      };
  }
}
