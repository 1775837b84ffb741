/**
 * Synthetic workloads with known tokens, and the requests of the local Batch API server's clients with the usage that it
 * generates. Each is a generator of jobs: rows as they would be uploaded, and what each row will use.
 */
import { answer } from '../../../local/openai/answers/answer.ts';
import type { JsonObject } from '../../../local/openai/json.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';

/** A row of a request file, and the tokens that it will use. */
export interface BenchRow {
  readonly line: string;
  readonly input: number;
  readonly output: number;
}

/** A kind of jobs. */
export interface Workload {
  readonly name: string;
  readonly model: string;
  /** Returns the rows of a job. */
  readonly job: (rows: number, random: () => number) => BenchRow[];
}

const WORDS = seededWords(2_000);

/** Words as long as in English text. A tokenizer makes one token of a common word, and more of a long one. */
function seededWords(count: number): { text: string; tokens: number }[] {
  const random = seededRandom(1);
  return Array.from({ length: count }, () => {
    const length = 1 + Math.floor(9 * random() * random() + 4 * random());
    const text = Array.from({ length }, () => String.fromCharCode(97 + Math.floor(26 * random()))).join('');
    return { text, tokens: length <= 7 ? 1 : 2 };
  });
}

function prose(words: number, random: () => number): { text: string; tokens: number } {
  const chosen = Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]);
  return {
    text: chosen.map((word) => word?.text).join(' '),
    tokens: chosen.reduce((sum, word) => sum + (word?.tokens ?? 0), 0),
  };
}

/** A normal variate. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** How much longer or shorter the answers of one job are than those of others. */
function drift(random: () => number): number {
  return Math.exp(0.08 * normal(random));
}

const MESSAGE_TOKENS = 4; // per message, and 3 for the answer: OpenAI's cookbook on counting tokens
const ANSWER_TOKENS = 3;

function chatRow(at: number, body: JsonObject, tokens: { input: number; output: number }): BenchRow {
  const row = { custom_id: `row-${at}`, method: 'POST', url: '/v1/chat/completions', body };
  return { line: JSON.stringify(row), ...tokens };
}

function messages(system: string, user: string): JsonObject[] {
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}

const OVERHEAD = 2 * MESSAGE_TOKENS + ANSWER_TOKENS;
const SYSTEM = prose(60, seededRandom(2));

const chat: Workload = {
  name: 'chat, short answers within max_tokens',
  model: 'gpt-4o-mini',
  job: (rows, random) => {
    const usual = 120 * drift(random);
    return Array.from({ length: rows }, (_, at) => {
      const question = prose(20 + Math.floor(200 * random()), random);
      const output = Math.min(400, Math.max(5, Math.round(usual * Math.exp(0.5 * normal(random)))));
      const input = SYSTEM.tokens + question.tokens + OVERHEAD;
      const body = { model: 'gpt-4o-mini', messages: messages(SYSTEM.text, question.text), max_tokens: 400 };
      return chatRow(at, body, { input, output });
    });
  },
};

const classification: Workload = {
  name: 'classification, 1 to 3 tokens',
  model: 'gpt-4.1-nano',
  job: (rows, random) =>
    Array.from({ length: rows }, (_, at) => {
      const text = prose(5 + Math.floor(80 * random()), random);
      const input = SYSTEM.tokens + text.tokens + OVERHEAD;
      const output = 1 + Math.floor(3 * random());
      const body = { model: 'gpt-4.1-nano', messages: messages(SYSTEM.text, text.text), max_tokens: 10 };
      return chatRow(at, body, { input, output });
    }),
};

const embeddings: Workload = {
  name: 'embeddings',
  model: 'text-embedding-3-small',
  job: (rows, random) =>
    Array.from({ length: rows }, (_, at) => {
      const texts = Array.from({ length: 1 + Math.floor(8 * random()) }, () =>
        prose(30 + Math.floor(300 * random()), random),
      );
      const body = { model: 'text-embedding-3-small', input: texts.map(({ text }) => text) };
      const row = { custom_id: `row-${at}`, method: 'POST', url: '/v1/embeddings', body };
      return {
        line: JSON.stringify(row),
        input: texts.reduce((sum, { tokens }) => sum + tokens, 0),
        output: 0,
      };
    }),
};

const essays: Workload = {
  name: 'long-tailed answers without a limit',
  model: 'gpt-4o',
  job: (rows, random) => {
    const usual = 350 * drift(random);
    return Array.from({ length: rows }, (_, at) => {
      const question = prose(10 + Math.floor(60 * random()), random);
      const output = Math.min(16_384, Math.max(1, Math.round(usual * Math.exp(0.9 * normal(random)))));
      const input = question.tokens + MESSAGE_TOKENS + ANSWER_TOKENS;
      const body = { model: 'gpt-4o', messages: [{ role: 'user', content: question.text }] };
      return chatRow(at, body, { input, output });
    });
  },
};

/** Two of these on one model: told apart by their limits alone. */
const mixed: Workload = {
  name: 'the first two on one model, in turn',
  model: 'gpt-5-mini',
  job: (rows, random) => {
    const { job } = random() < 0.5 ? chat : classification;
    return job(rows, random).map((row) => ({ ...row, line: row.line.replace(/gpt-4[^"]*/, 'gpt-5-mini') }));
  },
};

const URLS = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings'] as const;

/** Rows with the usage that the local Batch API server generates for them. */
function served(url: (typeof URLS)[number], model: string): Workload {
  return {
    name: `local server, ${url}`,
    model,
    job: (rows, random) =>
      Array.from({ length: rows }, (_, at) => {
        const { text } = prose(5 + Math.floor(100 * random()), random);
        const asked =
          url === '/v1/chat/completions' ? { messages: [{ role: 'user', content: text }] } : { input: text };
        const row = { custom_id: `row-${at}`, method: 'POST', url, body: { model, ...asked } };
        const question = { customId: row.custom_id, body: row.body, model };
        const { usage } = answer(url, question, { key: `${model}/${at}`, seed: '1' }, 0);
        return { line: JSON.stringify(row), input: usage.inputTokens, output: usage.outputTokens };
      }),
  };
}

export const WORKLOADS: readonly Workload[] = [
  chat,
  classification,
  embeddings,
  essays,
  mixed,
  served('/v1/chat/completions', 'gpt-4.1-mini'),
  served('/v1/responses', 'gpt-4.1'),
  served('/v1/embeddings', 'text-embedding-3-large'),
];
