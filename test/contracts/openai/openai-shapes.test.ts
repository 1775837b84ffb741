import { describe, expect, it } from 'vitest';
import { BATCH, openAiForEachTest } from './openai-under-test.ts';
import { json } from './scripted-server.ts';

const openAi = openAiForEachTest();

describe('a batch in a response', () => {
  const retrieved = async (fields: object) => {
    openAi.server.answerWith(json(200, { ...BATCH, ...fields }));
    return openAi.api.retrieveBatch('batch_1');
  };

  it('has no field for null, "" or a missing value', async () => {
    const bare = await retrieved({});
    const unset = {
      output_file_id: null,
      error_file_id: '',
      errors: null,
      request_counts: null,
      usage: null,
    };
    expect(await retrieved({ ...unset, metadata: null, expires_at: null, completed_at: 0 })).toEqual(bare);
    expect(bare).toEqual({
      batchId: 'batch_1',
      status: 'validating',
      endpoint: '/v1/embeddings',
      inputFileId: 'file-1',
      createdAt: 1_761_998_400_000,
      errors: [],
      errorCount: 0,
      metadata: {},
    });
  });

  it('is read with all its fields', async () => {
    const details = {
      input_tokens: 5,
      input_tokens_details: { cached_tokens: 1 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 12,
    };
    const full = await retrieved({
      status: 'completed',
      output_file_id: 'file-out',
      error_file_id: 'file-err',
      expires_at: 1_762_084_800,
      completed_at: 1_761_998_460,
      request_counts: { total: 3, completed: 2, failed: 1 },
      usage: details,
      metadata: { a: 'b', odd: 3 },
    });
    expect(full).toMatchObject({
      outputFileId: 'file-out',
      errorFileId: 'file-err',
      expiresAt: 1_762_084_800_000,
      endedAt: 1_761_998_460_000,
      counts: { total: 3, completed: 2, failed: 1 },
      usage: { inputTokens: 5, cachedInputTokens: 1, outputTokens: 7, reasoningTokens: 2, totalTokens: 12 },
      metadata: { a: 'b' },
    });
  });

  it.each([
    ['failed', 'failed_at'],
    ['expired', 'expired_at'],
    ['cancelled', 'cancelled_at'],
  ])('that is %s ended at the time in %s', async (status, field) => {
    const others = { completed_at: null, failed_at: null, expired_at: null, cancelled_at: null };
    expect((await retrieved({ ...others, status, [field]: 1_761_998_999 })).endedAt).toBe(1_761_998_999_000);
  });

  it.each([
    ['"2025-11-01T12:00:00Z"', 1_761_998_400_000],
    ['"1761998400"', 1_761_998_400_000],
    ['1761998400.7', 1_761_998_400_700],
    ['1761998400000', 1_761_998_400_000],
    ['1e300', undefined],
    ['-5', undefined],
    ['0', undefined],
    ['"soon"', undefined],
    ['{}', undefined],
    ['253402300800', undefined],
  ])('has the time %s in milliseconds, or none', async (time, expected) => {
    expect((await retrieved({ created_at: JSON.parse(time) })).createdAt).toBe(expected);
  });

  it('has no invalid count and no unsafe id', async () => {
    for (const total of [1e300, -1, 1.5, '3', null])
      expect(await retrieved({ request_counts: { total, completed: 1, failed: 0 } })).not.toHaveProperty(
        'counts',
      );
    const files = { input_file_id: 'a/b', output_file_id: {}, error_file_id: 'x'.repeat(1025) };
    const odd = await retrieved({
      ...files,
      endpoint: 'x'.repeat(10_000),
      usage: { input_tokens: 1e300, output_tokens: 1 },
    });
    for (const field of ['inputFileId', 'outputFileId', 'errorFileId', 'endpoint', 'usage'])
      expect(odd).not.toHaveProperty(field);
  });

  it.each([
    ['COMPLETED', 'completed'],
    ['In Progress', 'in_progress'],
    ['in-progress', 'in_progress'],
    ['canceled', 'cancelled'],
    ['CANCELING', 'cancelling'],
    [' ', 'validating'],
    [3, 'validating'],
  ])('with the status %o is %s', async (status, expected) => {
    expect((await retrieved({ status })).status).toBe(expected);
  });

  it("keeps metadata within the limits, including Batchdrop's own", async () => {
    const odd = { huge: 'x'.repeat(513), ['n'.repeat(65)]: 'x', number: 1, batchdrop_intent: 'i' };
    expect((await retrieved({ metadata: odd })).metadata).toEqual({ batchdrop_intent: 'i' });
  });

  const MESSAGE = 'Enqueued token limit reached for gpt-4o. Limit: 90,000 enqueued tokens.';
  it.each<[string, object]>([
    ['a list that is not in an object', { errors: [{ code: null, message: MESSAGE }] }],
    ['one error', { errors: { code: null, message: MESSAGE } }],
    ['one error in the list', { errors: { object: 'list', data: { message: MESSAGE } } }],
    ['texts', { errors: [MESSAGE] }],
    ['a text', { errors: MESSAGE }],
    ['another name', { error: { message: MESSAGE }, errors: null }],
    ['another name, and an empty list', { error: MESSAGE, errors: { object: 'list', data: [] } }],
    ['a list of lists', { errors: { data: [null, 3, { message: MESSAGE }] } }],
  ])('says why it failed in %s', async (_, fields) => {
    const failed = await retrieved({ status: 'failed', ...fields });
    expect(failed.errors).toEqual([{ code: null, message: MESSAGE, param: null, line: null }]);
    expect(failed.errorCount).toBe(1);
  });

  it('may have errors whose code is a number', async () => {
    const failed = await retrieved({
      status: 'failed',
      errors: { data: [{ code: 429, message: 'm', line: 3 }] },
    });
    expect(failed.errors).toEqual([{ code: '429', message: 'm', param: null, line: 3 }]);
  });

  it('keeps an unknown status, and the first 20 of many errors', async () => {
    expect((await retrieved({ status: 'PAUSED_BY_VENDOR' })).status).toBe('paused_by_vendor');
    const data = Array.from({ length: 45 }, (_, line) => ({ code: 'invalid_json_line', message: 'm', line }));
    const failed = await retrieved({ status: 'failed', errors: { object: 'list', data } });
    expect(failed.errorCount).toBe(45);
    expect(failed.errors).toHaveLength(20);
    expect(failed.errors[3]).toEqual({ code: 'invalid_json_line', message: 'm', param: null, line: 3 });
  });
});

describe('a page of the list', () => {
  const entry = (n: number, createdAt = BATCH.created_at) => ({
    ...BATCH,
    id: `batch_${n}`,
    created_at: createdAt,
  });
  const faulty: [string, unknown][] = [
    ['is not an object', [entry(1)]],
    ['has no data', { has_more: false }],
    ['has data that is not a list', { data: { 0: entry(1) }, has_more: false }],
    ['is a text', 'batches'],
  ];
  it.each(faulty)('that %s is refused', async (_, page) => {
    openAi.server.answerWith(json(200, page));
    const asked = openAi.api.listBatches({ limit: 2, after: 'batch_9' });
    await expect(asked).rejects.toMatchObject({ name: 'RetryableError' });
  });

  const odd: [string, unknown, { ids: string[]; hasMore: boolean; next?: string }][] = [
    [
      'is not paged, as at Groq',
      { object: 'list', data: [entry(2), entry(1)] },
      { ids: ['batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'is not paged, and longer than requested',
      { data: [entry(3), entry(2), entry(1)] },
      { ids: ['batch_3', 'batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'is full, and has only its last id',
      { data: [entry(3), entry(2)], last_id: 'batch_2' },
      { ids: ['batch_3', 'batch_2'], hasMore: true, next: 'batch_2' },
    ],
    ['has has_more as a text', { data: [entry(1)], has_more: 'false' }, { ids: ['batch_1'], hasMore: false }],
    ['has has_more null', { data: [entry(1)], has_more: null }, { ids: ['batch_1'], hasMore: false }],
    [
      'has entries that are not batches',
      { data: [null, 7, 'x', [], {}, { id: '' }, { id: 'a/b' }, entry(1)], has_more: false },
      { ids: ['batch_1'], hasMore: false },
    ],
    [
      'has an entry without a file',
      { data: [{ ...entry(2), input_file_id: null }, entry(1)], has_more: false },
      { ids: ['batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'has an entry of another object',
      { data: [{ ...entry(2), object: 'job' }, entry(1)], has_more: false },
      { ids: ['batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'has a batch twice',
      { data: [entry(2), entry(2), entry(1)], has_more: false },
      { ids: ['batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'has an entry with 12 MB of metadata',
      { data: [{ ...entry(2), metadata: { a: 'x'.repeat(12_000_000) } }, entry(1)], has_more: false },
      { ids: ['batch_2', 'batch_1'], hasMore: false },
    ],
    [
      'is ordered oldest first',
      { data: [entry(1, 1_761_000_000), entry(2)], has_more: false },
      { ids: ['batch_1', 'batch_2'], hasMore: false },
    ],
    ['is empty with has_more true', { data: [], has_more: true }, { ids: [], hasMore: true }],
    [
      'is empty with has_more true and a cursor',
      { data: [], has_more: true, last_id: 'batch_5' },
      { ids: [], hasMore: true },
    ],
    [
      'begins with the batch it should begin after',
      { data: [entry(9), entry(8)], has_more: true },
      { ids: ['batch_8'], hasMore: true, next: 'batch_8' },
    ],
    [
      'repeats its cursor',
      { data: [entry(8), entry(9)], has_more: true, last_id: 'batch_9' },
      { ids: ['batch_8'], hasMore: true },
    ],
    [
      'shows only the batch it should begin after',
      { data: [entry(9)], has_more: true },
      { ids: [], hasMore: true },
    ],
    [
      'ends with an entry that is not a batch',
      { data: [entry(8), null], has_more: true },
      { ids: ['batch_8'], hasMore: true, next: 'batch_8' },
    ],
    [
      'states its cursor',
      { data: [entry(8), null], has_more: true, last_id: 'batch_7' },
      { ids: ['batch_8'], hasMore: true, next: 'batch_7' },
    ],
    [
      'has an unsafe cursor',
      { data: [entry(8)], has_more: true, last_id: '../x' },
      { ids: ['batch_8'], hasMore: true, next: 'batch_8' },
    ],
    [
      'has no entry that is a batch, and no cursor',
      { data: [null, {}], has_more: true },
      { ids: [], hasMore: true },
    ],
  ];
  it.each(odd)('that %s is read as far as possible', async (_, page, { ids, hasMore, next }) => {
    openAi.server.answerWith(json(200, page));
    const read = await openAi.api.listBatches({ limit: 2, after: 'batch_9' });
    expect(read.batches.map(({ batchId }) => batchId)).toEqual(ids);
    expect({ hasMore: read.hasMore, next: read.next }).toEqual({ hasMore, next });
  });

  it("has the time of the response, by the API's clock", async () => {
    const date = 'Sun, 01 Nov 2026 12:00:00 GMT';
    openAi.server.answerWith(json(200, { data: [] }, { date }));
    expect(await openAi.api.listBatches({ limit: 2 })).toMatchObject({ answeredAt: Date.parse(date) });
  });

  it('is requested with its limit and its cursor', async () => {
    openAi.server.answerWith(json(200, { data: [entry(2), entry(1)], has_more: true }));
    expect(await openAi.api.listBatches({ limit: 2, after: 'batch_9' })).toMatchObject({ hasMore: true });
    expect(openAi.server.requests[0]?.path).toBe('/v1/batches?limit=2&after=batch_9');
  });
});
