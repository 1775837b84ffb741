import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ChatCompletion } from 'openai/resources/chat/completions';
import type { Completion } from 'openai/resources/completions';
import type { CreateEmbeddingResponse } from 'openai/resources/embeddings';
import type { ModerationCreateResponse } from 'openai/resources/moderations';
import type { Response } from 'openai/resources/responses/responses';
import { describe, expect, test } from 'vitest';
import { runRow } from '../../../local/openai/batches/row-outcome.ts';
import type { Json, JsonObject } from '../../../local/openai/json.ts';

const REVIEW = {
  type: 'object',
  properties: {
    sentiment: { type: 'string', enum: ['positive', 'negative', 'neutral'] },
    score: { type: 'number', minimum: 0, maximum: 1 },
    topics: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 3 },
  },
  required: ['sentiment', 'score', 'topics'],
  additionalProperties: false,
};
const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city', 'days'],
  additionalProperties: false,
};
const MESSAGES = [{ role: 'user', content: 'Is it good? Answer in JSON.' }];
const isReview = new Ajv2020().compile(REVIEW);
const isWeather = new Ajv2020().compile(WEATHER);

/** Runs a row, as it arrives in a batch. */
function run(url: string, body: object, { customId = 'r1', batch = 'b1', seed = '7' } = {}) {
  const parsed: JsonObject = JSON.parse(JSON.stringify({ model: 'gpt-4o-mini', ...body }));
  const keys = { key: `${seed}/${batch}/${customId}`, seed };
  return runRow({ customId, model: String(parsed.model), body: parsed }, url, keys, 1_790_000_000);
}

function ran(url: string, body: object, more = {}): unknown {
  const { statusCode, body: answered } = run(url, body, more);
  expect(statusCode, JSON.stringify(answered)).toBe(200);
  return answered;
}

const chat = (body: object, more = {}) =>
  ran('/v1/chat/completions', { messages: MESSAGES, ...body }, more) as ChatCompletion;
const responses = (body: object, more = {}) =>
  ran('/v1/responses', { input: 'Is it good? Answer in JSON.', ...body }, more) as Response;
const firstOf = (completion: ChatCompletion) => completion.choices[0] ?? expect.fail('no choice');
const jsonOf = (text: string | null | undefined): Json => JSON.parse(text ?? expect.fail('no text'));

const chatFormat = (more: object = {}) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'review', schema: REVIEW, ...more } },
});
const responseFormat = (more: object = {}) => ({
  text: { format: { type: 'json_schema', name: 'review', schema: REVIEW, ...more } },
});
const chatTool = (more: object = {}) => ({
  type: 'function',
  function: { name: 'get_weather', parameters: WEATHER, ...more },
});
const responseTool = (more: object = {}) => ({
  type: 'function',
  name: 'get_weather',
  parameters: WEATHER,
  ...more,
});

/** The text or the call in a response. */
function outputOf({ output }: Response): { kind: string; text: string; name?: string } {
  const [item] = output;
  if (item?.type === 'function_call') return { kind: item.type, text: item.arguments, name: item.name };
  if (item?.type === 'custom_tool_call') return { kind: item.type, text: item.input, name: item.name };
  const content = item?.type === 'message' ? item.content[0] : undefined;
  return content?.type === 'output_text' ? { kind: 'text', text: content.text } : expect.fail('no text');
}

describe('a text in the format that the row asks for', () => {
  test('json_schema: a valid instance, with and without strict', () => {
    for (const more of [{}, { strict: true }, { strict: false }]) {
      const { message, finish_reason: end } = firstOf(chat(chatFormat(more)));
      expect(jsonOf(message.content)).toSatisfy(isReview);
      expect(end).toBe('stop');
      expect(jsonOf(outputOf(responses(responseFormat(more))).text)).toSatisfy(isReview);
    }
  });

  test('a repeat of the row gets the same instance, in whichever batch; another row gets another', () => {
    const content = (more: object) => firstOf(chat(chatFormat(), more)).message.content;
    expect(content({ batch: 'b2' })).toBe(content({ batch: 'b1' }));
    expect(chat(chatFormat(), { batch: 'b2' }).id).not.toBe(chat(chatFormat(), { batch: 'b1' }).id);
    const ids = Array.from({ length: 20 }, (_, at) => content({ customId: `r${at}` }));
    expect(new Set(ids).size).toBeGreaterThan(15);
    expect(content({ seed: '8' })).not.toBe(content({ seed: '7' }));
    const other = { ...chatFormat(), messages: [{ role: 'user', content: 'And this?' }] };
    expect(firstOf(chat(other)).message.content).not.toBe(content({}));
  });

  test('json_object: an object', () => {
    const object = { answer: 'Local answer to: Is it good? Answer in JSON.' };
    const { message } = firstOf(chat({ response_format: { type: 'json_object' } }));
    expect(jsonOf(message.content)).toEqual(object);
    expect(jsonOf(outputOf(responses({ text: { format: { type: 'json_object' } } })).text)).toEqual(object);
  });

  test('a response repeats the format, the tools and the metadata of its request', () => {
    const asked = {
      ...responseFormat(),
      tools: [responseTool()],
      tool_choice: 'none',
      metadata: { team: 'ads' },
    };
    expect(responses(asked)).toMatchObject({ ...asked, model: 'gpt-4o-mini', instructions: null });
  });
});

describe('a call of a tool', () => {
  test.each([
    ['required', 'required'],
    ['named', { type: 'function', function: { name: 'get_weather' } }],
    ['allowed', { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [chatTool()] } }],
  ])('chat completions, %s: valid arguments and no text', (_, tool_choice) => {
    const other = chatTool({ name: 'other' });
    const { message, finish_reason: end } = firstOf(chat({ tools: [chatTool(), other], tool_choice }));
    const [call] = message.tool_calls ?? [];
    if (call?.type !== 'function') expect.fail('no call');
    if (tool_choice !== 'required') expect(call.function.name).toBe('get_weather');
    expect(call.id).toMatch(/^call_\w{24}$/);
    expect(jsonOf(call.function.arguments)).toSatisfy(isWeather);
    expect(message.content).toBeNull();
    expect(end).toBe('tool_calls');
  });

  test.each([
    ['required', 'required'],
    ['named', { type: 'function', name: 'get_weather' }],
    [
      'allowed',
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'get_weather' }] },
    ],
  ])('responses, %s: valid arguments and no text', (_, tool_choice) => {
    const { kind, text, name } = outputOf(responses({ tools: [responseTool()], tool_choice }));
    expect({ kind, name }).toEqual({ kind: 'function_call', name: 'get_weather' });
    expect(jsonOf(text)).toSatisfy(isWeather);
  });

  test('auto: a text or a call, as the seed says; none: always a text', () => {
    const ends = (tool_choice: string | undefined) =>
      Array.from({ length: 30 }, (_, at) => {
        const asked = { tools: [chatTool()], tool_choice };
        return firstOf(chat(asked, { customId: `r${at}` })).finish_reason;
      });
    expect(new Set(ends('auto'))).toEqual(new Set(['stop', 'tool_calls']));
    expect(ends(undefined)).toEqual(ends('auto'));
    expect(new Set(ends('none'))).toEqual(new Set(['stop']));
  });

  test('auto, after the result of a call: a text', () => {
    const afterCall = [...MESSAGES, { role: 'tool', tool_call_id: 'call_1', content: '20 °C' }];
    for (let at = 0; at < 10; at += 1) {
      const asked = { tools: [chatTool()], messages: afterCall };
      expect(firstOf(chat(asked, { customId: `r${at}` })).message.content).toBe('Local answer to: 20 °C');
      const input = [{ type: 'function_call_output', call_id: 'call_1', output: '20 °C' }];
      expect(outputOf(responses({ tools: [responseTool()], input }, { customId: `r${at}` })).kind).toBe(
        'text',
      );
    }
  });

  test('auto with a schema: the text is an instance', () => {
    const asked = { ...chatFormat(), tools: [chatTool()] };
    const texts = Array.from(
      { length: 10 },
      (_, at) => firstOf(chat(asked, { customId: `r${at}` })).message.content,
    );
    const instances = texts.filter((text) => text !== null).map(jsonOf);
    expect(instances.length).toBeGreaterThan(0);
    for (const instance of instances) expect(instance).toSatisfy(isReview);
  });

  test('a custom tool gets an input; a tool without parameters gets an object', () => {
    const custom = { tools: [{ type: 'custom', custom: { name: 'shell' } }], tool_choice: 'required' };
    expect(firstOf(chat(custom)).message.tool_calls).toMatchObject([
      { type: 'custom', custom: { name: 'shell', input: expect.stringMatching(/^[a-z ]+$/) } },
    ]);
    const inResponses = { tools: [{ type: 'custom', name: 'shell' }], tool_choice: 'required' };
    expect(outputOf(responses(inResponses))).toMatchObject({ kind: 'custom_tool_call', name: 'shell' });
    const bare = { tools: [chatTool({ parameters: undefined })], tool_choice: 'required' };
    const [call] = firstOf(chat(bare)).message.tool_calls ?? [];
    expect(jsonOf(call?.type === 'function' ? call.function.arguments : null)).toBeTypeOf('object');
  });

  test('a tool that OpenAI runs itself is never called', () => {
    const search = { tools: [{ type: 'web_search' }], tool_choice: 'required' };
    expect(outputOf(responses(search)).kind).toBe('text');
    const named = { tools: [{ type: 'web_search' }, responseTool()], tool_choice: { type: 'web_search' } };
    expect(outputOf(responses(named)).kind).toBe('text');
  });
});

describe('n', () => {
  test('chat completions: that many choices, whose contents differ and whose tokens add up', () => {
    const { choices, usage } = chat({ ...chatFormat(), n: 3 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    const texts = choices.map(({ message }) => message.content ?? '');
    expect(new Set(texts).size).toBe(3);
    expect(usage?.completion_tokens).toBe(texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0));
    expect(chat({ n: 2 }).choices.map(({ message }) => message.content)).toEqual([
      'Local answer to: Is it good? Answer in JSON.',
      'Local answer 2 to: Is it good? Answer in JSON.',
    ]);
  });

  test('completions: that many choices per prompt', () => {
    const { choices } = ran('/v1/completions', { prompt: ['a', 'b'], n: 2 }) as Completion;
    expect(choices.map(({ index, text }) => `${index} ${text}`)).toEqual([
      '0 Local answer to: a',
      '1 Local answer 2 to: a',
      '2 Local answer to: b',
      '3 Local answer 2 to: b',
    ]);
    expect((ran('/v1/completions', { prompt: [1, 2, 3] }) as Completion).choices).toHaveLength(1);
  });
});

describe('log probabilities', () => {
  test('are absent unless the row asks for them', () => {
    expect(firstOf(chat({})).logprobs).toBeNull();
    expect(responses({}).output[0]).not.toHaveProperty('content.0.logprobs');
    expect((ran('/v1/completions', { prompt: 'a' }) as Completion).choices[0]?.logprobs).toBeNull();
  });

  test('have the tokens of the text, and as many alternatives as asked', () => {
    const { logprobs, message } = firstOf(
      chat({ logprobs: true, top_logprobs: 2, messages: [{ role: 'user', content: 'A😀😀😀😀B' }] }),
    );
    expect(logprobs?.content?.map(({ token }) => token).join('')).toBe(message.content);
    for (const { token, logprob, bytes, top_logprobs: top } of logprobs?.content ?? []) {
      expect(Buffer.from(bytes ?? []).toString()).toBe(token);
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(2);
    }
    expect(firstOf(chat({ logprobs: true })).logprobs?.content?.[0]?.top_logprobs).toEqual([]);
    const asked = responses({ include: ['message.output_text.logprobs'] });
    expect(asked.output[0]).toHaveProperty('content.0.logprobs.0.token', 'Loca');
    const [choice] = (ran('/v1/completions', { prompt: 'abc', logprobs: 1 }) as Completion).choices;
    expect(choice?.logprobs?.tokens?.join('')).toBe(choice?.text);
    expect(choice?.logprobs?.text_offset?.slice(0, 2)).toEqual([0, 4]);
  });
});

describe('usage', () => {
  test('a token is four characters of the prompt and of the answer', () => {
    const { usage, choices } = chat({ messages: [{ role: 'user', content: 'x'.repeat(396) }] });
    expect(usage).toMatchObject({ prompt_tokens: 100, total_tokens: 100 + (usage?.completion_tokens ?? 0) });
    expect(usage?.completion_tokens).toBe(Math.ceil((choices[0]?.message.content?.length ?? 0) / 4));
    const other = responses({ input: 'x'.repeat(400), instructions: 'y'.repeat(40) }).usage;
    expect(other?.input_tokens).toBe(110);
  });

  test('tools and schemas have tokens; an embedded image has a fixed number', () => {
    const tokens = (body: object) => chat(body).usage?.prompt_tokens ?? 0;
    expect(tokens({ tools: [chatTool({ description: 'x'.repeat(400) })] })).toBeGreaterThan(tokens({}) + 100);
    expect(tokens(chatFormat())).toBeGreaterThan(tokens({}));
    const image = (bytes: number) => {
      const url = `data:image/png;base64,${'A'.repeat(bytes)}`;
      return tokens({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });
    };
    expect(image(1_000_000)).toBe(image(10));
    expect(tokens({ messages: [{ role: 'user', content: `data: ${'x'.repeat(8_000)}` }] })).toBeGreaterThan(
      2_000,
    );
  });

  test.each([{ max_tokens: 3 }, { max_completion_tokens: 3 }, { max_tokens: 3, max_completion_tokens: 50 }])(
    'the limit of a chat completion cuts its answer: %j',
    (limit) => {
      const completion = chat(limit);
      expect(firstOf(completion)).toMatchObject({
        finish_reason: 'length',
        message: { content: 'Local answer' },
      });
      expect(completion.usage?.completion_tokens).toBe(3);
      expect(firstOf(chat({ ...limit, ...chatFormat() })).finish_reason).toBe('length');
      const call = firstOf(chat({ ...limit, tools: [chatTool()], tool_choice: 'required' }));
      expect(call.finish_reason).toBe('length');
      expect(firstOf(chat({ max_tokens: 50 })).finish_reason).toBe('stop');
    },
  );

  test('the limit of a response makes it incomplete', () => {
    const cut = responses({ max_output_tokens: 16, input: 'x'.repeat(500) });
    expect(cut).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete' }],
      usage: { output_tokens: 16 },
    });
    expect(responses({ max_output_tokens: 500 }).status).toBe('completed');
  });

  test('a completion has at most 16 tokens unless it asks for more', () => {
    const [cut] = (ran('/v1/completions', { prompt: 'x'.repeat(80) }) as Completion).choices;
    expect(cut).toMatchObject({ finish_reason: 'length' });
    expect(cut?.text).toHaveLength(64);
    const [whole] = (ran('/v1/completions', { prompt: 'x'.repeat(80), max_tokens: 50 }) as Completion)
      .choices;
    expect(whole?.finish_reason).toBe('stop');
  });

  test('a cut keeps characters whole', () => {
    const messages = [{ role: 'user', content: '😀'.repeat(20) }];
    for (let max_tokens = 0; max_tokens < 12; max_tokens += 1) {
      const { message } = firstOf(chat({ messages, max_tokens }));
      expect(message.content?.isWellFormed()).toBe(true);
    }
  });
});

describe('embeddings and moderations', () => {
  const embed = (body: object) => ran('/v1/embeddings', body) as CreateEmbeddingResponse;

  test('a vector of the requested length per input, as numbers or in base64', () => {
    const { data, model } = embed({ input: ['a', 'b', 'a'], dimensions: 3_072 });
    expect(model).toBe('gpt-4o-mini');
    expect(data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 3_072],
      [1, 3_072],
      [2, 3_072],
    ]);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1);
    const [coded] = embed({ input: 'a', dimensions: 3_072, encoding_format: 'base64' }).data;
    const bytes = Buffer.from(String(coded?.embedding), 'base64');
    expect(bytes).toHaveLength(3_072 * 4);
    expect(bytes.readFloatLE(0)).toBeCloseTo(data[0]?.embedding[0] ?? 1, 6);
  });

  test('the same input has the same vector, and another input another', () => {
    const [first, second, third] = embed({ input: ['a', 'b', 'a'] }).data;
    expect(first?.embedding).toEqual(third?.embedding);
    expect(first?.embedding).not.toEqual(second?.embedding);
    expect(embed({ input: [[1, 2], [3]] }).data).toHaveLength(2);
    expect(embed({ input: [1, 2] }).data).toHaveLength(1);
  });

  test('a moderation has a result per text, and one for a list of texts and images', () => {
    const results = (input: Json) =>
      (ran('/v1/moderations', { input }) as ModerationCreateResponse).results.length;
    expect(results('a')).toBe(1);
    expect(results(['a', 'b'])).toBe(2);
    expect(
      results([
        { type: 'text', text: 'a' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
      ]),
    ).toBe(1);
  });
});

describe('what OpenAI refuses fails with 400, in its format', () => {
  const CHAT = '/v1/chat/completions';
  test.each<[string, string, object, object]>([
    ['no messages', CHAT, {}, { param: 'messages', code: 'missing_required_parameter' }],
    ['messages null', CHAT, { messages: null }, { param: 'messages', code: 'missing_required_parameter' }],
    ['messages a text', CHAT, { messages: 'a' }, { param: 'messages', code: 'invalid_type' }],
    ['messages empty', CHAT, { messages: [] }, { param: 'messages', code: 'empty_array' }],
    [
      'no input of an embedding',
      '/v1/embeddings',
      {},
      { param: 'input', code: 'missing_required_parameter' },
    ],
    [
      'no input of a moderation',
      '/v1/moderations',
      {},
      { param: 'input', code: 'missing_required_parameter' },
    ],
    [
      'no prompt of a completion',
      '/v1/completions',
      {},
      { param: 'prompt', code: 'missing_required_parameter' },
    ],
    [
      'no prompt of an image',
      '/v1/images/generations',
      {},
      { param: 'prompt', code: 'missing_required_parameter' },
    ],
    ['no prompt of an edit', '/v1/images/edits', {}, { param: 'prompt', code: 'missing_required_parameter' }],
    ['no prompt of a video', '/v1/videos', {}, { param: 'prompt', code: 'missing_required_parameter' }],
    [
      'too many inputs',
      '/v1/embeddings',
      { input: Array.from({ length: 2_049 }, () => 'a') },
      { param: 'input' },
    ],
    ['no inputs', '/v1/embeddings', { input: [] }, { param: 'input', code: 'empty_array' }],
    ['dimensions of 0', '/v1/embeddings', { input: 'a', dimensions: 0 }, { param: 'dimensions' }],
    ['too many dimensions', '/v1/embeddings', { input: 'a', dimensions: 1e9 }, { param: 'dimensions' }],
    [
      'too many choices',
      CHAT,
      { messages: MESSAGES, n: 129 },
      { param: 'n', code: 'integer_above_max_value' },
    ],
    ['half a choice', CHAT, { messages: MESSAGES, n: 1.5 }, { param: 'n', code: 'invalid_type' }],
    [
      'json_object without the word',
      CHAT,
      { messages: [{ role: 'user', content: 'Hi' }], response_format: { type: 'json_object' } },
      { param: 'messages', message: expect.stringContaining("must contain the word 'json'") },
    ],
    [
      'a format without a name',
      CHAT,
      { messages: MESSAGES, ...chatFormat({ name: undefined }) },
      { param: 'response_format.json_schema.name' },
    ],
    [
      'a strict schema that allows more',
      CHAT,
      { messages: MESSAGES, ...chatFormat({ strict: true, schema: { type: 'object', properties: {} } }) },
      {
        message:
          "Invalid schema for response_format 'review': In context=(), 'additionalProperties' is required to be supplied and to be false.",
      },
    ],
    [
      'the same of a response',
      '/v1/responses',
      responseFormat({ strict: true, schema: { type: 'object' } }),
      { param: 'text.format' },
    ],
    [
      'a strict tool with optional arguments',
      CHAT,
      {
        messages: MESSAGES,
        tools: [chatTool({ strict: true, parameters: { ...WEATHER, required: ['city'] } })],
      },
      { param: 'tools[0].function.parameters', code: 'invalid_function_parameters' },
    ],
    [
      'a choice without tools',
      CHAT,
      { messages: MESSAGES, tool_choice: 'required' },
      { param: 'tool_choice' },
    ],
    [
      'a choice of an unknown tool',
      CHAT,
      {
        messages: MESSAGES,
        tools: [chatTool()],
        tool_choice: { type: 'function', function: { name: 'other' } },
      },
      { param: 'tool_choice' },
    ],
    [
      'the format of chat completions in a response',
      '/v1/responses',
      { input: 'a', ...chatFormat() },
      { param: 'response_format', code: 'unsupported_parameter' },
    ],
    [
      'messages in a response',
      '/v1/responses',
      { messages: MESSAGES },
      { param: 'messages', code: 'unsupported_parameter' },
    ],
  ])('%s', (_, url, body, error) => {
    const { statusCode, body: answered, usage } = run(url, body);
    expect(statusCode).toBe(400);
    expect(answered).toMatchObject({ error: { type: 'invalid_request_error', ...error } });
    expect(usage).toEqual({ inputTokens: 0, outputTokens: 0 });
  });

  test.each<[string, object]>([
    ['/v1/responses', { prompt: { id: 'pmpt_1' } }],
    ['/v1/responses', { conversation: 'conv_1' }],
    ['/v1/completions', { prompt: null }],
    [
      CHAT,
      { messages: MESSAGES, ...chatFormat({ strict: false, schema: { type: 'object', properties: {} } }) },
    ],
    [CHAT, { messages: MESSAGES, tools: [], tool_choice: 'auto' }],
    [
      CHAT,
      { messages: MESSAGES, response_format: { type: 'text' }, n: null, tools: null, tool_choice: null },
    ],
    ['/v1/responses', { input: 'a', text: { verbosity: 'low' } }],
  ])('%s with %j is accepted', (url, body) => {
    expect(run(url, body).statusCode).toBe(200);
  });
});
