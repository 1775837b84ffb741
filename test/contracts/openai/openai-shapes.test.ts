import { describe, expect, it } from 'vitest';
import { BATCH, openAiForEachTest } from './openai-under-test.ts';
import { json } from './scripted-server.ts';

const openAi = openAiForEachTest();

describe('a batch on the wire', () => {
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
    ['has no has_more', { data: [entry(1)] }],
    ['has has_more as text', { data: [entry(1)], has_more: 'false' }],
    ['contains another object', { data: [entry(1), { object: 'file' }], has_more: false }],
    ['is longer than requested', { data: [entry(1), entry(2), entry(3)], has_more: false }],
    ['is empty with has_more true', { data: [], has_more: true }],
    ['contains a batch twice', { data: [entry(1), entry(1)], has_more: false }],
    ['begins with the batch it should begin after', { data: [entry(9)], has_more: true }],
  ];
  it.each(faulty)('that %s is refused', async (_, page) => {
    openAi.server.answerWith(json(200, page));
    const asked = openAi.api.listBatches({ limit: 2, after: 'batch_9' });
    await expect(asked).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('is requested with its limit and its cursor', async () => {
    openAi.server.answerWith(json(200, { data: [entry(2), entry(1)], has_more: true }));
    expect(await openAi.api.listBatches({ limit: 2, after: 'batch_9' })).toMatchObject({ hasMore: true });
    expect(openAi.server.requests[0]?.path).toBe('/v1/batches?limit=2&after=batch_9');
  });
});
