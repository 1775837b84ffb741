import { seededHex } from '../faults/seeded-random.ts';
import type { JsonObject } from '../json.ts';
import { spokenAnswer } from './generated-content.ts';
import { classicLogProbabilities } from './log-probabilities.ts';
import type { Answer, Question } from './question.ts';
import { promptsOf } from './request-inputs.ts';
import { lastText, limited, tokenLimit, tokensOf } from './text-tokens.ts';
import { classicUsage } from './usage.ts';

const USUAL_MAX_TOKENS = 16;

/** Returns the body of a completion: `n` choices for each prompt. */
export function completion({ row, key, createdSeconds, inputTokens, asked, randomOf }: Question): Answer {
  const { n, logprobs, max_tokens: maxTokens } = row.body;
  const most = tokenLimit(maxTokens ?? USUAL_MAX_TOKENS);
  const count = typeof n === 'number' ? n : 1;
  let outputTokens = 0;
  const choices: JsonObject[] = [];
  for (const prompt of promptsOf(row.body)) {
    for (let at = 0; at < count; at += 1) {
      const { text, isCut } = limited(spokenAnswer(lastText(prompt) ?? asked, at), most);
      const index = choices.length;
      outputTokens += tokensOf(text);
      choices.push({
        index,
        text,
        logprobs: typeof logprobs === 'number' ? classicLogProbabilities(text, randomOf(index)) : null,
        finish_reason: isCut ? 'length' : 'stop',
      });
    }
  }
  const usage = { inputTokens, outputTokens };
  const body = {
    id: `cmpl-${seededHex(key, 29)}`,
    object: 'text_completion',
    created: createdSeconds,
    model: row.model,
    choices,
    usage: classicUsage(usage),
  };
  return { body, usage };
}
