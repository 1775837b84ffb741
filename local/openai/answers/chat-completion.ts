import { seededHex } from '../faults/seeded-random.ts';
import type { JsonObject } from '../json.ts';
import { type Content, generatedContent } from './generated-content.ts';
import { logProbabilities } from './log-probabilities.ts';
import type { Answer, Question } from './question.ts';
import { limited, tokenLimit, tokensOf } from './text-tokens.ts';
import { classicUsage } from './usage.ts';
import { wantedOfChat } from './wanted-output.ts';

/** Returns the body of a chat completion: `n` choices, each of them a text or the call of a tool. */
export function chatCompletion(question: Question): Answer {
  const { row, key } = question;
  const { n, max_tokens: maxTokens, max_completion_tokens: maxCompletionTokens } = row.body;
  const wanted = wantedOfChat(row.body);
  const most = tokenLimit(maxTokens, maxCompletionTokens);
  let outputTokens = 0;
  const choices: JsonObject[] = [];
  for (let index = 0; index < (typeof n === 'number' ? n : 1); index += 1) {
    const content = generatedContent(question, wanted, index);
    const { text, isCut } = limited(content.text, most);
    outputTokens += tokensOf(text);
    choices.push(choice(question, index, isCut ? { ...content, text } : content, isCut));
  }
  const usage = { inputTokens: question.inputTokens, outputTokens };
  const body = {
    id: `chatcmpl-${seededHex(key, 29)}`,
    object: 'chat.completion',
    created: question.createdSeconds,
    model: row.model,
    choices,
    usage: {
      ...classicUsage(usage),
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    service_tier: 'default',
    system_fingerprint: null,
  };
  return { body, usage };
}

function choice(
  { row, key, randomOf }: Question,
  index: number,
  content: Content,
  isCut: boolean,
): JsonObject {
  const isCall = content.kind === 'call';
  const message = {
    role: 'assistant',
    content: isCall ? null : content.text,
    refusal: null,
    annotations: [],
  };
  const { logprobs, top_logprobs: alternatives } = row.body;
  const probabilities = () => logProbabilities(content.text, alternatives, randomOf(`${index}/logprobs`));
  return {
    index,
    message: isCall ? { ...message, tool_calls: [toolCall(content, `${key}/${index}`)] } : message,
    logprobs: logprobs === true && !isCall ? { content: probabilities(), refusal: null } : null,
    finish_reason: isCut ? 'length' : isCall ? 'tool_calls' : 'stop',
  };
}

function toolCall({ tool, text }: Content & { kind: 'call' }, key: string): JsonObject {
  const id = `call_${seededHex(`${key}/call`, 24)}`;
  if (tool.kind === 'custom') return { id, type: 'custom', custom: { name: tool.name, input: text } };
  return { id, type: 'function', function: { name: tool.name, arguments: text } };
}
