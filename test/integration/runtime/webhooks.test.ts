import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { type AuditEntry, readAudit } from '../../../local/openai/audit-log.ts';
import { parseFaultPlan } from '../../../local/openai/faults/faults-file.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { newSecret, signedHeaders } from '../../../local/openai/webhooks/send-webhook.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { ChildRuntime } from '../child-runtime.ts';

const FILE = chatRows(3, 'webhook');
const EVENT = JSON.stringify({
  ...{ id: 'evt_1', object: 'event', type: 'batch.completed', created_at: 1_790_000_000 },
  data: { id: 'batch_0123456789abcdef' },
});

let assembly: string;
let runtime: RecordedRuntime;

beforeAll(async () => {
  // POLL observes so seldom that no tick can find an end in the moment before its webhook is handled.
  assembly = await synthesizedStack({ context: { webhook: 'yes', observeMinutes: '30' } });
  runtime = await RecordedRuntime.start(assembly);
}, 60_000);

afterAll(() => runtime?.close());

const taken = (audit: AuditEntry[]) =>
  audit.filter((entry) => entry.event === 'webhook.sent' && entry.status === 200);
const webhookUrl = () => runtime.names.webhookUrl ?? expect.fail('the stack has no URL');
const ledgerCalls = () =>
  runtime.decisions.filter(
    ({ request: { action, principal } }) =>
      action.startsWith('dynamodb:') &&
      principal.kind === 'role' &&
      principal.sessionName.includes('-webhooks-'),
  ).length;

function send(body: string, headers: Record<string, string> = {}, method = 'POST'): Promise<Response> {
  return fetch(webhookUrl(), { method, headers, ...(method === 'POST' && { body }) });
}

describe('WEBHOOK on one machine', () => {
  it('refuses requests that the API did not sign, before it calls the ledger', async () => {
    const before = ledgerCalls();
    const sign = (at: number) => signedHeaders('wh_1', EVENT, { secrets: [newSecret()], at });
    expect((await send(EVENT)).status).toBe(401);
    expect((await send(EVENT, sign(Date.now()))).status).toBe(401);
    expect((await send('x'.repeat(65_537))).status).toBe(413);
    expect((await send('', {}, 'GET')).status).toBe(405);
    expect(ledgerCalls()).toBe(before);
  });

  it('finds the end of a batch through a webhook of the built-in Batch API server', async () => {
    const jobId = await runtime.drop('told.jsonl', FILE);
    await runtime.untilJob(jobId, 'completed');
    await runtime.until('the webhook was taken', () => taken(audit()).length > 0);
    const log = readFileSync(
      join(runtime.directory, 'logs', 'batchdrop-webhooks-worker-function.log'),
      'utf8',
    );
    expect(log).toContain('"EndsByWebhook":1');
    expect(audit().filter((entry) => entry.event === 'webhook.sent' && entry.status !== 200)).toEqual([]);
  });

  it('alone can read the signing secret', async () => {
    const secrets = new SecretsManagerClient(clientConfig(runtime.names.url));
    onTestFinished(() => secrets.destroy());
    const read = secrets.send(new GetSecretValueCommand({ SecretId: 'batchdrop/webhook' }));
    await expect(read).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const readers = runtime.decisions.flatMap(({ request, verdict }) =>
      request.resource.includes('batchdrop/webhook') && request.principal.kind === 'role'
        ? [`${request.principal.sessionName}: ${verdict}`]
        : [],
    );
    expect(new Set(readers)).toEqual(new Set(['batchdrop-webhooks-worker-function: allowed']));
  });
});

describe('npm start', () => {
  it('receives the ends of batches of an earlier run, at another port', async () => {
    const first = await ChildRuntime.start({ speed: 60 }); // it uploads the example
    onTestFinished(() => first.discard());
    await expect
      .poll(() => first.openAiAudit.some(({ event }) => event === 'batch.created'), { timeout: 45_000 })
      .toBe(true);
    await first.kill();
    expect(taken(first.openAiAudit)).toEqual([]);
    const second = await ChildRuntime.start({ directory: first.directory, speed: 600 });
    onTestFinished(() => second.kill());
    expect(second.names.webhookUrl).not.toBe(first.names.webhookUrl);
    await expect.poll(() => taken(second.openAiAudit).length, { timeout: 60_000 }).toBe(1);
  });

  it.each<[string, string[], number]>([
    ['', [], 1],
    [', before it answers the create', ['webhook-early'], 1],
    [', twice and besides forged ones', ['webhook-twice', 'webhook-forged'], 2],
  ])(
    '--batch-api takes the webhooks of another server%s, with OPENAI_WEBHOOK_SECRET',
    async (_, names, times) => {
      const directory = mkdtempSync(join(tmpdir(), 'batchdrop-other-api-'));
      const clock = new VirtualClock({ speed: 600 });
      const faults = parseFaultPlan({ faults: names.map((fault) => ({ fault })) });
      const api = await startBatchApi({ directory, clock, faults });
      const secret = newSecret();
      const child = await ChildRuntime.start({
        more: ['--batch-api', api.url],
        env: { OPENAI_WEBHOOK_SECRET: secret },
      });
      onTestFinished(async () => {
        await child.discard();
        await api.close();
        clock.close();
        rmSync(directory, { recursive: true });
      });
      const { webhookUrl: url = '' } = child.names;
      expect(child.printed).toContain(url);
      expect(child.printed).not.toContain(secret);
      api.registerWebhook({ name: 'batchdrop', url, secret });
      const user = new UserProgram(child.names);
      onTestFinished(() => user.close());
      await user.put('told.jsonl', FILE);
      // The other server's batch takes seconds, and POLL runs once per minute of real time.
      await expect.poll(() => child.printed, { timeout: 50_000 }).toMatch(/job +completed/);
      await expect.poll(() => taken(readAudit(directory)).length, { timeout: 30_000 }).toBe(times);
      expect(readAudit(directory).filter(({ event }) => event === 'batch.created')).toHaveLength(1);
      expect(taken(readAudit(directory)).filter((entry) => 'isForged' in entry)).toEqual([]);
    },
  );

  it('--batch-api has no public URL without that secret', async () => {
    const child = await ChildRuntime.start({ more: ['--batch-api', 'http://127.0.0.1:9/v1'] });
    onTestFinished(() => child.discard());
    expect(child.names).not.toHaveProperty('webhookUrl');
  });

  it.each<[string, string, (resource: Resource) => boolean | object]>([
    ...(['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'] as const).map(
      (action): [string, string, (resource: Resource) => boolean] => [
        `anybody lacks ${action} for the public URL`,
        `the public URL: User: anonymous is not authorized to perform: ${action} on resource: ` +
          'arn:aws:lambda:us-east-1:000000000000:function:batchdrop-webhooks-worker-function because no ' +
          `resource-based policy allows the ${action} action`,
        ({ Properties }) => Properties?.Principal !== '*' || Properties.Action !== action,
      ],
    ),
    [
      'the URL takes only calls that are signed for IAM',
      'the property AuthType must be one of NONE',
      ({ Type, Properties = {} }) =>
        Type === 'AWS::Lambda::Url' ? { Type, Properties: { ...Properties, AuthType: 'AWS_IAM' } } : true,
    ],
  ])('fails if %s', async (_, sentence, change) => {
    const spoilt = mkdtempSync(join(tmpdir(), 'batchdrop-url-'));
    onTestFinished(() => rmSync(spoilt, { recursive: true }));
    cpSync(assembly, spoilt, { recursive: true });
    const path = join(spoilt, 'Batchdrop.template.json');
    const template = JSON.parse(readFileSync(path, 'utf8'));
    const entries = Object.entries<Resource>(template.Resources).flatMap(([id, resource]) => {
      const changed = change(resource);
      if (changed === false) return [];
      return [[id, changed === true ? resource : changed]];
    });
    writeFileSync(path, JSON.stringify({ ...template, Resources: Object.fromEntries(entries) }));
    await expect(RecordedRuntime.start(spoilt)).rejects.toThrow(sentence);
  });
});

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

function audit(): AuditEntry[] {
  return readAudit(join(runtime.directory, 'openai'));
}
