import { once } from 'node:events';
import { createReadStream, readdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { describe, expect, test } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import {
  batchApi,
  chatRows,
  complete,
  createBatch,
  HOUR,
  jsonl,
  reaches,
  SECOND,
  temporaryDirectory,
  uploadText,
} from '../../openai/batch-api-under-test.ts';
import { DocumentedFetch } from '../../openai/official-document.ts';

const DAYS_30 = 30 * 24 * 3_600;

describe('every operation, called with the official SDK, with responses that match the official document', () => {
  test('files: create, retrieve, list, content, delete; batches: create, retrieve, list, cancel', async () => {
    const { client, checked } = await batchApi();
    const text = jsonl(chatRows(2));
    const id = await uploadText(client, text);
    expect(await client.files.retrieve(id)).toMatchObject({ id, bytes: text.length, purpose: 'batch' });
    expect((await client.files.list()).data.map((file) => file.id)).toEqual([id]);
    const content = await client.files.content(id);
    expect(content.headers.get('content-length')).toBe(String(text.length));
    expect(await content.text()).toBe(text);
    const batch = await client.batches.create({
      input_file_id: id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
      metadata: { purpose: 'a test' },
    });
    expect(await client.batches.retrieve(batch.id)).toEqual(batch);
    expect(batch.metadata).toEqual({ purpose: 'a test' });
    expect((await client.batches.list()).data).toEqual([batch]);
    await client.batches.cancel(batch.id);
    expect(await client.files.delete(id)).toEqual({ id, object: 'file', deleted: true });
    expect([...checked.keys()].sort()).toEqual([
      'DELETE /files/{file_id}',
      'GET /batches',
      'GET /batches/{batch_id}',
      'GET /files',
      'GET /files/{file_id}',
      'GET /files/{file_id}/content',
      'POST /batches',
      'POST /batches/{batch_id}/cancel',
      'POST /files',
    ]);
  });

  test('a response that the document does not allow is detected', async () => {
    const { client, server } = await batchApi();
    const { id } = await createBatch(client, chatRows(1));
    const { fetch: honest } = globalThis;
    const spoil = async (...asked: Parameters<typeof fetch>) => {
      const batch = (await (await honest(...asked)).json()) as object;
      return Response.json({ ...batch, status: 'sleeping', created_at: 'now' });
    };
    const documented = new DocumentedFetch(spoil);
    const headers = { authorization: 'Bearer sk-test' };
    await expect(documented.fetch(`${server.url}/batches/${id}`, { headers })).rejects.toThrow(
      /GET \/batches\/\{batch_id\}: .*created_at.*status/s,
    );
  });
});

describe('files', () => {
  test('a file of the purpose batch expires after 30 days, or as its upload requested', async () => {
    const { client, clock } = await batchApi();
    const usual = await client.files.retrieve(await uploadText(client, '{}'));
    expect((usual.expires_at ?? 0) - usual.created_at).toBe(DAYS_30);
    const file = await toFile(Buffer.from('{}'), 'short.jsonl');
    const short = await client.files.create({
      purpose: 'batch',
      file,
      expires_after: { anchor: 'created_at', seconds: 3_600 },
    });
    expect((short.expires_at ?? 0) - short.created_at).toBe(3_600);
    clock.advance(HOUR);
    await expect(client.files.retrieve(short.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.files.content(short.id)).rejects.toMatchObject({ status: 404 });
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([usual.id]);
  });

  test('results expire as output_expires_after says, by default after 30 days', async () => {
    const api = await batchApi();
    const { client } = api;
    const first = await complete(api, (await createBatch(client, chatRows(1))).id);
    const second = await createBatch(client, chatRows(1), {
      output_expires_after: { anchor: 'created_at', seconds: 7_200 },
    });
    const lifetimes = [first, await complete(api, second.id)].map(async ({ output_file_id }) => {
      const output = await client.files.retrieve(output_file_id ?? '');
      expect(output.purpose).toBe('batch_output');
      return (output.expires_at ?? 0) - output.created_at;
    });
    expect(await Promise.all(lifetimes)).toEqual([DAYS_30, 7_200]);
  });

  test('a deleted file and its bytes are gone, but a running batch still reads it', async () => {
    const api = await batchApi();
    const { client, clock, directory } = api;
    const batch = await createBatch(client, chatRows(3));
    clock.advance(10 * SECOND);
    await reaches(client, batch.id, 'in_progress');
    await client.files.delete(batch.input_file_id);
    await expect(client.files.retrieve(batch.input_file_id)).rejects.toMatchObject({
      status: 404,
      error: { message: `No such File object: ${batch.input_file_id}` },
    });
    await expect(client.files.delete(batch.input_file_id)).rejects.toMatchObject({ status: 404 });
    clock.advance(100 * SECOND);
    await reaches(client, batch.id, 'finalizing');
    clock.advance(20 * SECOND);
    const completed = await reaches(client, batch.id, 'completed');
    expect(completed.request_counts?.completed).toBe(3);
    expect(readdirSync(join(directory, 'files'))).toEqual([completed.output_file_id]);
  });

  test('batches accept only .jsonl files up to the size limit', async () => {
    const { client, directory } = await batchApi({ limits: { fileBytes: 100_000 } });
    const upload = async (name: string, bytes: number) =>
      await client.files.create({ purpose: 'batch', file: await toFile(Buffer.alloc(bytes, 0x20), name) });
    await expect(upload('requests.json', 10)).rejects.toMatchObject({
      status: 400,
      error: { message: 'Invalid file format for Batch API. Must be .jsonl' },
    });
    await expect(upload('large.jsonl', 100_001)).rejects.toMatchObject({ status: 413, param: 'file' });
    await expect(upload('larger.jsonl', 5_000_000)).rejects.toMatchObject({ status: 413, param: 'file' });
    expect(readdirSync(join(directory, 'incoming'))).toEqual([]);
    expect((await upload('largest.jsonl', 100_000)).bytes).toBe(100_000);
  });

  test('the size limit also applies if the purpose comes after the file', async () => {
    const { client } = await batchApi({ limits: { fileBytes: 10 } });
    const file = await toFile(Buffer.alloc(11, 0x20), 'a.jsonl');
    await expect(client.files.create({ file, purpose: 'batch' })).rejects.toMatchObject({ status: 413 });
  });

  test('a client that reads the response late can send a rejected upload to its end', async () => {
    const { server } = await batchApi({ limits: { fileBytes: 10 } });
    const upload = request(`${server.url}/files`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-test', 'content-type': 'multipart/form-data; boundary=b' },
    });
    const answered = once(upload, 'response');
    upload.write('--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n');
    upload.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n');
    upload.end(Buffer.alloc(50_000_000, 0x20)); // more than the buffers of both ends
    await once(upload, 'finish');
    const [response] = (await answered) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    response.resume();
  });

  test('an upload that its client aborts leaves no file', async () => {
    const { client, server, directory } = await batchApi();
    const incoming = join(directory, 'incoming');
    const upload = request(`${server.url}/files`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-test', 'content-type': 'multipart/form-data; boundary=b' },
    });
    upload.on('error', () => undefined);
    upload.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\nhalf');
    await expect.poll(() => readdirSync(incoming), { timeout: 30_000 }).toHaveLength(1);
    upload.destroy();
    await expect.poll(() => readdirSync(incoming), { timeout: 30_000 }).toEqual([]);
    expect((await client.files.list()).data).toEqual([]);
  });

  test('a file that is streamed from disk arrives unchanged', async () => {
    const { client } = await batchApi();
    const path = join(temporaryDirectory(), 'binary.jsonl');
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256));
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('\r\n--not a boundary\r\n'), bytes]));
    const { id } = await client.files.create({ purpose: 'batch', file: createReadStream(path) });
    const content = Buffer.from(await (await client.files.content(id)).arrayBuffer());
    expect(content.equals(Buffer.concat([bytes, Buffer.from('\r\n--not a boundary\r\n'), bytes]))).toBe(true);
  });

  test('files are listed newest or oldest first, by purpose and in pages', async () => {
    const { client } = await batchApi();
    const ids = [];
    for (const _ of [1, 2, 3, 4, 5]) ids.push(await uploadText(client, '{}'));
    const other = await client.files.create({
      purpose: 'user_data',
      file: await toFile(Buffer.from('x'), 'x.txt'),
    });
    const newest = [...ids].reverse();
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([other.id, ...newest]);
    expect((await client.files.list({ purpose: 'batch', order: 'asc' })).data.map(({ id }) => id)).toEqual(
      ids,
    );
    const first = await client.files.list({ purpose: 'batch', limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual(newest.slice(0, 2));
    expect(first.has_more).toBe(true);
    const paged = [];
    for await (const file of client.files.list({ purpose: 'batch', limit: 2 })) paged.push(file.id);
    expect(paged).toEqual(newest);
  });
});

describe('batches', () => {
  test('batches are listed newest first, in pages, after any id', async () => {
    const { client } = await batchApi();
    const ids = [];
    for (const _ of [1, 2, 3, 4, 5]) ids.unshift((await createBatch(client, chatRows(1))).id);
    const first = await client.batches.list({ limit: 2 });
    expect(first).toMatchObject({ has_more: true, data: [{ id: ids[0] }, { id: ids[1] }] });
    const paged = [];
    for await (const batch of client.batches.list({ limit: 2 })) paged.push(batch.id);
    expect(paged).toEqual(ids);
    const last = await client.batches.list({ after: ids[2] ?? '', limit: 2 });
    expect(last).toMatchObject({ has_more: false, data: [{ id: ids[3] }, { id: ids[4] }] });
    for (const limit of [0, 101]) {
      await expect(client.batches.list({ limit })).rejects.toMatchObject({ status: 400, param: 'limit' });
    }
  });

  test('an invalid request fails with the name of the parameter', async () => {
    const { client } = await batchApi();
    const input_file_id = await uploadText(client, jsonl(chatRows(1)));
    const other = await client.files.create({
      purpose: 'user_data',
      file: await toFile(Buffer.from('x'), 'x'),
    });
    const sound = { input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' };
    const pairs = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, 'x']));
    const refusals: [object, string][] = [
      [{ input_file_id: undefined }, 'input_file_id'],
      [{ input_file_id: 'file-unknown' }, 'input_file_id'],
      [{ input_file_id: other.id }, 'input_file_id'],
      [{ endpoint: '/v1/assistants' }, 'endpoint'],
      [{ completion_window: '48h' }, 'completion_window'],
      [{ metadata: pairs(17) }, 'metadata'],
      [{ metadata: { ['k'.repeat(65)]: 'x' } }, `metadata.${'k'.repeat(64)}`],
      [{ metadata: { key: 'x'.repeat(513) } }, 'metadata.key'],
      [{ metadata: { key: 1 } }, 'metadata.key'],
      [{ output_expires_after: { anchor: 'created_at', seconds: 3_599 } }, 'output_expires_after.seconds'],
      [{ output_expires_after: { anchor: 'completed_at', seconds: 3_600 } }, 'output_expires_after.anchor'],
    ];
    for (const [change, param] of refusals) {
      const body = { ...sound, ...change };
      await expect(client.post('/batches', { body }), JSON.stringify(change)).rejects.toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        param,
      });
    }
    const largest = { ...pairs(15), ['k'.repeat(64)]: 'x'.repeat(512) };
    expect(await client.post('/batches', { body: { ...sound, metadata: largest } })).toMatchObject({
      metadata: largest,
    });
    expect((await client.batches.list()).data).toHaveLength(1);
  });

  test('above the hourly limit of batches it returns 429 with the time to wait', async () => {
    const { client, clock } = await batchApi({ limits: { batchesPerHour: 2 } });
    await createBatch(client, chatRows(1));
    clock.advance(600 * SECOND);
    await createBatch(client, chatRows(1));
    const refusal = await createBatch(client, chatRows(1)).catch((cause: unknown) => cause);
    if (!(refusal instanceof OpenAI.RateLimitError)) throw new Error('not a rate limit error');
    expect(refusal).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    const wait = Number(refusal.headers.get('retry-after'));
    expect(wait).toBe(3_000);
    clock.advance(wait * SECOND);
    await createBatch(client, chatRows(1));
  });

  test('above the limit of uploads per minute it returns 429', async () => {
    const { client, clock } = await batchApi({ limits: { uploadsPerMinute: 1 } });
    await uploadText(client, '{}');
    await expect(uploadText(client, '{}')).rejects.toMatchObject({ status: 429 });
    clock.advance(60 * SECOND);
    await uploadText(client, '{}');
  });
});

describe('every request', () => {
  test('needs a key: any key, or the one that the server was given', async () => {
    const open = await batchApi();
    const closed = await batchApi({ apiKey: 'sk-right' });
    const as = (apiKey: string, baseURL: string) =>
      new OpenAI({ apiKey, baseURL, maxRetries: 0, fetch: new DocumentedFetch().fetch }).batches.list();
    expect((await as('sk-any', open.server.url)).data).toEqual([]);
    expect((await as('sk-right', closed.server.url)).data).toEqual([]);
    await expect(as('sk-wrong', closed.server.url)).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    expect((await fetch(`${open.server.url}/batches`)).status).toBe(401);
  });

  test('has a response with the request id and the organization', async () => {
    const { server } = await batchApi();
    const headers = { authorization: 'Bearer sk-test' };
    const answers = await Promise.all(
      ['/batches', '/nothing'].map((path) => fetch(server.url + path, { headers })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 404]);
    const requestIds = answers.map((answer) => answer.headers.get('x-request-id'));
    expect(new Set(requestIds).size).toBe(2);
    expect(requestIds.every((id) => id?.startsWith('req_'))).toBe(true);
    expect(answers[0]?.headers.get('openai-organization')).toBe('org-batchdrop-local');
  });

  test('fails with 404 for an unknown path, 405 for a wrong method and 400 for a body that is not JSON', async () => {
    const { client } = await batchApi();
    const refused = (answer: Promise<unknown>) => answer.then(() => 'taken').catch((cause) => cause.status);
    expect(await refused(client.get('/models'))).toBe(404);
    expect(await refused(client.batches.retrieve('batch_unknown'))).toBe(404);
    expect(await refused(client.files.retrieve('file-unknown'))).toBe(404);
    expect(await refused(client.batches.list({ after: 'batch_unknown' }))).toBe(404);
    expect(await refused(client.put('/batches', { body: {} }))).toBe(405);
    expect(await refused(client.post('/batches', { body: Buffer.from('{"input') }))).toBe(400);
    expect(await refused(client.post('/files', { body: { purpose: 'batch' } }))).toBe(400);
  });
});

describe('the audit log', () => {
  test('it has every upload, create, cancel, deletion and billed row once and in order', async () => {
    const api = await batchApi();
    const { client, directory } = api;
    const first = await createBatch(client, chatRows(3), { metadata: { intent: 'one' } });
    await complete(api, first.id);
    await client.files.delete(first.input_file_id);
    const second = await createBatch(client, chatRows(1));
    await client.batches.cancel(second.id);
    const entries = readAudit(directory);
    expect(entries.map(({ event }) => event)).toEqual([
      'file.created',
      'batch.created',
      'row.billed',
      'row.billed',
      'row.billed',
      'file.deleted',
      'file.created',
      'batch.created',
      'batch.cancel_requested',
    ]);
    expect(entries.map(({ n }) => n)).toEqual(entries.map((_, index) => index + 1));
    expect(entries[1]).toMatchObject({
      batchId: first.id,
      inputFileId: first.input_file_id,
      metadata: { intent: 'one' },
    });
    const billed = entries.flatMap((entry) => (entry.event === 'row.billed' ? [entry] : []));
    expect(billed.map(({ customId }) => customId).sort()).toEqual(['row-0', 'row-1', 'row-2']);
    expect(
      billed.every(({ batchId, inputFileId }) => batchId === first.id && inputFileId === first.input_file_id),
    ).toBe(true);
  });
});
