import { inspect } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../bin/operations/finding.ts';
import {
  disableWebhooks,
  enableWebhooks,
  rotateWebhookSecret,
} from '../../../bin/operations/webhook/registration.ts';
import { type WebhookSetup, withWebhookSetup } from '../../../bin/operations/webhook/setup.ts';
import { proveWebhooks } from '../../../bin/operations/webhook/test-event.ts';
import { PROFILES } from '../../../local/openai/profiles/profiles.ts';
import { type DecideFault, withFaults } from '../../fakes/faulty.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { API_KEY, WEBHOOK_SECRET, WebhookStack } from './webhook-stack.ts';

const ENDS = ['batch.completed', 'batch.failed', 'batch.expired', 'batch.cancelled'] as const;
const DAY = 24 * 3_600_000;

let stack: WebhookStack;
const environment = { ...process.env };

beforeEach(async () => {
  stack = await WebhookStack.open();
  Object.assign(process.env, stack.environment);
});

afterEach(async () => {
  await stack.close();
});

afterAll(() => {
  process.env = environment;
});

async function webhook(...args: string[]) {
  const run = await stack.cli('webhook', ...args);
  // No output contains a key or a signing secret.
  expect(run.stdout + run.stderr).not.toContain(API_KEY);
  expect(run.stdout + run.stderr).not.toContain('whsec_');
  return run;
}

async function stored() {
  const client = new SecretsManagerClient(clientConfig(stack.environment.AWS_ENDPOINT_URL ?? ''));
  const { SecretString = '' } = await client
    .send(new GetSecretValueCommand({ SecretId: WEBHOOK_SECRET }))
    .finally(() => client.destroy());
  return JSON.parse(SecretString);
}

async function findings(...args: string[]): Promise<{ code: number | null; by: Map<string, Finding> }> {
  const { code, stdout } = await webhook('status', '--json', ...args);
  const { findings: found, url } = JSON.parse(stdout);
  expect(url).toBe(stack.url);
  const all: Finding[] = found;
  return { code, by: new Map(all.map((finding) => [finding.check, finding])) };
}

/** Runs `work` with the setup of the stack. */
async function inStack<T>(work: (setup: WebhookSetup) => Promise<T>): Promise<T> {
  const connection = await stack.connect();
  try {
    return await withWebhookSetup(connection, work);
  } finally {
    connection.close();
  }
}

describe('batchdrop webhook', () => {
  it('enables, proves, rotates and disables the webhooks of a deployed stack', async () => {
    const before = await findings();
    expect(before.code).toBe(1);
    expect(before.by.get('webhook')).toMatchObject({
      verdict: 'failed',
      found: expect.stringContaining(stack.url),
      advice: expect.stringContaining('batchdrop webhook enable'),
    });
    expect(before.by.get('webhook secret')?.verdict).toBe('failed');

    const enabled = await webhook('enable');
    expect(enabled).toMatchObject({ code: 0, stderr: '' });
    expect(enabled.stdout).toContain(`sends the ends of batches to ${stack.url}`);
    const [endpoint, ...others] = await stack.endpoints();
    expect(others).toEqual([]);
    expect(endpoint).toMatchObject({ name: 'Batchdrop Batchdrop.Batchdrop', event_types: ENDS });
    const unproven = await findings();
    expect(unproven.code).toBe(0);
    expect(unproven.by.get('last webhook')).toMatchObject({
      verdict: 'note',
      advice: 'To test the whole path: batchdrop webhook test',
    });

    const proven = await webhook('test', '--json');
    expect(proven).toMatchObject({ code: 0, stderr: '' });
    const { seenAt } = JSON.parse(proven.stdout);
    expect(Math.abs(Date.now() - Date.parse(seenAt))).toBeLessThan(60_000);
    const working = await findings();
    expect([...working.by.values()].map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
    expect(working.by.get('last webhook')?.found).toMatch(/ UTC, 0:\d\d ago$/);

    const first = (await stored()).secrets[0].secret;
    expect(await webhook('rotate')).toMatchObject({ code: 0, stderr: '' });
    const { secrets } = await stored();
    expect(secrets).toEqual([
      { secret: expect.stringMatching(/^whsec_/), endpoint: endpoint?.id, hint: expect.any(String) },
      expect.objectContaining({ secret: first, until: expect.any(String) }),
    ]);
    expect(secrets[0].secret).not.toBe(first);
    expect((await findings()).by.get('webhook secret')?.found).toMatch(/and an old one until [-\d: ]+ UTC$/);
    // One instance of WEBHOOK knows only the old secret, and one has read both.
    expect((await webhook('test')).code).toBe(0);
    stack.startAnotherInstance();
    expect((await webhook('test')).code).toBe(0);

    const disabled = await webhook('disable');
    expect(disabled).toMatchObject({ code: 0, stderr: '' });
    expect(disabled.stdout).toContain(`Deleted the secret ${WEBHOOK_SECRET}.`);
    expect(await stack.endpoints()).toEqual([]);
    await expect(stored()).rejects.toThrow(expect.objectContaining({ name: 'ResourceNotFoundException' }));
    expect((await webhook('disable')).stdout).toContain('Webhooks were not enabled.');
  });

  it('is one of the checks of the doctor', async () => {
    const doctor = async () => {
      const all: Finding[] = JSON.parse((await stack.cli('doctor', '--json')).stdout);
      return all.filter(({ check }) => check.includes('webhook'));
    };
    expect((await doctor()).map(({ verdict }) => verdict)).toEqual(['failed', 'failed', 'note']);
    await inStack(enableWebhooks);
    await inStack(proveWebhooks);
    expect((await doctor()).map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      'webhook ok',
      'webhook secret ok',
      'last webhook ok',
    ]);
  });

  it('says what is missing before webhooks are enabled, and which actions there are', async () => {
    for (const action of ['test', 'rotate']) {
      const { code, stderr } = await webhook(action);
      expect(code, action).toBe(1);
      expect(stderr).toContain('First run: batchdrop webhook enable');
    }
    const { code, stderr } = await webhook('nonsense');
    expect(code).toBe(2);
    expect(stderr).toContain('enable, status, test, rotate, disable');
  });
});

describe('enable', () => {
  it('changes nothing when it is repeated', async () => {
    await inStack(enableWebhooks);
    const [endpoint, before] = [await stack.endpoints(), await stored()];
    const { stdout } = await webhook('enable', '--json');
    expect(JSON.parse(stdout)).toEqual({
      url: stack.url,
      endpointId: endpoint[0]?.id,
      created: false,
      rotated: false,
      changedEventTypes: false,
      removedEndpoints: 0,
    });
    expect([await stack.endpoints(), await stored()]).toEqual([endpoint, before]);
  });

  it("makes a new secret if the endpoint's secret is lost, and keeps one that was stored by hand for a day", async () => {
    const made = await stack.openai.webhooks.create({
      name: 'by hand',
      url: stack.url.slice(0, -1),
      event_types: ['batch.completed', 'response.completed'],
    });
    stack.engines.secrets.putSecret(WEBHOOK_SECRET, made.signing_secret);
    // It may be the right one, which only a test can show.
    expect((await findings()).by.get('webhook secret')).toMatchObject({
      verdict: 'note',
      found: expect.stringContaining('stored by hand'),
    });
    const { code, stdout } = await webhook('enable');
    expect(code).toBe(0);
    expect(stdout).toContain(`Stored a new signing secret of ${made.id}`);
    expect(stdout).toContain(`${made.id} now sends all four ends of batches.`);
    const [endpoint] = await Array.fromAsync(stack.openai.webhooks.list());
    expect(endpoint?.event_types).toEqual(['batch.completed', 'response.completed', ...ENDS.slice(1)]);
    const { secrets, createdBy } = await stored();
    expect(secrets[1]).toMatchObject({ secret: made.signing_secret });
    expect(Date.parse(secrets[1].until) - Date.now()).toBeGreaterThan(DAY - 60_000);
    expect(createdBy).toBeUndefined();
    expect((await webhook('test')).code).toBe(0);
    expect((await webhook('disable')).stdout).toContain('Removed the signing secrets from');
    expect(await stored()).toEqual({ secrets: [] });
  });

  it('leaves the endpoints of other URLs alone, and deletes others with the same URL', async () => {
    const event_types = ['batch.completed'] as ['batch.completed'];
    const elsewhere = { name: 'elsewhere', url: 'https://example.com/hook', event_types };
    await stack.openai.webhooks.create(elsewhere);
    await inStack(enableWebhooks);
    const [ours] = await stack.endpoints();
    await stack.openai.webhooks.create({ name: 'twice', url: stack.url, event_types });
    const { code, by } = await findings();
    expect(code).toBe(1);
    expect(by.get('webhook')?.found).toContain('2 endpoints');
    expect((await webhook('rotate')).stderr).toContain('First run: batchdrop webhook enable');
    expect((await webhook('enable')).stdout).toContain('Deleted 1 other endpoint with the same URL.');
    expect((await stack.endpoints()).map(({ id }) => id)).toEqual([ours?.id]);
    await inStack(disableWebhooks);
    expect(await Array.fromAsync(stack.openai.webhooks.list())).toMatchObject([elsewhere]);
  });

  it('does not replace the signing secret of another stack, which has the same secret by default', async () => {
    const other = await stack.openai.webhooks.create({
      name: 'Batchdrop Other.Batchdrop',
      url: 'https://other.example.com/',
      event_types: ['batch.completed'],
    });
    const secrets = [{ secret: other.signing_secret, endpoint: other.id }];
    const its = { secrets, createdBy: 'batchdrop webhook enable' };
    stack.engines.secrets.putSecret(WEBHOOK_SECRET, JSON.stringify(its));
    const { code, stderr } = await webhook('enable');
    expect(code).toBe(1);
    expect(stderr).toContain('of another URL, https://other.example.com/.');
    expect(stderr).toContain('-c webhookSecretName=NAME');
    expect(await stack.endpoints()).toEqual([]);
    expect((await webhook('disable')).stdout).toContain('Webhooks were not enabled.');
    expect(await stored()).toEqual(its);
    // A stack that no longer exists does not stand in the way once its endpoint is deleted.
    await stack.openai.webhooks.delete(other.id);
    expect((await webhook('enable')).code).toBe(0);
  });

  it('leaves at most two endpoints when it runs twice at once, and the next run keeps one of them', async () => {
    await Promise.allSettled([inStack(enableWebhooks), inStack(enableWebhooks)]);
    await inStack(enableWebhooks);
    expect(await stack.endpoints()).toHaveLength(1);
    stack.startAnotherInstance();
    await inStack(proveWebhooks);
  });

  it('finds the endpoint behind more than one page of others', async () => {
    await inStack(enableWebhooks);
    for (let nth = 0; nth < 101; nth += 1) {
      const url = `https://example.com/${nth}`;
      await stack.openai.webhooks.create({ name: 'other', url, event_types: ['batch.completed'] });
    }
    expect(await inStack(enableWebhooks)).toMatchObject({ created: false, rotated: false });
  });
});

describe('the secret', () => {
  it.each(['{"secrets":"whsec_x"}', '{"secrets":[{"secret":"whsec_eA==","until":"soon"}]}'])(
    'is reported by status, never shown, and replaced by enable if it is unreadable: %s',
    async (text) => {
      await inStack(enableWebhooks);
      stack.engines.secrets.putSecret(WEBHOOK_SECRET, text);
      const { code, by } = await findings();
      expect(code).toBe(1);
      expect(by.get('webhook secret')?.verdict).toBe('failed');
      expect((await webhook('enable')).stdout).toContain('Stored a new signing secret');
      expect((await webhook('test')).code).toBe(0);
    },
  );

  it('is recognised by its hint as one of an earlier rotation', async () => {
    await inStack(enableWebhooks);
    const [endpoint] = await stack.endpoints();
    await stack.openai.webhooks.rotateSecret(endpoint?.id ?? '');
    const { code, by } = await findings();
    expect(code).toBe(1);
    expect(by.get('webhook secret')?.found).toContain('does not contain the newest secret');
    expect((await webhook('test')).stderr).toMatch(/returned 401\. WEBHOOK does not know the signing secret/);
    expect(await inStack(enableWebhooks)).toMatchObject({ rotated: true });
  });
});

describe('test', () => {
  it.each([401, 403, 404, 429, 500, 503])(
    'fails when the URL answers %s, and says what to do',
    async (status) => {
      await inStack(enableWebhooks);
      stack.answersWith = status;
      const { code, stderr } = await webhook('test');
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`returned ${status}\\. \\S.{10,}`));
    },
  );

  it('fails when another program than WEBHOOK returns 200', async () => {
    await inStack(enableWebhooks);
    await inStack(proveWebhooks); // an older webhook proves nothing
    stack.answersWith = 200;
    const { code, stderr } = await webhook('test');
    expect(code).toBe(1);
    expect(stderr).toContain('but the ledger shows no new webhook');
  });

  it('succeeds although another webhook was noted just before', async () => {
    await inStack(enableWebhooks);
    const times = new Set<number>();
    for (let nth = 0; nth < 3; nth += 1) times.add((await inStack(proveWebhooks)).seenAt);
    expect(times.size).toBe(3);
  });
});

describe('each command', () => {
  type Command = 'enable' | 'rotate' | 'disable';
  const commands: Record<Command, (setup: WebhookSetup) => Promise<unknown>> = {
    enable: enableWebhooks,
    rotate: rotateWebhookSecret,
    disable: disableWebhooks,
  };

  /**
   * Runs a command that crashes at its `nth` call, before or after the call's effect. Returns whether it made that many
   * calls.
   */
  async function interrupted(
    command: Command,
    nth: number,
    when: 'failBefore' | 'failAfter',
  ): Promise<boolean> {
    let calls = 0;
    const dying: DecideFault = (method) => {
      if (method === 'close') return 'ok';
      calls += 1;
      if (calls < nth) return 'ok';
      const failure = new Error('the process died');
      return calls === nth && when === 'failAfter' ? { failAfter: failure } : { failBefore: failure };
    };
    const run = inStack((setup) =>
      commands[command]({
        ...setup,
        endpoints: withFaults(setup.endpoints, dying),
        secret: withFaults(setup.secret, dying),
      }),
    );
    await run.catch((error: unknown) => expect(inspect(error)).toContain('the process died'));
    return calls >= nth;
  }

  it.each(Object.keys(commands) as Command[])(
    '%s has the right result when it is repeated after a crash at any call',
    async (command) => {
      let deaths = 0;
      for (const when of ['failBefore', 'failAfter'] as const) {
        for (let nth = 1; ; nth += 1) {
          if (command === 'enable') await inStack(disableWebhooks);
          else await inStack(enableWebhooks);
          if (!(await interrupted(command, nth, when))) break;
          deaths += 1;
          await inStack(commands[command]);
          const endpoints = await stack.endpoints();
          expect(endpoints, `${command} ${when} ${nth}`).toHaveLength(command === 'disable' ? 0 : 1);
          if (command === 'disable') {
            await expect(stored()).rejects.toThrow();
            continue;
          }
          stack.startAnotherInstance();
          await inStack(proveWebhooks);
          const [current, ...old] = (await stored()).secrets;
          expect(current).toMatchObject({ endpoint: endpoints[0]?.id });
          expect(current).not.toHaveProperty('until');
          for (const each of old) expect(each).toHaveProperty('until');
        }
      }
      expect(deaths).toBeGreaterThanOrEqual(6);
    },
  );

  it('rotate leaves the path working wherever it crashes', async () => {
    await inStack(enableWebhooks);
    for (const when of ['failBefore', 'failAfter'] as const) {
      for (let nth = 1; await interrupted('rotate', nth, when); nth += 1) {
        stack.startAnotherInstance();
        await inStack(proveWebhooks);
        await inStack(enableWebhooks);
      }
    }
  });
});

describe('an API without calls that manage webhooks', () => {
  let other: WebhookStack;
  beforeAll(async () => {
    other = await WebhookStack.open({ profile: PROFILES.groq });
  });
  afterAll(() => other.close());

  it('makes enable store nothing, print what to enter by hand, and fail', async () => {
    const { code, stdout, stderr } = await other.cli('webhook', 'enable');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    for (const part of ['has no calls that manage webhooks', other.url, ...ENDS, WEBHOOK_SECRET])
      expect(stderr).toContain(part);
    const inJson = await other.cli('webhook', 'enable', '--json');
    expect(inJson).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(inJson.stdout)).toMatchObject({
      managed: false,
      url: other.url,
      eventTypes: ENDS,
      secret: WEBHOOK_SECRET,
    });
    for (const action of ['test', 'rotate', 'disable']) {
      const run = await other.cli('webhook', action);
      expect(run.code, action).toBe(1);
      expect(run.stderr, action).toContain('By hand:');
    }
  });

  it('still has a status, with the secret that was stored by hand and the last webhook', async () => {
    const status = async () => JSON.parse((await other.cli('webhook', 'status', '--json')).stdout);
    expect(await status()).toMatchObject({ working: false });
    other.engines.secrets.putSecret(WEBHOOK_SECRET, `whsec_${Buffer.from('by hand').toString('base64')}`);
    expect(await status()).toMatchObject({
      working: true,
      findings: [{ check: 'webhook', verdict: 'note' }, { verdict: 'ok' }, { verdict: 'note' }],
    });
  });
});

describe('a key that may not manage webhooks', () => {
  it('is reported, and webhooks can be set up by hand', async () => {
    stack.engines.secrets.putSecret('batchdrop/openai', 'sk-of-somebody-else');
    const { code, stderr } = await webhook('enable');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The key cannot manage webhooks \(.*the key was refused: .+\)\. By hand:$/m);
    expect(stderr).toContain(stack.url);
    expect(stderr).not.toContain('sk-of-somebody-else');
  });
});
