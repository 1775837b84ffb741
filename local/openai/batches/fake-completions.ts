/** Fake response bodies: reproducible, small, and in the format of each endpoint. */

import { seededHex, seededRandom } from '../faults/seeded-random.ts';
import type { TokenUsage } from './batch-record.ts';
import { isJsonObject, type Json, type JsonObject, type RequestRow } from './request-row.ts';

export interface Answer {
  readonly body: JsonObject;
  readonly usage: TokenUsage;
}

interface Question {
  readonly row: RequestRow;
  readonly key: string;
  readonly createdSeconds: number;
  readonly inputTokens: number;
}

const CHARACTERS_PER_TOKEN = 4; // OpenAI's rule of thumb for English
const QUOTED_CHARACTERS = 80;
const USUAL_DIMENSIONS = 8; // real models return 1,536 and more: too much for 50,000 rows on one machine
const MAX_DIMENSIONS = 256;
const DEEPEST_TEXT = 32; // texts of a real request are within 6 levels; a malicious one must not overflow the stack

/** Returns the body and usage for a row of `endpoint`. Ids and numbers are derived from `key`. */
export function answer(endpoint: string, row: RequestRow, key: string, createdSeconds: number): Answer {
  const question = { row, key, createdSeconds, inputTokens: promptTokens(row.body) };
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

/** Returns the prompt tokens of a request, estimated from its characters. Token numbers in an array are counted. */
export function promptTokens(body: JsonObject): number {
  const asked = [body.messages, body.input, body.prompt, body.instructions];
  return Math.ceil(asked.reduce<number>((sum, part) => sum + characters(part, 0), 0) / CHARACTERS_PER_TOKEN);
}

function characters(value: Json | undefined, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'number') return CHARACTERS_PER_TOKEN;
  if (typeof value !== 'object' || value === null || depth > DEEPEST_TEXT) return 0;
  return Object.values(value).reduce<number>((sum, part) => sum + characters(part, depth + 1), 0);
}

/** Returns the inputs of an embedding or moderation request: one or more texts or arrays of tokens. */
export function inputCount(body: JsonObject): number {
  const { input } = body;
  if (!Array.isArray(input)) return 1;
  return typeof input[0] === 'number' ? 1 : input.length;
}

/** Returns a sentence with the last text of a request, shortened. */
function spokenAnswer({ row }: Question): string {
  const asked = lastText(row.body.messages ?? row.body.input ?? row.body.prompt, 0) ?? row.customId;
  const quoted = asked.length > QUOTED_CHARACTERS ? `${asked.slice(0, QUOTED_CHARACTERS).trimEnd()}…` : asked;
  return `Local answer to: ${quoted.toWellFormed()}`;
}

function lastText(value: Json | undefined, depth: number): string | undefined {
  if (typeof value === 'string') return value;
  if (depth > DEEPEST_TEXT) return undefined;
  if (Array.isArray(value)) return lastText(value.at(-1), depth + 1);
  if (!isJsonObject(value)) return undefined;
  return lastText(value.content ?? value.text, depth + 1);
}

const tokensOf = (text: string) => Math.ceil(text.length / CHARACTERS_PER_TOKEN);

function chatCompletion(question: Question): Answer {
  const content = spokenAnswer(question);
  const usage = { inputTokens: question.inputTokens, outputTokens: tokensOf(content) };
  const body = {
    id: `chatcmpl-${seededHex(question.key, 29)}`,
    object: 'chat.completion',
    created: question.createdSeconds,
    model: question.row.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
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

function completion(question: Question): Answer {
  const text = spokenAnswer(question);
  const usage = { inputTokens: question.inputTokens, outputTokens: tokensOf(text) };
  const body = {
    id: `cmpl-${seededHex(question.key, 29)}`,
    object: 'text_completion',
    created: question.createdSeconds,
    model: question.row.model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: 'stop' }],
    usage: classicUsage(usage),
  };
  return { body, usage };
}

function classicUsage({ inputTokens, outputTokens }: TokenUsage): { [name: string]: number } {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function response(question: Question): Answer {
  const text = spokenAnswer(question);
  const usage = { inputTokens: question.inputTokens, outputTokens: tokensOf(text) };
  const { row, key } = question;
  const body = {
    id: `resp_${seededHex(key, 48)}`,
    object: 'response',
    created_at: question.createdSeconds,
    status: 'completed',
    error: null,
    incomplete_details: null,
    instructions: typeof row.body.instructions === 'string' ? row.body.instructions : null,
    max_output_tokens: typeof row.body.max_output_tokens === 'number' ? row.body.max_output_tokens : null,
    metadata: {},
    model: row.model,
    output: [
      {
        id: `msg_${seededHex(`${key}/message`, 48)}`,
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [] }],
      },
    ],
    parallel_tool_calls: true,
    previous_response_id: null,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
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

function embeddings({ row, key, inputTokens }: Question): Answer {
  const asked = row.body.dimensions;
  const honoured =
    typeof asked === 'number' && Number.isInteger(asked) && asked >= 1 && asked <= MAX_DIMENSIONS;
  const dimensions = honoured ? asked : USUAL_DIMENSIONS;
  const embeddings = Array.from({ length: inputCount(row.body) }, (_, index) => {
    const vector = unitVector(dimensions, `${key}/${index}`);
    const inBase64 = row.body.encoding_format === 'base64';
    const embedding = inBase64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
    return { object: 'embedding', index, embedding };
  });
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens };
  return {
    body: { object: 'list', data: embeddings, model: row.model, usage },
    usage: { inputTokens, outputTokens: 0 },
  };
}

function unitVector(dimensions: number, key: string): Float32Array<ArrayBuffer> {
  const random = seededRandom(key);
  const vector = Float32Array.from({ length: dimensions }, () => random() * 2 - 1);
  const length = Math.hypot(...vector);
  return vector.map((number) => number / length);
}

const MODERATED = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];

function moderation({ row, key, inputTokens }: Question): Answer {
  const random = seededRandom(key);
  const results = Array.from({ length: inputCount(row.body) }, () => ({
    flagged: false,
    categories: Object.fromEntries(MODERATED.map((category) => [category, false])),
    category_scores: Object.fromEntries(MODERATED.map((category) => [category, random() / 1_000])),
    category_applied_input_types: Object.fromEntries(MODERATED.map((category) => [category, ['text']])),
  }));
  const body = { id: `modr-${seededHex(key, 32)}`, model: row.model, results };
  return { body, usage: { inputTokens, outputTokens: 0 } };
}
