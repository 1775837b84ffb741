import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../storage/bytes.ts';
import { endless, NEVER, openAiForEachTest, REFUSAL, upload } from './openai-under-test.ts';
import { cutShort, html, json, reset, type ScriptedAnswer } from './scripted-server.ts';

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

  it('that arrived incomplete, or got an unexpected answer, does not count as uploaded', async () => {
    openAi.server.answerWith(json(200, { id: 'file-9', object: 'file', bytes: 5 }));
    await expect(upload(openAi, '{}\n{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server.answerWith(html(200));
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server.answerWith(json(413, REFUSAL));
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'TerminalError' });
    openAi.server.answerWith(reset);
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
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
      await new Promise(() => {}); // for ever
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
      await new Promise(() => {}); // for ever
    }
    const sent = openAi.api.uploadFile({ name: 'p.jsonl', bytes: 100, body: body() }, controller.signal);
    await expect(sent).rejects.toMatchObject({ name: 'RetryableError' });
    expect(openAi.server.requests).toEqual([]); // it was never complete
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
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, 50);
    openAi.server.answerWith(
      (response) => void response.writeHead(200, { 'content-length': 10 }).write('half'),
    );
    await expect(bytesOf(openAi.api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('counts as gone only when the API says so', async () => {
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
