import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../storage/bytes.ts';
import { endless, NEVER, openAiForEachTest, REFUSAL, upload } from './openai-under-test.ts';
import { cutShort, html, json, raw, reset, type ScriptedAnswer } from './scripted-server.ts';

const openAi = openAiForEachTest();

describe('a file', () => {
  it('is sent as one multipart form of exactly the announced length', async () => {
    openAi.server.answerWith(json(200, { id: 'file-9', object: 'file', bytes: 6 }));
    expect(await upload(openAi, '{}\n{}\n')).toMatchObject({ fileId: 'file-9' });
    const [request] = openAi.server.requests;
    expect(Number(request?.headers['content-length'])).toBe(request?.body.length);
    expect(request?.body).toMatch(/name="purpose"\r\n\r\nbatch\r\n/);
    expect(request?.body).toMatch(/name="file"; filename="part-1.jsonl"\r\n.*\r\n\r\n\{\}\n\{\}\n\r\n--/);
  });

  it('that arrived incomplete, or got an unexpected response, does not count as uploaded', async () => {
    openAi.server.answerWith(
      json(200, { id: 'file-9', object: 'file', bytes: 5 }),
      json(200, { id: 'file-9', deleted: true }),
    );
    await expect(upload(openAi, '{}\n{}\n')).rejects.toThrow(
      /5 of 6 bytes arrived, in file-9, which was deleted/,
    );
    expect(openAi.server.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/files/file-9' });
    openAi.server.answerWith(json(200, { id: 'file-9', bytes: 7 }), html(502));
    await expect(upload(openAi, '{}\n{}\n')).rejects.toThrow(
      /7 of 6 bytes arrived, in file-9, which was not deleted/,
    );
    openAi.server.answerWith(html(200));
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server.answerWith(reset);
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it.each([
    ['the API', json(413, { error: { message: 'Too large.', code: 'file_too_large' } }), 'file_too_large'],
    ['a proxy', html(413), 'too_large'],
    ['an API gateway', json(413, { message: 'Payload Too Large' }), 'too_large'],
    ['a response without a message', raw(413, undefined, ''), 'too_large'],
  ])('that is too large fails at once, whoever refuses it: %s', async (_, answer, code) => {
    openAi.server.answerWith(answer);
    const refused = upload(openAi, '{}\n');
    await expect(refused).rejects.toMatchObject({ name: 'TerminalError', code });
    await expect(refused).rejects.toThrow(/HTTP 413/);
  });

  it('needs only an id', async () => {
    const date = 'Sun, 01 Nov 2026 12:00:00 GMT';
    openAi.server.answerWith(json(201, { id: 'file-9', created_at: '2026-11-01T11:00:00Z' }, { date }));
    expect(await upload(openAi, '{}\n')).toMatchObject({
      fileId: 'file-9',
      createdAt: Date.UTC(2026, 10, 1, 11),
      answeredAt: Date.parse(date),
    });
    for (const body of [{ bytes: 3 }, { id: 'a/b' }, { id: 7 }, []]) {
      openAi.server.answerWith(json(200, body));
      await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
    }
  });

  it('has a length only if the API states it', async () => {
    for (const [body, bytes] of [
      [{ id: 'file-1', object: 'file', bytes: 7 }, 7],
      [{ bytes: 7 }, 7],
      [{ id: 'file-1' }, undefined],
      [{ id: 'file-1', bytes: 'many' }, undefined],
    ] as const) {
      openAi.server.answerWith(json(200, body));
      expect(await openAi.api.fileBytes('file-1')).toBe(bytes);
    }
    openAi.server.answerWith(json(200, { id: 'file-2', bytes: 7 }));
    await expect(openAi.api.fileBytes('file-1')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('that is refused while it is sent fails at once', async () => {
    const early = createHttpServer((_, response) => {
      response.writeHead(413, { 'content-type': 'application/json' }).end(JSON.stringify(REFUSAL));
    });
    early.listen(0, '127.0.0.1');
    await once(early, 'listening');
    const address = early.address();
    openAi.api = openAi.apiAt(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}\n');
      await new Promise(() => {}); // forever
    }
    const sent = openAi.api.uploadFile({ name: 'p.jsonl', bytes: 100, body: body() }, NEVER);
    await expect(sent).rejects.toMatchObject({ name: 'TerminalError' });
    early.closeAllConnections();
    early.close();
  });

  it('fails at once when it is aborted, even while its source hangs', async () => {
    const controller = new AbortController();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{}\n');
      controller.abort();
      await new Promise(() => {}); // forever
    }
    const sent = openAi.api.uploadFile({ name: 'p.jsonl', bytes: 100, body: body() }, controller.signal);
    await expect(sent).rejects.toMatchObject({ name: 'RetryableError' });
    expect(openAi.server.requests).toEqual([]); // the request was never complete
  });

  it('that breaks off while it is read throws a retryable error', async () => {
    for (const answer of [
      cutShort(200, 'application/octet-stream', 'half'),
      chunkedCutShort,
      reset,
      html(502),
    ]) {
      openAi.server.answerWith(answer);
      await expect(bytesOf(openAi.api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryableError' });
    }
  });

  it('that stops sending while it is read throws a retryable error', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, { silenceMs: 50 });
    openAi.server.answerWith(
      (response) => void response.writeHead(200, { 'content-length': 10 }).write('half'),
    );
    await expect(bytesOf(openAi.api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('counts as gone only when the API says so', async () => {
    openAi.server.answerWith(json(404, { detail: 'File not found' }));
    await expect(openAi.api.fileBytes('file-1')).rejects.toMatchObject({ code: 'file_gone' });
    openAi.server.answerWith(raw(204, undefined, ''));
    expect(await openAi.api.deleteFile('file-1')).toMatchObject({ was: 'deleted' });
    openAi.server.answerWith(json(404, REFUSAL));
    const gone = { name: 'TerminalError', code: 'file_gone' };
    await expect(bytesOf(openAi.api.readFile('file-1'))).rejects.toMatchObject(gone);
    await expect(openAi.api.fileBytes('file-1')).rejects.toMatchObject(gone);
    expect(await openAi.api.deleteFile('file-1')).toMatchObject({ was: 'gone' });
    openAi.server.answerWith(html(404));
    await expect(bytesOf(openAi.api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryableError' });
    await expect(openAi.api.deleteFile('file-1')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server.answerWith(json(200, { id: 'file-1', object: 'file', deleted: false }));
    await expect(openAi.api.deleteFile('file-1')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('closes its connection when the reader stops', async () => {
    const closed = new Promise((resolve) => {
      openAi.server.answerWith((response, request) => {
        request.socket.once('close', resolve);
        endless(response);
      });
    });
    for await (const piece of openAi.api.readFile('file-1')) {
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
