import type { Random } from '../faults/seeded-random.ts';
import type { Json, JsonObject } from '../json.ts';
import { words } from './schema/words.ts';
import { tokensIn } from './text-tokens.ts';

const MAX_ALTERNATIVES = 20;

/** Returns the log probability of each token of a text, with this many alternatives, as chat completions and responses have them. */
export function logProbabilities(text: string, alternatives: Json | undefined, random: Random): JsonObject[] {
  const count = typeof alternatives === 'number' ? Math.min(alternatives, MAX_ALTERNATIVES) : 0;
  return tokensIn(text).map((token) => {
    const chosen = { token, logprob: probability(random), bytes: [...Buffer.from(token)] };
    const others = Array.from({ length: Math.max(0, count - 1) }, (_, at) => {
      const other = words(random).slice(0, 4);
      return { token: other, logprob: chosen.logprob - at - 1, bytes: [...Buffer.from(other)] };
    });
    return { ...chosen, top_logprobs: count > 0 ? [chosen, ...others] : [] };
  });
}

/** Returns them as completions have them. */
export function classicLogProbabilities(text: string, random: Random): JsonObject {
  const tokens = tokensIn(text);
  let offset = 0;
  const offsets = tokens.map((token) => {
    offset += token.length;
    return offset - token.length;
  });
  const probabilities = tokens.map(() => probability(random));
  const top = tokens.map((token, at) => ({ [token]: probabilities[at] ?? 0 }));
  return { tokens, token_logprobs: probabilities, top_logprobs: top, text_offset: offsets };
}

/** At least a half. */
function probability(random: Random): number {
  return Number((-random() * Math.LN2).toFixed(6));
}
