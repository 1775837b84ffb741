import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { type AuditEntry, readAudit } from '../../../local/openai/audit-log.ts';
import { type BatchApiServer, startBatchApi } from '../../../local/openai/server.ts';
import { newSecret } from '../../../local/openai/webhooks/send-webhook.ts';
import { startCountingProxy } from '../../bench/calls/counting-proxy.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { forgedRequests, genuineRequest, type WireRequest } from './forged-requests.ts';

const REQUESTS = 2_000;
const SEED = 1;
const SECRET = newSecret();
const FUNCTION = 'batchdrop-webhooks-worker-function';
const atOnce = () => 0;

const clock = new VirtualClock();
const directory = mkdtempSync(join(tmpdir(), 'batchdrop-fuzz-'));
const reads: string[] = [];
let api: BatchApiServer;
let proxy: Awaited<ReturnType<typeof startCountingProxy>>;
let runtime: RecordedRuntime;

beforeAll(async () => {
  const timing = { validating: atOnce, inProgress: atOnce, finalizing: atOnce };
  api = await startBatchApi({ directory, clock, timing });
  proxy = await startCountingProxy(api.url, ({ request: { method, url = '' } }) => {
    if (method === 'GET') reads.push(url);
  });
  runtime = await RecordedRuntime.start(await synthesizedStack({ context: { webhook: 'yes' } }), {
    speed: 1,
    api: { kind: 'server', apiKey: 'sk-fuzz', baseUrl: `${proxy.url}/v1`, webhookSecret: SECRET },
  });
  api.registerWebhook({ name: 'fuzz', url: webhookUrl(), secret: SECRET });
}, 60_000);

afterAll(async () => {
  await runtime?.close();
  proxy?.close();
  await api?.close();
  clock.close();
  rmSync(directory, { recursive: true });
});

it(`none of ${REQUESTS} forged requests is accepted or causes a call`, async () => {
  const batchId = await completedBatch('before.jsonl');
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'batch.completed',
    data: { id: batchId },
  });
  expect(await statusOf(genuineRequest(body, { secret: SECRET, at: Date.now() }))).toBe(200);
  const pids = webhookPids();
  expect(pids).toHaveLength(1);
  const [decided, read, began] = [runtime.decisions.length, reads.length, performance.now()];

  const statuses = new Map<string, Set<number>>();
  const of = { body, secret: SECRET, now: Date.now, random: seededRandom(SEED) };
  for (const request of forgedRequests(REQUESTS, of)) {
    const met = statuses.get(request.change) ?? new Set();
    statuses.set(request.change, met.add(await statusOf(request)));
  }

  const minutes = Math.ceil((performance.now() - began) / 60_000);
  const refusals = [400, 401, 403, 405, 413, 431];
  const others = [...statuses].flatMap(([change, met]) =>
    [...met].flatMap((status) => (refusals.includes(status) ? [] : [`${change}: ${status}`])),
  );
  expect(others).toEqual([]);
  expect(statuses.size).toBeGreaterThan(15);
  const calls = runtime.decisions
    .slice(decided)
    .flatMap(({ request: { action, principal, resource } }) =>
      principal.kind === 'role' && principal.sessionName === FUNCTION ? [`${action} ${resource}`] : [],
    );
  expect(calls.filter((call) => !/^secretsmanager:GetSecretValue .*batchdrop\/webhook/.test(call))).toEqual(
    [],
  );
  expect(calls.length).toBeLessThanOrEqual(minutes);
  expect(reads.slice(read)).toEqual([]);

  await completedBatch('after.jsonl');
  expect(webhookPids()).toEqual(pids);
});

/** Runs a job. Returns its batch, whose end a webhook reported. */
async function completedBatch(key: string): Promise<string> {
  const before = taken().length;
  await runtime.untilJob(await runtime.drop(key, chatRows(1, key)), 'completed');
  await runtime.until('the webhook was accepted', () => taken().length > before);
  return taken().at(-1)?.batchId ?? expect.fail('no webhook was accepted');
}

function taken(): Extract<AuditEntry, { event: 'webhook.sent' }>[] {
  return readAudit(directory).flatMap((entry) =>
    entry.event === 'webhook.sent' && entry.status === 200 ? entry : [],
  );
}

function webhookUrl(): string {
  return runtime.names.webhookUrl ?? expect.fail('the stack has no URL');
}

/** Returns the ids of WEBHOOK's processes, from the operating system, which shows their environment. */
function webhookPids(): number[] {
  const all = execFileSync('ps', ['axeww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1e8 });
  return all.split('\n').flatMap((row) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    const isOurs = Number(parent) === process.pid && args.includes('process-entry');
    return isOurs && args.includes(`AWS_LAMBDA_FUNCTION_NAME=${FUNCTION}`) ? [Number(pid)] : [];
  });
}

/** Sends a request. If the connection is closed without a response, the status is 0. */
function statusOf({ method, headers, body }: WireRequest): Promise<number> {
  const host: readonly [string, string] = ['host', new URL(webhookUrl()).host];
  const length: readonly [string, string] = ['content-length', String(body.length)];
  const { promise, resolve } = Promise.withResolvers<number>();
  const request = send(webhookUrl(), { method, headers: [host, length, ...headers].flat() }, (response) => {
    response.resume();
    response.once('close', () => resolve(response.statusCode ?? 0));
  });
  request.once('error', () => resolve(0));
  request.end(body);
  return promise;
}
