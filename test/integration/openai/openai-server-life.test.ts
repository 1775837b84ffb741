import { describe, expect, test } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import {
  batchApi,
  chatRow,
  chatRows,
  complete,
  createBatch,
  HOUR,
  ROUND_TIMING,
  reaches,
  resultLines,
  SECOND,
} from '../../openai/batch-api-under-test.ts';

const ids = (lines: readonly { custom_id: string }[]) => lines.map((line) => line.custom_id).sort();

describe('the life cycle of a batch', () => {
  test('it is validating, in_progress, finalizing and completed, each with its time', async () => {
    const api = await batchApi();
    const { client, clock } = api;
    const start = clock.now() / 1_000;
    const created = await createBatch(client, chatRows(10));
    expect(created.status).toBe('validating');
    expect(created.request_counts).toEqual({ total: 0, completed: 0, failed: 0 });

    const completed = await complete(api, created.id);
    expect(completed).toMatchObject({
      model: 'gpt-4o-mini',
      created_at: start,
      expires_at: start + 24 * 3_600,
      in_progress_at: start + 10,
      finalizing_at: start + 110,
      completed_at: start + 130,
      failed_at: null,
      expired_at: null,
      cancelling_at: null,
      cancelled_at: null,
      errors: null,
      error_file_id: null,
      metadata: null,
    });
  });

  test('unset fields are null, not missing', async () => {
    const { client } = await batchApi();
    const created = await createBatch(client, chatRows(1));
    const unset = Object.entries(created).flatMap(([name, value]) => (value === null ? [name] : []));
    expect(unset.sort()).toEqual(
      [
        'cancelled_at',
        'cancelling_at',
        'completed_at',
        'error_file_id',
        'errors',
        'expired_at',
        'failed_at',
        'finalizing_at',
        'in_progress_at',
        'metadata',
        'model',
        'output_file_id',
        'usage',
      ].sort(),
    );
  });

  test('its counts rise while it is in progress, and never fall', async () => {
    const { client, clock } = await batchApi();
    const rows = [...chatRows(16), ...['x', 'y', 'z', 'w'].map((id) => chatRow(id, 500))];
    const { id } = await createBatch(client, rows);
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    const seen = [];
    for (let step = 0; step < 9; step++) {
      clock.advance(10 * SECOND);
      const { request_counts: counts } = await client.batches.retrieve(id);
      seen.push({ done: (counts?.completed ?? 0) + (counts?.failed ?? 0), failed: counts?.failed ?? 0 });
      expect(counts?.total).toBe(20);
    }
    expect(seen.map(({ done }) => done)).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18]);
    const failed = seen.map(({ failed: count }) => count);
    expect(failed).toEqual([...failed].sort((a, b) => a - b));
  });

  test('rows that fail are in the error file with their HTTP status, the others in the output file', async () => {
    const api = await batchApi();
    const rows = [chatRow('good-1'), chatRow('limited', 429), chatRow('good-2'), chatRow('broken', 500)];
    const completed = await complete(api, (await createBatch(api.client, rows)).id);
    expect(completed.request_counts).toEqual({ total: 4, completed: 2, failed: 2 });
    const output = await resultLines(api.client, completed.output_file_id);
    const errors = await resultLines(api.client, completed.error_file_id);
    expect(ids(output)).toEqual(['good-1', 'good-2']);
    expect(output.every(({ response, error }) => response?.status_code === 200 && error === null)).toBe(true);
    expect(errors.map((line) => [line.custom_id, line.response?.status_code, line.error]).sort()).toEqual([
      ['broken', 500, null],
      ['limited', 429, null],
    ]);
  });

  test('if every row fails, it completes without an output file', async () => {
    const api = await batchApi();
    const rows = [chatRow('a', 400), chatRow('b', 404)];
    const completed = await complete(api, (await createBatch(api.client, rows)).id);
    expect(completed).toMatchObject({ output_file_id: null, request_counts: { completed: 0, failed: 2 } });
    expect(ids(await resultLines(api.client, completed.error_file_id))).toEqual(['a', 'b']);
    expect(readAudit(api.directory).filter(({ event }) => event === 'row.billed')).toEqual([]);
  });

  test('results have another order than the rows, and their usage adds up to the usage of the batch', async () => {
    const api = await batchApi();
    const rows = chatRows(50);
    const completed = await complete(api, (await createBatch(api.client, rows)).id);
    const output = await resultLines(api.client, completed.output_file_id);
    const order = output.map(({ custom_id }) => custom_id);
    expect(order).not.toEqual(rows.map((_, row) => `row-${row}`));
    expect(new Set(order).size).toBe(50);
    const usages = output.map(({ response }) => response?.body.usage as { total_tokens: number });
    const total = usages.reduce((sum, usage) => sum + usage.total_tokens, 0);
    expect(total).toBeGreaterThan(0);
    expect(completed.usage).toMatchObject({ total_tokens: total });
    expect(completed.usage?.input_tokens_details).toEqual({ cached_tokens: 0 });
  });

  test('an expired batch has partial results, and batch_expired for the rows that did not run', async () => {
    const { client, clock } = await batchApi({ timing: { ...ROUND_TIMING, inProgress: () => 48 * HOUR } });
    const { id } = await createBatch(client, chatRows(10));
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    clock.advance(24 * HOUR);
    await reaches(client, id, 'finalizing');
    clock.advance(20 * SECOND);
    const expired = await reaches(client, id, 'expired');
    expect(expired.completed_at).toBeNull();
    expect(expired.expired_at).toBeGreaterThanOrEqual(expired.expires_at ?? Number.POSITIVE_INFINITY);
    expect(expired.request_counts).toEqual({ total: 10, completed: 4, failed: 0 });
    const output = await resultLines(client, expired.output_file_id);
    const errors = await resultLines(client, expired.error_file_id);
    expect(output).toHaveLength(4);
    expect(ids([...output, ...errors])).toEqual(ids(chatRows(10) as { custom_id: string }[]));
    expect(new Set(errors.map(({ response, error }) => `${response}/${error?.code}`))).toEqual(
      new Set(['null/batch_expired']),
    );
  });

  test('the same seed gives the same ids, times and results; another seed gives others', async () => {
    const live = async (seed: number) => {
      const api = await batchApi({ seed, clock: new ManualClock() });
      const { id } = await createBatch(api.client, chatRows(20));
      const completed = await complete(api, id);
      return { completed, output: await resultLines(api.client, completed.output_file_id) };
    };
    const first = await live(7);
    expect(await live(7)).toEqual(first);
    expect((await live(8)).completed.id).not.toBe(first.completed.id);
  });
});

describe('cancelling', () => {
  test('a running batch is cancelling for some time, then cancelled with partial results', async () => {
    const { client, clock, directory } = await batchApi();
    const { id } = await createBatch(client, chatRows(10));
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    clock.advance(30 * SECOND);
    expect(await client.batches.cancel(id)).toMatchObject({ status: 'cancelling', cancelled_at: null });
    clock.advance(29 * SECOND);
    expect(await client.batches.cancel(id)).toMatchObject({
      status: 'cancelling',
      request_counts: { total: 10, completed: 3, failed: 0 },
    });
    clock.advance(SECOND);
    const cancelled = await reaches(client, id, 'cancelled');
    expect(cancelled.request_counts).toEqual({ total: 10, completed: 3, failed: 0 });
    expect(await resultLines(client, cancelled.output_file_id)).toHaveLength(3);
    const errors = await resultLines(client, cancelled.error_file_id);
    expect(errors.map(({ response, error }) => `${response}/${error?.code}`)).toEqual(
      Array.from({ length: 7 }, () => 'null/batch_cancelled'),
    );
    expect(readAudit(directory).filter(({ event }) => event === 'row.billed')).toHaveLength(3);
  });

  test('a batch cancelled while validating ends without results, and costs nothing', async () => {
    const { client, clock, directory } = await batchApi();
    const { id } = await createBatch(client, 'not even JSON\n');
    await client.batches.cancel(id);
    clock.advance(30 * SECOND);
    const cancelled = await reaches(client, id, 'cancelled');
    expect(cancelled).toMatchObject({ output_file_id: null, error_file_id: null, errors: null });
    expect(readAudit(directory).map(({ event }) => event)).toEqual([
      'file.created',
      'batch.created',
      'batch.cancel_requested',
    ]);
  });

  test('a cancel after all rows have run is too late: the batch completes', async () => {
    const { client, clock } = await batchApi();
    const { id } = await createBatch(client, chatRows(4));
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    clock.advance(100 * SECOND);
    await reaches(client, id, 'finalizing');
    expect((await client.batches.cancel(id)).status).toBe('cancelling');
    clock.advance(30 * SECOND);
    const completed = await reaches(client, id, 'completed');
    expect(await resultLines(client, completed.output_file_id)).toHaveLength(4);
  });

  test('a cancel while results are written bills no row twice', async () => {
    const { client, clock, directory } = await batchApi();
    const { id } = await createBatch(client, chatRows(10_000));
    clock.advance(10 * SECOND);
    await reaches(client, id, 'in_progress');
    clock.advance(100 * SECOND);
    await reaches(client, id, 'finalizing');
    clock.advance(20 * SECOND);
    const billed = () =>
      readAudit(directory).flatMap((entry) => (entry.event === 'row.billed' ? [entry.customId] : []));
    await expect.poll(() => billed().length, { interval: 2, timeout: 30_000 }).toBeGreaterThan(0);
    expect((await client.batches.cancel(id)).status).toBe('cancelling');
    clock.advance(30 * SECOND);
    const completed = await reaches(client, id, 'completed');
    expect(completed.cancelling_at).not.toBeNull();
    expect(await resultLines(client, completed.output_file_id)).toHaveLength(10_000);
    expect(billed()).toHaveLength(10_000);
    expect(new Set(billed()).size).toBe(10_000);
  });

  test('a repeated cancel returns the same; a completed, failed or unknown batch cannot be cancelled', async () => {
    const api = await batchApi();
    const { client, clock } = api;
    const completed = await createBatch(client, chatRows(1));
    await complete(api, completed.id);
    await expect(client.batches.cancel(completed.id)).rejects.toMatchObject({
      status: 409,
      error: { message: "Cannot cancel a batch with status 'completed'.", type: 'invalid_request_error' },
    });
    const failed = await createBatch(client, '');
    clock.advance(10 * SECOND);
    await reaches(client, failed.id, 'failed');
    await expect(client.batches.cancel(failed.id)).rejects.toMatchObject({ status: 409 });
    const cancelled = await createBatch(client, chatRows(1));
    await client.batches.cancel(cancelled.id);
    clock.advance(30 * SECOND);
    await reaches(client, cancelled.id, 'cancelled');
    expect((await client.batches.cancel(cancelled.id)).status).toBe('cancelled');
    await expect(client.batches.cancel('batch_unknown')).rejects.toMatchObject({ status: 404 });
  });
});

test('reading a file while it is deleted finds the file or not, without an error of the server', async () => {
  const { server, client } = await batchApi();
  const headers = { authorization: 'Bearer sk-test' };
  const statuses = new Set<number>();
  for (let round = 0; round < 30; round += 1) {
    const file = new File([`${JSON.stringify(chatRow('row'))}\n`], 'rows.jsonl');
    const { id } = await client.files.create({ file, purpose: 'batch' });
    const content = async () => {
      const response = await fetch(`${server.url}/files/${id}/content`, { headers });
      statuses.add(response.status);
      if (response.status === 200) expect((await response.text()).length).toBe(file.size);
    };
    await Promise.all([content(), content(), client.files.delete(id), content(), content()]);
  }
  expect([...statuses].filter((status) => status !== 200 && status !== 404)).toEqual([]);
  expect(statuses).toContain(200);
});
