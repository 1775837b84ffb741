import { seededHex } from '../faults/seeded-random.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type Content, generatedContent } from './generated-content.ts';
import { logProbabilities } from './log-probabilities.ts';
import type { Answer, Question } from './question.ts';
import { limited, tokenLimit, tokensOf } from './text-tokens.ts';
import { wantedOfResponse } from './wanted-output.ts';

const LOGPROBS = 'message.output_text.logprobs';

/** Returns the body of a response, whose output is a message or the call of a tool. */
export function response(question: Question): Answer {
  const { row, key } = question;
  const content = generatedContent(question, wantedOfResponse(row.body));
  const { text, isCut } = limited(content.text, tokenLimit(row.body.max_output_tokens));
  const usage = { inputTokens: question.inputTokens, outputTokens: tokensOf(text) };
  const body = {
    id: `resp_${seededHex(key, 48)}`,
    object: 'response',
    created_at: question.createdSeconds,
    status: isCut ? 'incomplete' : 'completed',
    error: null,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    ...repeated(row.body),
    model: row.model,
    output: [outputItem(question, { ...content, text }, isCut)],
    usage: {
      input_tokens: usage.inputTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.inputTokens + usage.outputTokens,
    },
  };
  return { body, usage };
}

/** The fields that a response repeats from its request. */
function repeated(body: JsonObject): JsonObject {
  const or = (name: string, usual: Json): Json => body[name] ?? usual;
  return {
    instructions: or('instructions', null),
    max_output_tokens: or('max_output_tokens', null),
    metadata: or('metadata', {}),
    parallel_tool_calls: or('parallel_tool_calls', true),
    previous_response_id: or('previous_response_id', null),
    temperature: or('temperature', 1),
    text: { format: { type: 'text' }, ...(isJsonObject(body.text) ? body.text : {}) },
    tool_choice: or('tool_choice', 'auto'),
    tools: or('tools', []),
    top_p: or('top_p', 1),
  };
}

function outputItem({ row, key, randomOf }: Question, content: Content, isCut: boolean): JsonObject {
  const status = isCut ? 'incomplete' : 'completed';
  if (content.kind === 'call') {
    const { tool, text } = content;
    const call = { status, call_id: `call_${seededHex(`${key}/call`, 24)}`, name: tool.name };
    return tool.kind === 'custom'
      ? { id: `ctc_${seededHex(`${key}/item`, 48)}`, type: 'custom_tool_call', ...call, input: text }
      : { id: `fc_${seededHex(`${key}/item`, 48)}`, type: 'function_call', ...call, arguments: text };
  }
  const { include, top_logprobs: alternatives } = row.body;
  const isAsked = Array.isArray(include) && include.includes(LOGPROBS);
  const logprobs = isAsked
    ? { logprobs: logProbabilities(content.text, alternatives, randomOf('logprobs')) }
    : {};
  return {
    id: `msg_${seededHex(`${key}/message`, 48)}`,
    type: 'message',
    role: 'assistant',
    status,
    content: [{ type: 'output_text', text: content.text, annotations: [], ...logprobs }],
  };
}
