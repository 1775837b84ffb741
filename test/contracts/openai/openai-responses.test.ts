import { describe, expect, it } from 'vitest';
import { BATCH, create, endless, openAiForEachTest, REFUSAL, upload } from './openai-under-test.ts';
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

describe('reading calls', () => {
  const transient: [string, ScriptedAnswer][] = [
    ['a reset', reset],
    ['a 503', json(503, {})],
    ['a 409', json(409, REFUSAL)],
    ['a 404 of a gateway', html(404)],
    ['an HTML page', html(200)],
    ['another batch', json(200, { ...BATCH, id: 'batch_2' })],
    ['JSON that breaks off', cutShort(200, 'application/json', JSON.stringify(BATCH))],
    ['JSON without end', (response) => endless(response)],
  ];
  it.each(transient)('throw a retryable error after %s', async (_, answer) => {
    openAi.server.answerWith(answer);
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('throw a retryable error after silence', async () => {
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`, { smallMs: 50 });
    openAi.server.answerWith(silence);
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
    openAi.server.answerWith(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
    );
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it.each([
    ['120', undefined, 120],
    ['0.5', undefined, 0.5],
    ['Sun, 01 Nov 2026 12:01:30 GMT', 'Sun, 01 Nov 2026 12:00:00 GMT', 90],
    ['Sun, 01 Nov 2026 12:00:00 GMT', 'Sun, 01 Nov 2026 12:01:00 GMT', 0],
    ['9999999999', undefined, 86_400],
    ['soon', undefined, 60],
    ['', undefined, 60],
  ])('throw a retryable error with the time of Retry-After "%s"', async (retryAfter, date, afterSeconds) => {
    openAi.server.answerWith(
      json(429, REFUSAL, { 'retry-after': retryAfter, ...(date === undefined ? {} : { date }) }),
    );
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({
      name: 'RetryableError',
      afterSeconds,
    });
  });

  it.each([400, 401, 403, 404, 405, 407, 413, 451])(
    'wait when something in front of the API returns %i',
    async (status) => {
      const answers: ScriptedAnswer[] = [
        html(status),
        json(status, { message: 'Forbidden' }),
        json(status, {}),
      ];
      for (const answer of answers) {
        openAi.server.answerWith(answer);
        await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({
          name: 'RetryableError',
          waitsFor: 'unreachable',
        });
      }
    },
  );

  it('follow no redirect', async () => {
    const elsewhere = await startScriptedServer();
    elsewhere.answerWith(json(200, BATCH));
    for (const status of [301, 302, 307, 308]) {
      openAi.server.answerWith(json(status, {}, { location: `${elsewhere.url}/v1/batches` }));
      await expect(openAi.api.retrieveBatch('batch_1')).rejects.toThrow(/redirects are not followed/);
      await expect(create(openAi)).rejects.toMatchObject({ name: 'Ambiguous' });
    }
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  it('are repeated once when an idle connection was closed', async () => {
    openAi.server.answerWith(json(200, BATCH), reset, json(200, BATCH));
    await openAi.api.retrieveBatch('batch_1');
    expect(await openAi.api.retrieveBatch('batch_1')).toMatchObject({ batchId: 'batch_1' });
    expect(openAi.server.requests).toHaveLength(3);
    openAi.server.answerWith(reset);
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
  });
});

describe('the key', () => {
  it('is sent only in its header', async () => {
    openAi.server.answerWith(json(200, BATCH));
    await openAi.api.retrieveBatch('batch_1');
    const [request] = openAi.server.requests;
    expect(request?.headers.authorization).toBe('Bearer sk-first');
    expect(JSON.stringify({ ...request, headers: { ...request?.headers, authorization: '' } })).not.toContain(
      'sk-first',
    );
  });

  it('is refreshed once when it is refused, with its organization and project', async () => {
    openAi.refreshedKey = { apiKey: 'sk-second', organization: 'org-1', project: 'proj-1' };
    openAi.server.answerWith(json(401, REFUSAL), json(200, BATCH));
    expect(await openAi.api.retrieveBatch('batch_1')).toMatchObject({ batchId: 'batch_1' });
    expect(openAi.server.requests[1]?.headers).toMatchObject({
      authorization: 'Bearer sk-second',
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
    });
    openAi.server.answerWith(json(401, REFUSAL));
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'NotAllowed' });
    expect(openAi.refreshes).toBe(2);
  });

  it('is not retried when the refreshed key is the same', async () => {
    openAi.server.answerWith(json(401, REFUSAL));
    await expect(openAi.api.retrieveBatch('batch_1')).rejects.toMatchObject({ name: 'NotAllowed' });
    expect(openAi.server.requests).toHaveLength(1);
  });

  it.each([401, 403])(
    'that the API refuses with %i is read again after a create, but the create is not repeated',
    async (status) => {
      openAi.server.answerWith(json(status, REFUSAL));
      await expect(create(openAi)).rejects.toMatchObject({ name: 'NotAllowed' });
      openAi.refreshedKey = { apiKey: 'sk-second' };
      await expect(create(openAi)).rejects.toMatchObject({ name: 'RetryableError', afterSeconds: 1 });
      expect(openAi.server.requests).toHaveLength(2);
      expect(openAi.refreshes).toBe(2);
    },
  );

  it('that is refused makes an upload retryable, because its stream can be read only once', async () => {
    openAi.refreshedKey = { apiKey: 'sk-second' };
    openAi.server.answerWith(json(401, REFUSAL));
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'RetryableError' });
    expect(openAi.server.requests).toHaveLength(1);
    openAi.server.answerWith(html(401));
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({
      name: 'RetryableError',
      waitsFor: 'unreachable',
    });
  });

  it('without the permission throws NotAllowed', async () => {
    openAi.server.answerWith(json(403, REFUSAL));
    await expect(create(openAi)).rejects.toMatchObject({ name: 'NotAllowed' });
    await expect(upload(openAi, '{}\n')).rejects.toMatchObject({ name: 'NotAllowed' });
  });

  it("is refused with the API's message, which contains nothing of the key", async () => {
    const word = {
      message: 'Incorrect API key provided: sk-fi***rst, Bearer sk-first. Missing scopes: batch.',
    };
    openAi.server.answerWith(json(403, { error: word }));
    const message = `HTTP 403: the key was refused: Incorrect API key provided: (key) Bearer (key). Missing scopes: batch.`;
    const retrieve = () => openAi.api.retrieveBatch('batch_1');
    for (const call of [() => create(openAi), () => upload(openAi, '{}\n'), retrieve])
      await expect(call()).rejects.toMatchObject({
        name: 'NotAllowed',
        message: expect.stringContaining(message),
      });
  });

  it('identifies its account by what the API says and by a fingerprint that does not contain the key', async () => {
    const page = { object: 'list', data: [], has_more: false };
    openAi.server.answerWith(json(200, page, { 'openai-organization': 'org-1' }));
    expect((await openAi.api.listBatches({ limit: 1 })).account).toMatch(/^org-1#key-[0-9a-f]{16}$/);
    openAi.server.answerWith(json(200, page, { 'openai-organization': 'org-1', 'openai-project': 'proj-1' }));
    expect((await openAi.api.listBatches({ limit: 1 })).account).toMatch(/^org-1\/proj-1#key-[0-9a-f]{16}$/);
    openAi.server.answerWith(json(200, page)); // some vendors state it in some responses only
    expect((await openAi.api.listBatches({ limit: 1 })).account).toMatch(/^org-1\/proj-1#key-[0-9a-f]{16}$/);
    openAi.api = openAi.apiAt(`${openAi.server.url}/v1`);
    const { account } = await openAi.api.listBatches({ limit: 1 });
    expect(account).toMatch(/^key-[0-9a-f]{16}$/);
    expect((await openAi.api.listBatches({ limit: 1 })).account).toBe(account);
  });
});

describe('a cancel', () => {
  it.each([400, 409, 422])('with the response %i is too late', async (status) => {
    openAi.server.answerWith(json(status, REFUSAL));
    expect(await openAi.api.cancelBatch('batch_1')).toBe('too_late');
  });

  it('that was accepted without a batch in the response makes the caller retrieve the batch', async () => {
    for (const answer of [json(200, {}), json(202, { ok: true }), raw(204, undefined, '')]) {
      openAi.server.answerWith(answer);
      expect(await openAi.api.cancelBatch('batch_1')).toBe('too_late');
    }
    openAi.server.answerWith(html(200));
    await expect(openAi.api.cancelBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('throws a retryable error when a gateway responds, but a 404 of the API means "unknown"', async () => {
    for (const status of [400, 404, 409, 502]) {
      openAi.server.answerWith(html(status));
      await expect(openAi.api.cancelBatch('batch_1')).rejects.toMatchObject({ name: 'RetryableError' });
    }
    openAi.server.answerWith(json(404, REFUSAL));
    expect(await openAi.api.cancelBatch('batch_1')).toBe('unknown');
  });
});
