import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretApiKey } from '../../functions/shared/adapters/openai/secret-api-key.ts';
import { NotAllowed } from '../../functions/shared/domain/errors.ts';
import { startEndpoint } from '../../local/aws/protocol/endpoint.ts';
import { SecretsEngine } from '../../local/aws/secretsmanager/engine.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import {
  json,
  type ScriptedAnswer,
  type ScriptedServer,
  silence,
  startScriptedServer,
} from './openai/scripted-server.ts';
import { NOON } from './samples.ts';

const environment = { ...process.env };
afterAll(() => {
  process.env = environment;
});

/** As in a function, the client reads the address and the credentials from the environment. */
function pointTo(endpoint: string): void {
  process.env.AWS_ENDPOINT_URL = endpoint;
  process.env.AWS_REGION = 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = 'LOCAL';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
}

describe('the key in Secrets Manager', () => {
  const clock = new ManualClock(NOON);
  const keys = () => createSecretApiKey({ secretId: 'batchdrop/openai', clock });
  let secrets: SecretsEngine;
  let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
  beforeEach(async () => {
    secrets = new SecretsEngine({ clock });
    endpoint = await startEndpoint({ services: [secrets], port: 0 });
    pointTo(endpoint.url);
  });
  afterEach(() => endpoint.close());

  it('is plain text, or JSON with organization and project', async () => {
    secrets.putSecret('batchdrop/openai', ' sk-bare\n');
    expect(await keys().current()).toEqual({ apiKey: 'sk-bare' });
    const fields = { apiKey: 'sk-json', organization: 'org-1', project: '', webhookSecret: 'whsec_x' };
    secrets.putSecret('batchdrop/openai', JSON.stringify(fields));
    expect(await keys().current()).toEqual({ apiKey: 'sk-json', organization: 'org-1' });
  });

  it('is cached for five minutes, unless it is refreshed', async () => {
    secrets.putSecret('batchdrop/openai', 'sk-1');
    const source = keys();
    await source.current();
    secrets.putSecret('batchdrop/openai', 'sk-2');
    clock.advance(5 * 60_000 - 1);
    expect(await source.current()).toEqual({ apiKey: 'sk-1' });
    clock.advance(1);
    expect(await source.current()).toEqual({ apiKey: 'sk-2' });
    secrets.putSecret('batchdrop/openai', 'sk-3');
    expect(await source.refresh()).toEqual({ apiKey: 'sk-3' });
    expect(await source.current()).toEqual({ apiKey: 'sk-3' });
  });

  it('that is missing throws NotAllowed, and is read again the next time', async () => {
    const source = keys();
    await expect(source.current()).rejects.toMatchObject({ name: 'NotAllowed' });
    secrets.putSecret('batchdrop/openai', 'sk-late');
    expect(await source.current()).toEqual({ apiKey: 'sk-late' });
  });

  it.each(['{"apiKey":""}', '{"key":"sk-x"}', '{"apiKey":"sk-x', 'sk-x and more', 'sk-ü', '{"apiKey":7}'])(
    'in an invalid format throws NotAllowed, and is never shown: %s',
    async (secret) => {
      secrets.putSecret('batchdrop/openai', secret);
      const refused = await keys()
        .current()
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(NotAllowed);
      expect(inspect(refused)).not.toMatch(/sk-|"key"/);
    },
  );
});

const headersOnly: ScriptedAnswer = (response) =>
  void response.writeHead(200, { 'content-length': 1_000 }).flushHeaders();

describe('reading the key', () => {
  const source = () => createSecretApiKey({ secretId: 'openai', clock: new ManualClock(NOON) });
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await startScriptedServer();
    pointTo(server.url);
    process.env.AWS_MAX_ATTEMPTS = '1';
  });
  afterEach(() => server.close());

  it('throws NotAllowed when Secrets Manager denies access', async () => {
    server.answerWith(json(400, { __type: 'AccessDeniedException', message: 'No.' }));
    await expect(source().current()).rejects.toMatchObject({ name: 'NotAllowed' });
  });

  it('throws a retryable error when Secrets Manager never responds, or sends only its headers', async () => {
    const hanging = createSecretApiKey({ secretId: 'openai', clock: new ManualClock(NOON), readMs: 1_500 });
    for (const answer of [silence, headersOnly]) {
      server.answerWith(answer);
      const unreachable = { name: 'RetryableError', waitsFor: 'unreachable' };
      await expect(hanging.current()).rejects.toMatchObject(unreachable);
    }
    server.answerWith(json(200, { SecretString: 'sk-1' }));
    expect(await hanging.current()).toEqual({ apiKey: 'sk-1' });
  });

  it('throws NotAllowed for any error that a person has to fix, whatever its name', async () => {
    server.answerWith(json(400, { __type: 'ValidationException', message: 'No.' }));
    await expect(source().current()).rejects.toMatchObject({ name: 'NotAllowed' });
  });

  it('throws a retryable error when Secrets Manager fails', async () => {
    server.answerWith(json(500, { __type: 'InternalServiceError' }));
    await expect(source().current()).rejects.toMatchObject({ name: 'RetryableError' });
  });

  it('calls Secrets Manager once for several readers at the same time', async () => {
    server.answerWith(json(200, { SecretString: 'sk-1' }));
    const one = source();
    await Promise.all([one.current(), one.current(), one.current()]);
    expect(server.requests).toHaveLength(1);
  });
});
