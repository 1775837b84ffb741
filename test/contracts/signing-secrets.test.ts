import { inspect } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretSigningSecrets } from '../../functions/shared/adapters/openai/signing-secrets.ts';
import { NotAllowed } from '../../functions/shared/domain/errors.ts';
import { startEndpoint } from '../../local/aws/protocol/endpoint.ts';
import { SecretsEngine } from '../../local/aws/secretsmanager/engine.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { NOON } from './samples.ts';

const MINUTE = 60_000;
const environment = { ...process.env };
afterAll(() => {
  process.env = environment;
});

describe('the signing secrets in Secrets Manager', () => {
  let clock: ManualClock;
  let stored: SecretsEngine;
  let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
  const source = () => createSecretSigningSecrets({ secretId: 'batchdrop/webhook', clock });
  const store = (value: unknown) =>
    stored.putSecret('batchdrop/webhook', typeof value === 'string' ? value : JSON.stringify(value));
  beforeEach(async () => {
    clock = new ManualClock(NOON);
    stored = new SecretsEngine({ clock });
    endpoint = await startEndpoint({ services: [stored], port: 0 });
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: endpoint.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'LOCAL',
      AWS_SECRET_ACCESS_KEY: 'local',
    });
  });
  afterEach(() => endpoint.close());

  it('are one text, or a list in which some expire', async () => {
    store(' whsec_one\n');
    expect(await source().current()).toEqual(['whsec_one']);
    const until = new Date(NOON + MINUTE).toISOString();
    store({ secrets: [{ secret: 'whsec_new' }, { secret: 'whsec_old', until }] });
    const rotated = source();
    expect(await rotated.current()).toEqual(['whsec_new', 'whsec_old']);
    clock.advance(MINUTE);
    expect(await rotated.current()).toEqual(['whsec_new']);
  });

  it('are read again after a signature that matches none, at most once a minute', async () => {
    store('whsec_one');
    const secrets = source();
    await secrets.current();
    store('whsec_two');
    expect(await secrets.afterRefusal()).toEqual([]);
    clock.advance(MINUTE);
    expect(await secrets.afterRefusal()).toEqual(['whsec_two']);
    store('whsec_three');
    expect(await secrets.afterRefusal()).toEqual([]);
    expect(await secrets.current()).toEqual(['whsec_two']);
  });

  it('that are missing throw NotAllowed', async () => {
    await expect(source().current()).rejects.toBeInstanceOf(NotAllowed);
  });

  it.each([
    '{"secrets":"whsec_x"}',
    '{"secrets":[{"key":"whsec_x"}]}',
    '{"secrets":[{"secret":"whsec_x","until":"soon"}]}',
    '{"secrets":[{"secret":"whsec_x"',
  ])('in an invalid format throw NotAllowed, and are never shown: %s', async (text) => {
    store(text);
    const refused = await source()
      .current()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(NotAllowed);
    expect(inspect(refused)).not.toContain('whsec_');
  });
});
