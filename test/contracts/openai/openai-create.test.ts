import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../storage/bytes.ts';
import { BATCH, create, endless, openAiForEachTest, REFUSAL } from './openai-under-test.ts';
import {
  cutShort,
  html,
  json,
  raw,
  reset,
  type ScriptedAnswer,
  silence,
  startScriptedServer,
} from './scripted-server.ts';

const openAi = openAiForEachTest();

describe('after POST /batches was sent', () => {
  const unclear: [string, ScriptedAnswer][] = [
    ['a reset', reset],
    ['a 500 in JSON', json(500, { error: { message: 'Oops' } })],
    ['a 502 of a gateway', html(502)],
    ['a 504', json(504, {})],
    ['a 408', json(408, REFUSAL)],
    ['a 409', json(409, REFUSAL)],
    ['an HTML page', html(200)],
    ['an empty object', json(200, {})],
    ['a batch without an id', json(200, { ...BATCH, id: '' })],
    ['a batch with a path as its id', json(200, { ...BATCH, id: '../files' })],
    ['a batch with a number as its id', json(200, { ...BATCH, id: 7 })],
    ['the file, not a batch', json(200, { id: 'file-1', object: 'file', bytes: 3 })],
    ['an id with an error', json(200, { ...BATCH, ...REFUSAL })],
    ['an id with an error that is a text', json(200, { ...BATCH, error: 'upstream failed' })],
    ['a list of batches', json(200, [BATCH])],
    ['a response without a body', (response) => void response.writeHead(204).end()],
    ['JSON that is too long', (response) => endless(response)],
    ['JSON that breaks off', cutShort(200, 'application/json', JSON.stringify(BATCH))],
  ];
  it.each(unclear)('%s throws Ambiguous, and nothing is sent again', async (_, answer) => {
    openAi.server.answerWith(answer);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
    expect(openAi.server.requests).toHaveLength(1);
  });

  const foreign: [string, (status: number) => ScriptedAnswer][] = [
    ['a page', html],
    ['JSON without an error', (status) => json(status, {})],
    ["an API gateway's message", (status) => json(status, { message: 'Forbidden' })],
    ['an error that is only a text', (status) => json(status, { error: 'not allowed' })],
    ['an error without a message', (status) => json(status, { error: { code: 'blocked' } })],
    ['an empty detail', (status) => json(status, { detail: '' })],
    ['plain text', (status) => (response) => void response.writeHead(status).end('No.')],
    ['no body', (status) => (response) => void response.writeHead(status).end()],
    ['a redirect', (status) => (response) => void response.writeHead(status, { location: '/v2' }).end()],
  ];
  it.each(foreign)(
    '%s as a refusal throws Ambiguous, whatever its status, and nothing is sent again',
    async (_, as) => {
      const statuses = [301, 302, 307, 308, 400, 401, 403, 404, 405, 407, 413, 422, 429, 451];
      for (const status of statuses) {
        openAi.server.answerWith(as(status));
        await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
      }
      expect(openAi.server.requests).toHaveLength(statuses.length);
    },
  );

  it('silence throws Ambiguous', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, { createMs: 50 });
    openAi.server.answerWith(silence);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
  });

  it('an abort throws Ambiguous and ends the connection', async () => {
    const controller = new AbortController();
    const closed = new Promise((resolve) => {
      openAi.server.answerWith((_, request) => {
        request.socket.once('close', resolve);
        controller.abort();
      });
    });
    await expect(create(openAi, controller.signal)).rejects.toMatchObject({ name: 'Ambiguous' });
    await closed;
  });

  it.each([400, 413, 422])('a %i from the API throws TerminalError with its code', async (status) => {
    openAi.server.answerWith(json(status, { error: { message: 'No.', code: 'invalid_file' } }));
    await expect(create(openAi)).rejects.toMatchObject({ name: 'TerminalError', code: 'invalid_file' });
  });

  it('a 429 from the API throws a retryable error, because there is no batch', async () => {
    openAi.server.answerWith(json(429, REFUSAL, { 'retry-after': '7' }));
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError', afterSeconds: 7 });
  });

  const { status: _status, created_at: _time, object: _object, ...bare } = BATCH;
  const odd: [string, ScriptedAnswer, object?][] = [
    [
      'with another file, as gateways rewrite files',
      json(200, { ...BATCH, input_file_id: 'file-2' }),
      { inputFileId: 'file-2' },
    ],
    ['with only an id', json(200, { id: 'batch_1' }), { status: 'validating', errors: [], metadata: {} }],
    ['without a status, a time and an object', json(200, bare), { status: 'validating' }],
    ['of another object', json(200, { ...BATCH, object: 'file' })],
    ['with a null in every field', json(200, { ...nulls(BATCH), id: 'batch_1' }), { status: 'validating' }],
    [
      'with an object in every field',
      json(200, { ...Object.fromEntries(Object.keys(BATCH).map((name) => [name, {}])), id: 'batch_1' }),
    ],
    ['with an impossible time', json(200, { ...BATCH, created_at: 1e300 })],
    ['with a time that is a text', json(200, { ...BATCH, created_at: 'yesterday' })],
    [
      'with an ISO time',
      json(200, { ...BATCH, created_at: '2025-11-01T12:00:00Z' }),
      { createdAt: 1_761_998_400_000 },
    ],
    ['with 600 KB of metadata', json(200, { ...BATCH, metadata: { note: 'x'.repeat(600_000), a: 'b' } })],
    [
      'with 12 MB of metadata',
      json(200, { ...BATCH, metadata: { note: 'x'.repeat(12_000_000) } }),
      { metadata: {} },
    ],
    ['with a bad error_file_id', json(200, { ...BATCH, error_file_id: '../x' })],
    ['with an empty error', json(200, { ...BATCH, error: null })],
    ['with additional fields', json(201, { ...BATCH, object: 'batch', provider: { cost: 1 } })],
    ['in capitals', json(200, { ...BATCH, status: 'IN_PROGRESS' }), { status: 'in_progress' }],
    [
      'wrapped, as some vendors send it',
      json(200, { job: { ...BATCH, status: 'VALIDATING' }, warning: null }),
      { status: 'validating' },
    ],
    ['with another content type', raw(200, 'text/html', JSON.stringify(BATCH))],
    ['without a content type', raw(202, undefined, `\uFEFF${JSON.stringify(BATCH)}`)],
    [
      'with an id of 1,000 characters',
      json(200, { ...BATCH, id: `batch_${'x'.repeat(994)}` }),
      { batchId: `batch_${'x'.repeat(994)}` },
    ],
  ];
  it.each(odd)('a batch %s is the batch', async (_, answer, expected = {}) => {
    openAi.server.answerWith(answer);
    expect(await create(openAi)).toMatchObject({ batchId: 'batch_1', ...expected });
    expect(openAi.server.requests).toHaveLength(1);
  });

  it('the request has the file, the endpoint, the window and the metadata', async () => {
    openAi.server.answerWith(json(200, BATCH));
    await create(openAi);
    expect(JSON.parse(openAi.server.requests[0]?.body ?? '')).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/embeddings',
      completion_window: '24h',
      metadata: { a: 'b' },
    });
  });
});

describe('before anything was sent', () => {
  it('a refused connection throws a retryable error, because there is no batch', async () => {
    const port = openAi.server.url;
    await openAi.server.close();
    openAi.api = openAi.apiAt(`${port}/v1`);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError' });
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server = await startScriptedServer();
  });

  it('an unknown host name or a failed TLS handshake throws a retryable error, because there is no batch', async () => {
    openAi.api = openAi.apiAt('https://nobody.invalid/v1');
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError' });
    const noTls = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    noTls.listen(0, '127.0.0.1');
    await once(noTls, 'listening');
    const address = noTls.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    openAi.api = openAi.apiAt(`https://127.0.0.1:${port}/v1`);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError' });
    noTls.close();
  });

  it('an id that is not safe in a path is refused, and nothing is sent', async () => {
    const unsafe = [
      '',
      '.',
      '..',
      '../files',
      'a..b',
      'a/b',
      'a\\b',
      'a?b',
      'a#b',
      'a%2Fb',
      'a b',
      'a\nb',
      'ü',
    ];
    for (const id of [...unsafe, 'x'.repeat(1025)]) {
      const bad = { name: 'TerminalError', code: 'bad_id' };
      await expect(openAi.api.retrieveBatch(id)).rejects.toMatchObject(bad);
      await expect(openAi.api.cancelBatch(id)).rejects.toMatchObject(bad);
      await expect(openAi.api.listBatches({ after: id, limit: 1 })).rejects.toMatchObject(bad);
      await expect(openAi.api.fileBytes(id)).rejects.toMatchObject(bad);
      await expect(openAi.api.deleteFile(id)).rejects.toMatchObject(bad);
      await expect(bytesOf(openAi.api.readFile(id))).rejects.toMatchObject(bad);
    }
    expect(openAi.server.requests).toEqual([]);
  });

  it('an id of a gateway, with up to 1,024 characters, is sent unchanged', async () => {
    for (const id of ['batch_bGl0ZWxsbV9wcm94eTo=', "b.a:c@d~e+f=,;!$&'()*|g-", 'x'.repeat(1024)]) {
      openAi.server.answerWith(json(200, { id }));
      expect(await openAi.api.retrieveBatch(id)).toMatchObject({ batchId: id });
      const path = openAi.server.requests.at(-1)?.path ?? '';
      expect(decodeURIComponent(new URL(path, 'http://localhost').pathname)).toBe(`/v1/batches/${id}`);
    }
  });

  it('a base URL that would send the key unencrypted, or is not one, is refused', () => {
    for (const url of [
      'http://api.example.com/v1',
      'ftp://127.0.0.1/v1',
      'https://me:secret@example.com/v1',
    ]) {
      expect(() => openAi.apiAt(url)).toThrow();
    }
    expect(() => openAi.apiAt('http://127.0.0.1:1/v1')).not.toThrow();
    expect(() => openAi.apiAt('http://localhost:1/v1/')).not.toThrow();
    expect(() => openAi.apiAt('http://127.0.0.1.example.com/v1')).toThrow();
  });
});

describe('a call that changes something', () => {
  it('is not repeated when an idle connection was closed', async () => {
    openAi.server.answerWith(json(200, BATCH), reset);
    await openAi.api.retrieveBatch('batch_1');
    await expect(openAi.api.cancelBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
    expect(openAi.server.requests).toHaveLength(2);
  });

  it('uses a new connection if it is a create, because a closed one would make its effect unknown', async () => {
    const ports: (number | undefined)[] = [];
    openAi.server.answerWith((response, request) => {
      ports.push(request.socket.remotePort);
      json(200, BATCH)(response, request);
    });
    await openAi.api.retrieveBatch('batch_1');
    await openAi.api.retrieveBatch('batch_1');
    await create(openAi);
    expect(ports[1]).toBe(ports[0]);
    expect(ports[2]).not.toBe(ports[0]);
  });
});

function nulls(fields: object): object {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, null]));
}
