import type { ChatCompletion } from 'openai/resources/chat/completions';
import { describe, expect, test } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import {
  batchApi,
  chatRow,
  chatRows,
  complete,
  createBatch,
  jsonl,
  reaches,
  resultLines,
  SECOND,
  type UnderTestOptions,
  uploadText,
} from '../../openai/batch-api-under-test.ts';

/** Creates a batch with the content, and returns the problems of its validation as `code@line`. */
async function refusal(content: string | Buffer | readonly object[], options: UnderTestOptions = {}) {
  const api = await batchApi(options);
  const { id } = await createBatch(api.client, content);
  api.clock.advance(10 * SECOND);
  const failed = await reaches(api.client, id, 'failed');
  expect(failed).toMatchObject({ output_file_id: null, error_file_id: null, in_progress_at: null });
  expect(failed.failed_at).toBeGreaterThan(failed.created_at);
  expect(failed.request_counts?.total).toBe(0);
  expect(readAudit(api.directory).some(({ event }) => event === 'row.billed')).toBe(false);
  return failed.errors?.data?.map(({ code, line }) => `${code}@${line ?? 'file'}`);
}

const changed = (change: object) => ({ ...chatRow('changed'), ...change });
const inBody = (change: object) => changed({ body: { model: 'gpt-4o-mini', messages: [], ...change } });

describe('an invalid file fails its batch at validation, with the line and code', () => {
  test.each([
    ['a line that is not JSON', `${jsonl(chatRows(2))}{"custom_id":\n`, 'invalid_json_line@3'],
    ['a line that is JSON but not an object', `${jsonl(chatRows(1))}[1]\n`, 'invalid_json_line@2'],
    ['a blank line', `${jsonl(chatRows(1))}\n${jsonl([chatRow('b')])}`, 'invalid_json_line@2'],
    ['a byte order mark', `\uFEFF${jsonl(chatRows(1))}`, 'invalid_json_line@1'],
    ['a repeated custom_id', jsonl([chatRow('a'), chatRow('b'), chatRow('a')]), 'duplicate_custom_id@3'],
    ['no custom_id', jsonl([changed({ custom_id: undefined })]), 'missing_required_parameter@1'],
    ['no body', jsonl([changed({ body: undefined })]), 'missing_required_parameter@1'],
    ['no model', jsonl([inBody({ model: undefined })]), 'missing_required_parameter@1'],
    ['another method', jsonl([changed({ method: 'GET' })]), 'invalid_method@1'],
    ['another url', jsonl([...chatRows(1), changed({ url: '/v1/embeddings' })]), 'url_mismatch@2'],
    ['another model', jsonl([...chatRows(1), inBody({ model: 'gpt-4o' })]), 'model_mismatch@2'],
    ['a stream', jsonl([inBody({ stream: true })]), 'invalid_request@1'],
    ['no content', '', 'empty_file@file'],
  ])('%s', async (_, content, expected) => {
    expect(await refusal(content)).toEqual([expected]);
  });

  test('a line that is not UTF-8', async () => {
    const line = Buffer.from(jsonl([chatRow('x')]));
    line[line.indexOf('What')] = 0xff;
    expect(await refusal(line)).toEqual(['invalid_json_line@1']);
  });

  test('every invalid line is reported, up to fifty', async () => {
    expect(await refusal(`x\n${jsonl(chatRows(1))}y\nz\n`)).toEqual([
      'invalid_json_line@1',
      'invalid_json_line@3',
      'invalid_json_line@4',
    ]);
    expect(await refusal('x\n'.repeat(80))).toHaveLength(50);
  });

  test('more rows than the limit', async () => {
    expect(await refusal(chatRows(6), { limits: { rows: 5 } })).toEqual(['too_many_tasks@file']);
  });

  test('a model that does not exist', async () => {
    expect(await refusal(chatRows(1), { models: ['gpt-5'] })).toEqual(['model_not_found@1']);
  });

  test('an input file that was deleted before validation', async () => {
    const { client, clock } = await batchApi();
    const batch = await createBatch(client, chatRows(1));
    await client.files.delete(batch.input_file_id);
    clock.advance(10 * SECOND);
    const failed = await reaches(client, batch.id, 'failed');
    expect(failed.errors?.data).toMatchObject([{ code: 'file_not_found', param: 'input_file_id' }]);
  });
});

test('a file at the limits, without a last line feed, runs', async () => {
  const api = await batchApi({ limits: { rows: 3 }, models: ['gpt-4o-mini'] });
  const { id } = await createBatch(api.client, jsonl(chatRows(3)).trimEnd());
  expect((await complete(api, id)).request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
});

test('carriage returns before the line feeds are allowed', async () => {
  const api = await batchApi();
  const { id } = await createBatch(api.client, jsonl(chatRows(2)).replaceAll('\n', '\r\n'));
  expect((await complete(api, id)).request_counts?.completed).toBe(2);
});

test('embedding batches are limited by their inputs, not only their rows', async () => {
  const api = await batchApi({ limits: { embeddingInputs: 5 } });
  const row = (id: string, inputs: number) => ({
    custom_id: id,
    method: 'POST',
    url: '/v1/embeddings',
    body: { model: 'text-embedding-3-small', input: Array.from({ length: inputs }, () => 'text') },
  });
  const asked = { endpoint: '/v1/embeddings' } as const;
  const refused = await createBatch(api.client, [row('a', 3), row('b', 3)], asked);
  api.clock.advance(10 * SECOND);
  const failed = await reaches(api.client, refused.id, 'failed');
  expect(failed.errors?.data).toMatchObject([{ code: 'too_many_tasks' }]);
  const taken = await createBatch(api.client, [row('a', 3), row('b', 2)], asked);
  expect((await complete(api, taken.id)).request_counts?.completed).toBe(2);
});

test('a batch above the enqueued tokens of its model fails, and runs once the others are done', async () => {
  const api = await batchApi({ limits: { enqueuedTokens: 15 } });
  const { client, clock } = api;
  const first = await createBatch(client, chatRows(2));
  const second = await createBatch(client, chatRows(2));
  clock.advance(10 * SECOND);
  await reaches(client, first.id, 'in_progress');
  const failed = await reaches(client, second.id, 'failed');
  expect(failed.errors?.data).toEqual([
    {
      code: 'token_limit_exceeded',
      message:
        'Enqueued token limit reached for gpt-4o-mini in organization org-batchdrop-local. Limit: 15 enqueued ' +
        'tokens. Please try again once some in_progress batches have been completed.',
      param: null,
      line: null,
    },
  ]);
  clock.advance(100 * SECOND);
  await reaches(client, first.id, 'finalizing');
  clock.advance(20 * SECOND);
  await reaches(client, first.id, 'completed');
  const third = await client.batches.create({
    input_file_id: second.input_file_id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  expect((await complete(api, third.id)).request_counts?.completed).toBe(2);
});

test('a row that asks for a schema gets the same valid instance in each batch', async () => {
  const api = await batchApi();
  const properties = { sentiment: { type: 'string', enum: ['good', 'bad'] }, score: { type: 'integer' } };
  const schema = {
    type: 'object',
    properties,
    required: ['sentiment', 'score'],
    additionalProperties: false,
  };
  const format = { type: 'json_schema', json_schema: { name: 'review', strict: true, schema } };
  const messages = [{ role: 'user', content: 'Is it good?' }];
  const rows = chatRows(5).map((row) => ({
    ...row,
    body: { model: 'm', messages, response_format: format },
  }));
  const contents = async () => {
    const completed = await complete(api, (await createBatch(api.client, rows)).id);
    const lines = await resultLines(api.client, completed.output_file_id);
    return new Map(
      lines.map(({ custom_id: id, response }) => {
        const { choices } = Object(response?.body) as ChatCompletion;
        return [id, choices[0]?.message.content ?? ''];
      }),
    );
  };
  const first = await contents();
  expect([...first.values()].map((text) => Object.keys(JSON.parse(text)))).toEqual(
    rows.map(() => ['sentiment', 'score']),
  );
  expect(await contents()).toEqual(first);
});

describe('results have the format of their endpoint', () => {
  const bodyOf = async (endpoint: string, body: object) => {
    const api = await batchApi();
    const row = { custom_id: 'only', method: 'POST', url: endpoint, body: { model: 'a-model', ...body } };
    const input_file_id = await uploadText(api.client, jsonl([row]));
    const { id } = (await api.client.post('/batches', {
      body: { input_file_id, endpoint, completion_window: '24h' },
    })) as { id: string };
    const completed = await complete(api, id);
    const [line] = await resultLines(api.client, completed.output_file_id ?? completed.error_file_id);
    return line?.response?.body;
  };

  test('chat completions', async () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'Why?' }] }];
    expect(await bodyOf('/v1/chat/completions', { messages })).toMatchObject({
      object: 'chat.completion',
      model: 'a-model',
      choices: [{ message: { role: 'assistant', content: 'Local answer to: Why?' }, finish_reason: 'stop' }],
    });
  });

  test('responses', async () => {
    expect(await bodyOf('/v1/responses', { input: 'Why?' })).toMatchObject({
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Local answer to: Why?' }] }],
      usage: { total_tokens: expect.any(Number) },
    });
  });

  test('embeddings: a unit vector of the requested length per input, as numbers or base64', async () => {
    const body = (await bodyOf('/v1/embeddings', { input: ['a', 'b'], dimensions: 16 })) as {
      data: { embedding: number[] }[];
    };
    expect(body.data.map(({ embedding }) => embedding.length)).toEqual([16, 16]);
    expect(Math.hypot(...(body.data[0]?.embedding ?? []))).toBeCloseTo(1);
    expect(body.data[0]).not.toEqual(body.data[1]);
    const coded = (await bodyOf('/v1/embeddings', { input: 'a', encoding_format: 'base64' })) as {
      data: { embedding: string }[];
    };
    expect(Buffer.from(coded.data[0]?.embedding ?? '', 'base64')).toHaveLength(8 * 4);
  });

  test('moderations', async () => {
    const body = await bodyOf('/v1/moderations', { input: ['a', 'b'] });
    expect(body).toMatchObject({ results: [{ flagged: false }, { categories: { violence: false } }] });
  });

  test('completions', async () => {
    expect(await bodyOf('/v1/completions', { prompt: 'Once upon' })).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'Local answer to: Once upon' }],
    });
  });

  test('any other: an id and the model', async () => {
    expect(await bodyOf('/v1/images/generations', { prompt: 'A cat' })).toMatchObject({
      id: expect.any(String),
      model: 'a-model',
    });
  });

  test('a row without a required field of its endpoint fails with 400', async () => {
    expect(await bodyOf('/v1/chat/completions', {})).toMatchObject({
      error: {
        message: "Missing required parameter: 'messages'.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'missing_required_parameter',
      },
    });
  });
});
