import { describe, expect, it } from 'vitest';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { create, NEVER, openAiForEachTest, upload } from './openai-under-test.ts';
import { type ScriptedAnswer, silence } from './scripted-server.ts';

const openAi = openAiForEachTest();

const SHORT = { smallMs: 60, createMs: 60, silenceMs: 60, uploadedMs: 60 };

const headersOnly: ScriptedAnswer = (response) =>
  void response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 })
    .flushHeaders();

/** Sends one byte every few milliseconds, without end. */
const trickle: ScriptedAnswer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 5);
  response.once('close', () => clearInterval(timer));
};

const small: [string, (api: BatchApi, signal?: AbortSignal) => Promise<unknown>][] = [
  ['retrieve', (api, signal) => api.retrieveBatch('batch_1', signal)],
  ['list', (api, signal) => api.listBatches({ limit: 1 }, signal)],
  ['cancel', (api, signal) => api.cancelBatch('batch_1', signal)],
  ['file', (api, signal) => api.fileBytes('file-1', signal)],
  ['delete', (api, signal) => api.deleteFile('file-1', signal)],
];

const hanging: [string, ScriptedAnswer][] = [
  ['never answers', silence],
  ['sends only its headers', headersOnly],
  ['sends a byte now and then, forever', trickle],
];

describe.each(hanging)('a server that %s', (_, answer) => {
  it.each(small)('ends a small call: %s', async (_name, call) => {
    openAi.server.answerWith(answer);
    const ended = call(openAi.apiAt(`${openAi.server.url}/v1`, SHORT));
    await expect(ended).rejects.toMatchObject({ name: 'RetryableError', waitsFor: 'unreachable' });
  });

  it('ends a create, after which a batch may exist', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, SHORT);
    openAi.server.answerWith(answer);
    await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
  });

  it('ends an upload', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, SHORT);
    openAi.server.answerWith(answer);
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it("ends a call with its caller's signal", async () => {
    for (const [, call] of small) {
      const controller = new AbortController();
      openAi.server.answerWith((response, request) => {
        answer(response, request);
        controller.abort();
      });
      await expect(call(openAi.api, controller.signal)).rejects.toMatchObject({
        name: 'RetryableError',
        afterSeconds: 1, // the next invocation continues, so no try is counted
      });
    }
  });
});

describe('a file that is read', () => {
  it.each(
    [hanging[0], hanging[1]].flatMap((each) => each ?? []).filter((each) => typeof each === 'function'),
  )('ends after silence', async (answer) => {
    openAi.server.answerWith(answer);
    const api = openAi.apiAt(`${openAi.server.url}/v1`, SHORT);
    await expect(Array.fromAsync(api.readFile('file-1'))).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it("ends with its caller's signal, however much arrives", async () => {
    openAi.server.answerWith(trickle);
    const controller = new AbortController();
    const read = async () => {
      for await (const _ of openAi.api.readFile('file-1', controller.signal)) controller.abort();
    };
    await expect(read()).rejects.toMatchObject({ name: 'RetryableError' });
  });
});

describe('a key that is never read', () => {
  const never = () => new Promise<never>(() => {});
  const apiWithout = () => {
    const keys = { current: never, refresh: never };
    return createOpenAiBatchApi({ baseUrl: `${openAi.server.url}/v1`, keys, deadlines: SHORT });
  };

  it.each(small)('ends a small call: %s', async (_, call) => {
    await expect(call(apiWithout())).rejects.toMatchObject({
      name: 'RetryableError',
      waitsFor: 'unreachable',
    });
  });

  it('ends a create before anything was sent', async () => {
    openAi.api = apiWithout();
    await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError', waitsFor: 'unreachable' });
    expect(openAi.server.requests).toEqual([]);
  });

  it('ends no other call, because each has its own time', async () => {
    openAi.server.answerWith(silence);
    const api = openAi.apiAt(`${openAi.server.url}/v1`, { smallMs: 60 });
    const calls = small.map(([, call]) => call(api, NEVER));
    for (const result of await Promise.allSettled(calls)) expect(result.status).toBe('rejected');
  });
});
