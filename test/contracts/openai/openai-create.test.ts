import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../storage/bytes.ts';
import { BATCH, create, openAiForEachTest, REFUSAL } from './openai-under-test.ts';
import {
  cutShort,
  html,
  json,
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
    ['another object', json(200, { ...BATCH, object: 'file' })],
    ['a batch on another file', json(200, { ...BATCH, input_file_id: 'file-2' })],
    ['a batch without an id', json(200, { ...BATCH, id: '' })],
    ['a batch with a path as its id', json(200, { ...BATCH, id: '../files' })],
    ['JSON that breaks off', cutShort(200, 'application/json', JSON.stringify(BATCH))],
  ];
  it.each(unclear)('%s throws Ambiguous, and nothing is sent again', async (_, answer) => {
    openAi.server.answerWith(answer);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
    expect(openAi.server.requests).toHaveLength(1);
  });

  it('silence throws Ambiguous', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, 50);
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

  it.each([400, 404, 422])('a %i from the API throws TerminalError with its code', async (status) => {
    openAi.server.answerWith(json(status, { error: { message: 'No.', code: 'invalid_file' } }));
    const code = status === 404 ? 'not_found' : 'invalid_file';
    await expect(create(openAi)).rejects.toMatchObject({ name: 'TerminalError', code });
  });

  it('a 429, or a refusal by a gateway, throws a retryable error: there is no batch', async () => {
    openAi.server.answerWith(json(429, REFUSAL, { 'retry-after': '7' }));
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError', afterSeconds: 7 });
    openAi.server.answerWith(html(400));
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('a batch is accepted, also wrapped and in capitals, as some vendors send it', async () => {
    openAi.server.answerWith(json(200, { job: { ...BATCH, status: 'VALIDATING' } }));
    expect(await create(openAi)).toMatchObject({ batchId: 'batch_1', status: 'validating' });
    expect(JSON.parse(openAi.server.requests[0]?.body ?? '')).toEqual({
      input_file_id: 'file-1',
      endpoint: '/v1/embeddings',
      completion_window: '24h',
      metadata: { a: 'b' },
    });
  });
});

describe('before anything was sent', () => {
  it('a refused connection throws a retryable error: there is no batch', async () => {
    const port = openAi.server.url;
    await openAi.server.close();
    openAi.api = openAi.apiAt(`${port}/v1`);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError' });
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server = await startScriptedServer();
  });

  it('an unknown host name, or a failed TLS handshake, throws a retryable error: there is no batch', async () => {
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
    for (const id of ['', '../files', 'a/b', 'a?b', 'a b', 'ü', 'x'.repeat(201)]) {
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
