import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiKey } from '../../functions/shared/adapters/api-key.ts';
import { createOpenAiBatchApi } from '../../functions/shared/adapters/openai-api.ts';
import type { BatchApi } from '../../functions/shared/core/ports.ts';
import { bytesOf } from './bytes.ts';
import {
  cutShort,
  html,
  json,
  reset,
  type ScriptedAnswer,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from './scripted-server.ts';

const NEVER = new AbortController().signal;
const BATCH = {
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/embeddings',
  input_file_id: 'file-1',
  completion_window: '24h',
  status: 'validating',
  created_at: 1_761_998_400,
};
const REFUSAL = {
  error: { message: 'No such thing.', type: 'invalid_request_error', param: null, code: null },
};

let server: ScriptedServer;
let api: BatchApi;
let refreshedKey: ApiKey;
let refreshes: number;
beforeEach(async () => {
  server = await startScriptedServer();
  refreshedKey = { apiKey: 'sk-first' };
  refreshes = 0;
  api = apiAt(`${server.url}/v1`);
});
afterEach(() => server.close());

function apiAt(baseUrl: string, requestTimeoutMs = 20_000): BatchApi {
  return createOpenAiBatchApi({
    baseUrl,
    keys: {
      current: async () => ({ apiKey: 'sk-first' }),
      refresh: async () => {
        refreshes += 1;
        return refreshedKey;
      },
    },
    requestTimeoutMs,
  });
}

const create = (signal = NEVER) =>
  api.createBatch(
    { inputFileId: 'file-1', endpoint: '/v1/embeddings', completionWindow: '24h', metadata: { a: 'b' } },
    signal,
  );
const upload = (text: string, signal = NEVER) =>
  api.uploadFile(
    {
      name: 'part-1.jsonl',
      bytes: text.length,
      body: (async function* () {
        yield Buffer.from(text);
      })(),
    },
    signal,
  );

describe('after POST /batches was sent', () => {
  const unclear: [string, ScriptedAnswer][] = [
    ['a reset', reset],
    ['a 500 in JSON', json(500, { error: { message: 'Oops' } })],
    ['a 502 of a gateway', html(502)],
    ['a 504', json(504, {})],
    ['a 408', json(408, REFUSAL)],
    ['a 409', json(409, REFUSAL)],
    ['a page in place of a batch', html(200)],
    ['an empty object', json(200, {})],
    ['another object', json(200, { ...BATCH, object: 'file' })],
    ['a batch on another file', json(200, { ...BATCH, input_file_id: 'file-2' })],
    ['a batch without an id', json(200, { ...BATCH, id: '' })],
    ['a batch whose id leads elsewhere', json(200, { ...BATCH, id: '../files' })],
    ['JSON that breaks off', cutShort(200, 'application/json', JSON.stringify(BATCH))],
  ];
  it.each(unclear)(
    '%s leaves open whether there is a batch, and nothing is sent again',
    async (_, answer) => {
      server.answerWith(answer);
      await expect(create()).rejects.toMatchObject({ name: 'Ambiguous' });
      expect(server.requests).toHaveLength(1);
    },
  );

  it('silence leaves it open, too', async () => {
    api = apiAt(`${server.url}/v1`, 50);
    server.answerWith(silence);
    await expect(create()).rejects.toMatchObject({ name: 'Ambiguous' });
  });

  it('giving up leaves it open, and ends the connection', async () => {
    const giveUp = new AbortController();
    const closed = new Promise((resolve) => {
      server.answerWith((_, request) => {
        request.socket.once('close', resolve);
        giveUp.abort();
      });
    });
    await expect(create(giveUp.signal)).rejects.toMatchObject({ name: 'Ambiguous' });
    await closed;
  });

  it.each([400, 404, 422])('a %i from the API is a refusal with its code', async (status) => {
    server.answerWith(json(status, { error: { message: 'No.', code: 'invalid_file' } }));
    const code = status === 404 ? 'not_found' : 'invalid_file';
    await expect(create()).rejects.toMatchObject({ name: 'Refused', code });
  });

  it('a 429 or a refusal of a gateway means that there is no batch', async () => {
    server.answerWith(json(429, REFUSAL, { 'retry-after': '7' }));
    await expect(create()).rejects.toMatchObject({ name: 'RetryLater', afterSeconds: 7 });
    server.answerWith(html(400));
    await expect(create()).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('a batch is taken, also wrapped as some vendors do and in capitals', async () => {
    server.answerWith(json(200, { job: { ...BATCH, status: 'VALIDATING' } }));
    expect(await create()).toMatchObject({ batchId: 'batch_1', status: 'validating' });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/embeddings',
      completion_window: '24h',
      metadata: { a: 'b' },
    });
  });
});

describe('before anything was sent', () => {
  it('a refused connection means that there is no batch', async () => {
    const port = server.url;
    await server.close();
    api = apiAt(`${port}/v1`);
    await expect(create()).rejects.toMatchObject({ name: 'RetryLater' });
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
    server = await startScriptedServer();
  });

  it('a name that nobody resolves, or a failed handshake, means that there is no batch', async () => {
    api = apiAt('https://nobody.invalid/v1');
    await expect(create()).rejects.toMatchObject({ name: 'RetryLater' });
    const noTls = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    noTls.listen(0, '127.0.0.1');
    await once(noTls, 'listening');
    const address = noTls.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    api = apiAt(`https://127.0.0.1:${port}/v1`);
    await expect(create()).rejects.toMatchObject({ name: 'RetryLater' });
    noTls.close();
  });

  it('an id that would leave its place in the path goes nowhere', async () => {
    for (const id of ['', '../files', 'a/b', 'a?b', 'a b', 'ü', 'x'.repeat(201)]) {
      const bad = { name: 'Refused', code: 'bad_id' };
      await expect(api.retrieveBatch(id)).rejects.toMatchObject(bad);
      await expect(api.cancelBatch(id)).rejects.toMatchObject(bad);
      await expect(api.listBatches({ after: id, limit: 1 })).rejects.toMatchObject(bad);
      await expect(api.fileBytes(id)).rejects.toMatchObject(bad);
      await expect(api.deleteFile(id)).rejects.toMatchObject(bad);
      await expect(bytesOf(api.readFile(id))).rejects.toMatchObject(bad);
    }
    expect(server.requests).toEqual([]);
  });

  it('a base URL that would send the key in clear, or is none, is not taken', () => {
    for (const url of [
      'http://api.example.com/v1',
      'ftp://127.0.0.1/v1',
      'https://me:secret@example.com/v1',
    ]) {
      expect(() => apiAt(url)).toThrow();
    }
    expect(() => apiAt('http://127.0.0.1:1/v1')).not.toThrow();
    expect(() => apiAt('http://localhost:1/v1/')).not.toThrow();
    expect(() => apiAt('http://127.0.0.1.example.com/v1')).toThrow();
  });
});

describe('reading calls', () => {
  const passing: [string, ScriptedAnswer][] = [
    ['a reset', reset],
    ['a 503', json(503, {})],
    ['a 409', json(409, REFUSAL)],
    ['a 404 of a gateway', html(404)],
    ['a page in place of a batch', html(200)],
    ['another batch', json(200, { ...BATCH, id: 'batch_2' })],
    ['JSON that breaks off', cutShort(200, 'application/json', JSON.stringify(BATCH))],
    ['JSON without end', (response) => endless(response)],
  ];
  it.each(passing)('come again after %s', async (_, answer) => {
    server.answerWith(answer);
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('come again after silence', async () => {
    api = apiAt(`${server.url}/v1`, 50);
    server.answerWith(silence);
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
    server.answerWith(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    );
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it.each([
    ['120', undefined, 120],
    ['0.5', undefined, 0.5],
    ['Sun, 01 Nov 2026 12:01:30 GMT', 'Sun, 01 Nov 2026 12:00:00 GMT', 90],
    ['Sun, 01 Nov 2026 12:00:00 GMT', 'Sun, 01 Nov 2026 12:01:00 GMT', 0],
    ['9999999999', undefined, 86_400],
    ['soon', undefined, 60],
    ['', undefined, 60],
  ])('wait as long as Retry-After %s says', async (retryAfter, date, afterSeconds) => {
    server.answerWith(
      json(429, REFUSAL, { 'retry-after': retryAfter, ...(date === undefined ? {} : { date }) }),
    );
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater', afterSeconds });
  });

  it('do not follow a redirect, with the key or without', async () => {
    const elsewhere = await startScriptedServer();
    elsewhere.answerWith(json(200, BATCH));
    for (const status of [301, 302, 307, 308]) {
      server.answerWith(json(status, {}, { location: `${elsewhere.url}/v1/batches` }));
      await expect(api.retrieveBatch('batch_1')).rejects.toThrow(/redirects are not followed/);
      await expect(create()).rejects.toMatchObject({ name: 'RetryLater' });
    }
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  it('are sent once more when an idle connection turns out to be closed', async () => {
    server.answerWith(json(200, BATCH), reset, json(200, BATCH));
    await api.retrieveBatch('batch_1');
    expect(await api.retrieveBatch('batch_1')).toMatchObject({ batchId: 'batch_1' });
    expect(server.requests).toHaveLength(3);
    server.answerWith(reset);
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
  });
});

describe('a call that changes something', () => {
  it('is not sent again when an idle connection turns out to be closed', async () => {
    server.answerWith(json(200, BATCH), reset);
    await api.retrieveBatch('batch_1');
    await expect(api.cancelBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
    expect(server.requests).toHaveLength(2);
  });

  it('goes on a connection of its own when a closed one would leave open what happened', async () => {
    const ports: (number | undefined)[] = [];
    server.answerWith((response, request) => {
      ports.push(request.socket.remotePort);
      json(200, BATCH)(response, request);
    });
    await api.retrieveBatch('batch_1');
    await api.retrieveBatch('batch_1');
    await create();
    expect(ports[1]).toBe(ports[0]);
    expect(ports[2]).not.toBe(ports[0]);
  });
});

describe('the key', () => {
  it('goes into its header only', async () => {
    server.answerWith(json(200, BATCH));
    await api.retrieveBatch('batch_1');
    const [request] = server.requests;
    expect(request?.headers.authorization).toBe('Bearer sk-first');
    expect(JSON.stringify({ ...request, headers: { ...request?.headers, authorization: '' } })).not.toContain(
      'sk-first',
    );
  });

  it('is read anew once when it is refused, with its organization and project', async () => {
    refreshedKey = { apiKey: 'sk-second', organization: 'org-1', project: 'proj-1' };
    server.answerWith(json(401, REFUSAL), json(200, BATCH));
    expect(await create()).toMatchObject({ batchId: 'batch_1' });
    expect(server.requests[1]?.headers).toMatchObject({
      authorization: 'Bearer sk-second',
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
    });
    server.answerWith(json(401, REFUSAL));
    await expect(api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'NotAllowed' });
    expect(refreshes).toBe(2);
  });

  it('is not tried again when it is the same', async () => {
    server.answerWith(json(401, REFUSAL));
    await expect(create()).rejects.toMatchObject({ name: 'NotAllowed' });
    expect(server.requests).toHaveLength(1);
  });

  it('leads to another try of an upload, which passes through once only', async () => {
    refreshedKey = { apiKey: 'sk-second' };
    server.answerWith(json(401, REFUSAL));
    await expect(upload('{}\n')).rejects.toMatchObject({ name: 'RetryLater' });
    expect(server.requests).toHaveLength(1);
  });

  it('that may not do this is not allowed', async () => {
    server.answerWith(json(403, REFUSAL));
    await expect(create()).rejects.toMatchObject({ name: 'NotAllowed' });
    await expect(upload('{}\n')).rejects.toMatchObject({ name: 'NotAllowed' });
    expect(refreshes).toBe(0);
  });

  it('names its account by what the API says, else by a fingerprint that is not the key', async () => {
    const page = { object: 'list', data: [], has_more: false };
    server.answerWith(json(200, page, { 'openai-organization': 'org-1' }));
    expect((await api.listBatches({ limit: 1 })).account).toBe('org-1');
    server.answerWith(json(200, page, { 'openai-organization': 'org-1', 'openai-project': 'proj-1' }));
    expect((await api.listBatches({ limit: 1 })).account).toBe('org-1/proj-1');
    server.answerWith(json(200, page));
    const { account } = await api.listBatches({ limit: 1 });
    expect(account).toMatch(/^key-[0-9a-f]{16}$/);
    expect((await api.listBatches({ limit: 1 })).account).toBe(account);
  });
});

describe('a batch on the wire', () => {
  const retrieved = async (fields: object) => {
    server.answerWith(json(200, { ...BATCH, ...fields }));
    return api.retrieveBatch('batch_1');
  };

  it('has nothing where null, "" or nothing stands', async () => {
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

  it('is read with all that it may hold', async () => {
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
  ])('that is %s ended then', async (status, field) => {
    const others = { completed_at: null, failed_at: null, expired_at: null, cancelled_at: null };
    expect((await retrieved({ ...others, status, [field]: 1_761_998_999 })).endedAt).toBe(1_761_998_999_000);
  });

  it('keeps a status that nobody knows, and the first 20 of many errors', async () => {
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
    ['is no object', [entry(1)]],
    ['has no data', { has_more: false }],
    ['does not say whether there is more', { data: [entry(1)] }],
    ['says so in words', { data: [entry(1)], has_more: 'false' }],
    ['holds something else', { data: [entry(1), { object: 'file' }], has_more: false }],
    ['is longer than asked for', { data: [entry(1), entry(2), entry(3)], has_more: false }],
    ['is empty and promises more', { data: [], has_more: true }],
    ['names one twice', { data: [entry(1), entry(1)], has_more: false }],
    ['begins again where it was to go on', { data: [entry(9)], has_more: true }],
    ['runs from the oldest on', { data: [entry(1, 1_761_000_000), entry(2)], has_more: false }],
  ];
  it.each(faulty)('that %s is not believed', async (_, page) => {
    server.answerWith(json(200, page));
    const asked = api.listBatches({ limit: 2, after: 'batch_9' });
    await expect(asked).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('is asked for with its limit and its start', async () => {
    server.answerWith(json(200, { data: [entry(2), entry(1)], has_more: true }));
    expect(await api.listBatches({ limit: 2, after: 'batch_9' })).toMatchObject({ hasMore: true });
    expect(server.requests[0]?.path).toBe('/v1/batches?limit=2&after=batch_9');
  });
});

describe('a cancel', () => {
  it.each([400, 409])('that is answered by %i came too late', async (status) => {
    server.answerWith(json(status, REFUSAL));
    expect(await api.cancelBatch('batch_1')).toBe('too_late');
  });

  it('says nothing when a gateway answers', async () => {
    for (const status of [400, 404, 409, 502]) {
      server.answerWith(html(status));
      await expect(api.cancelBatch('batch_1')).rejects.toMatchObject({ name: 'RetryLater' });
    }
    server.answerWith(json(404, REFUSAL));
    expect(await api.cancelBatch('batch_1')).toBe('unknown');
  });
});

describe('a file', () => {
  it('is sent as one multipart form of exactly the announced length', async () => {
    server.answerWith(json(200, { id: 'file-9', object: 'file', bytes: 6 }));
    expect(await upload('{}\n{}\n')).toMatchObject({ fileId: 'file-9' });
    const [request] = server.requests;
    expect(Number(request?.headers['content-length'])).toBe(request?.body.length);
    expect(request?.body).toMatch(/name="purpose"\r\n\r\nbatch\r\n/);
    expect(request?.body).toMatch(/name="file"; filename="part-1.jsonl"\r\n.*\r\n\r\n\{\}\n\{\}\n\r\n--/);
  });

  it('that arrived shorter, or in no shape, is not taken for uploaded', async () => {
    server.answerWith(json(200, { id: 'file-9', object: 'file', bytes: 5 }));
    await expect(upload('{}\n{}\n')).rejects.toMatchObject({ name: 'RetryLater' });
    server.answerWith(html(200));
    await expect(upload('{}\n')).rejects.toMatchObject({ name: 'RetryLater' });
    server.answerWith(json(413, REFUSAL));
    await expect(upload('{}\n')).rejects.toMatchObject({ name: 'Refused' });
    server.answerWith(reset);
    await expect(upload('{}\n')).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('that is refused before it was sent to its end is refused at once', async () => {
    const early = createHttpServer((_, response) => {
      response.writeHead(413, { 'content-type': 'application/json' }).end(JSON.stringify(REFUSAL));
    });
    early.listen(0, '127.0.0.1');
    await once(early, 'listening');
    const address = early.address();
    api = apiAt(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}\n');
      await new Promise(() => {}); // for ever
    }
    const sent = api.uploadFile({ name: 'p.jsonl', bytes: 100, body: body() }, NEVER);
    await expect(sent).rejects.toMatchObject({ name: 'Refused' });
    early.closeAllConnections();
    early.close();
  });

  it('ends at once when it is given up, even while its source hangs', async () => {
    const giveUp = new AbortController();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}\n');
      giveUp.abort();
      await new Promise(() => {}); // for ever
    }
    const sent = api.uploadFile({ name: 'p.jsonl', bytes: 100, body: body() }, giveUp.signal);
    await expect(sent).rejects.toMatchObject({ name: 'RetryLater' });
    expect(server.requests).toEqual([]); // it never was whole
  });

  it('that breaks off while it is read is not taken for whole', async () => {
    for (const answer of [
      cutShort(200, 'application/octet-stream', 'half'),
      chunkedCutShort,
      reset,
      html(502),
    ]) {
      server.answerWith(answer);
      await expect(bytesOf(api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryLater' });
    }
  });

  it('that falls silent while it is read is given up', async () => {
    api = apiAt(`${server.url}/v1`, 50);
    server.answerWith((response) => void response.writeHead(200, { 'content-length': 10 }).write('half'));
    await expect(bytesOf(api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('is gone when the API says so, and only then', async () => {
    server.answerWith(json(404, REFUSAL));
    const gone = { name: 'Refused', code: 'file_gone' };
    await expect(bytesOf(api.readFile('file-1'))).rejects.toMatchObject(gone);
    await expect(api.fileBytes('file-1')).rejects.toMatchObject(gone);
    expect(await api.deleteFile('file-1')).toBe('gone');
    server.answerWith(html(404));
    await expect(bytesOf(api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryLater' });
    await expect(api.deleteFile('file-1')).rejects.toMatchObject({ name: 'RetryLater' });
    server.answerWith(json(200, { id: 'file-1', object: 'file', deleted: false }));
    await expect(api.deleteFile('file-1')).rejects.toMatchObject({ name: 'RetryLater' });
  });

  it('that nobody reads on is let go', async () => {
    const closed = new Promise((resolve) => {
      server.answerWith((response, request) => {
        request.socket.once('close', resolve);
        endless(response);
      });
    });
    for await (const piece of api.readFile('file-1')) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    await closed;
  });
});

const chunkedCutShort: ScriptedAnswer = (response) => {
  response.writeHead(200, { 'transfer-encoding': 'chunked' });
  response.write('half', () => response.destroy());
};

/** As much JSON as anybody takes. */
function endless(response: Parameters<ScriptedAnswer>[0]): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' }).write('"');
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(100_000)));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}
