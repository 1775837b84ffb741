import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { consolePolicy } from '../../../bin/console/console-policy.ts';
import { type RunningConsole, startConsole } from '../../../bin/console/console-server.ts';
import { synthesizedStack } from '../../../bin/up/synthesis.ts';
import type {
  ActionAnswer,
  ChecksAnswer,
  FileCheck,
  JobAnswer,
  JobsAnswer,
  JobsChange,
  OverviewAnswer,
  SamplesAnswer,
  Session,
  TicketAnswer,
  UploadAnswer,
} from '../../../console/api.ts';
import type { Credentials } from '../../../local/aws/iam/signature.ts';
import type { FaultPlan } from '../../../local/openai/faults/faults.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { programOf } from '../child-runtime.ts';
import { ConsoleClient } from './console-client.ts';

const KEY = `in/<img src=x onerror="alert(1)">/new\u202Elist.jsonl`;
const PROMPT = '<script>alert("prompt")</script>';

/** At this speed, the two minutes after which a check finds a tick late are a second of a busy machine. */
const SPEED = 120;

let runtime: RecordedRuntime;
let page: ConsoleClient;
let ended: string;
let failed: string;
const opened: RunningConsole[] = [];

beforeAll(async () => {
  // Half of the rows of the first batch are refused.
  const faults: FaultPlan = [
    { on: ['batches.create'], rate: 1, times: 1, fault: { fault: 'failing-rows', share: 0.5, status: 400 } },
  ];
  runtime = await RecordedRuntime.start(await synthesizedStack(), {
    speed: SPEED,
    api: { kind: 'local', faults },
  });
  page = await consoleOf();
  failed = await runtime.drop('refused.jsonl', chatRows(20, 'refused'));
  await runtime.untilJob(failed, 'completed');
  ended = await runtime.drop(KEY, chatRows(3, PROMPT));
  await runtime.untilJob(ended, 'completed');
});

afterAll(async () => {
  for (const one of opened) await one.close();
  await runtime?.close();
});

/** Opens a console with its own token. */
async function consoleOf(
  options: { credentials?: Credentials; readOnly?: boolean } = {},
): Promise<ConsoleClient> {
  const running = await startConsole({
    port: 0,
    refreshMs: 50,
    ...(options.readOnly !== undefined && { readOnly: options.readOnly }),
    connect: async (onCall) => connectionTo(runtime.names, options.credentials, onCall),
  });
  opened.push(running);
  return new ConsoleClient(running.url);
}

const statusOf = async (path: string, sent: Parameters<ConsoleClient['ask']>[1] = {}) =>
  (await page.ask(path, sent)).status;

describe('the page', () => {
  it('is served to whoever opens the address, and says nothing of the jobs', async () => {
    const { status, headers, body } = await page.ask('/', { headers: { authorization: undefined } });
    expect({ status, type: headers['content-type'] }).toEqual({
      status: 200,
      type: 'text/html; charset=utf-8',
    });
    expect(body.toString()).toContain('<script type="module" src="/console.js"></script>');
    expect(body.toString()).not.toContain(page.token);
    for (const file of ['/console.js', '/console.css']) {
      const served = await page.ask(file);
      expect({ status: served.status, empty: served.body.length === 0 }).toEqual({
        status: 200,
        empty: false,
      });
    }
    expect(await statusOf('/other')).toBe(404);
    expect(await statusOf('/../package.json')).toBe(404);
  });

  it('may run only its own script, is in no frame, and is not kept by the browser', async () => {
    for (const path of ['/', '/api/session', '/api/none', '/download/none']) {
      const { headers } = await page.ask(path);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
      const policy = String(headers['content-security-policy']).split('; ');
      expect(policy).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "frame-ancestors 'none'",
          "require-trusted-types-for 'script'",
        ]),
      );
      expect(policy.join()).not.toMatch(/unsafe|http|\*|data:/);
      expect(Object.keys(headers).filter((name) => /^(set-cookie|access-control)/.test(name))).toEqual([]);
    }
  });
});

describe('who may ask', () => {
  const write = { method: 'POST', body: '{}' };

  it.each([
    ['no token', { authorization: undefined }, 401],
    ['another token', { authorization: `Bearer ${'x'.repeat(43)}` }, 401],
    ['an empty token', { authorization: 'Bearer ' }, 401],
    ['a cookie instead of a token', { authorization: undefined, cookie: 'token=x' }, 401],
    ['the name of a page that resolves to this machine', { host: 'thief.example' }, 403],
    ['another name of this machine', { host: 'localhost:1' }, 403],
    ['another port', { host: '127.0.0.1:1' }, 403],
    ['another origin', { origin: 'http://127.0.0.1:1' }, 403],
    ['no origin at all', { origin: 'null' }, 403],
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }, 403],
    ['a frame', { 'sec-fetch-dest': 'iframe' }, 403],
  ])('not a request with %s', async (_, headers, status) => {
    expect(await statusOf('/api/session', { headers })).toBe(status);
    expect(await statusOf(`/api/jobs/${ended}/cancel`, { ...write, headers })).toBe(status);
  });

  it('not a write without the origin of the page, or with a type that another page may send', async () => {
    const path = `/api/jobs/${ended}/cancel`;
    expect(await statusOf(path, { ...write, headers: { origin: undefined } })).toBe(403);
    expect(await statusOf(path, { ...write, headers: { 'content-type': 'text/plain' } })).toBe(415);
    expect(await statusOf(path, { method: 'DELETE' })).toBe(405);
    expect(await statusOf('/api/session', { method: 'OPTIONS', headers: { authorization: undefined } })).toBe(
      405,
    );
    expect(await statusOf(path, write)).toBe(200);
  });
});

describe('the answers', () => {
  it('name the Batchdrop', async () => {
    expect(await page.get<Session>('/api/session')).toMatchObject({
      place: 'local',
      mayOperate: true,
      simulatedTime: true,
      requestBucket: runtime.names.requestBucket,
    });
  });

  it('list jobs by pages, newest first', async () => {
    const other = await runtime.drop('second.jsonl', chatRows(1, 'second'));
    await runtime.untilJob(other, 'completed');
    const first = await page.get<JobsAnswer>('/api/jobs?limit=1');
    expect(first.jobs.map(({ jobId }) => jobId)).toEqual([other]);
    const rest = await page.get<JobsAnswer>(
      `/api/jobs?limit=1&cursor=${encodeURIComponent(first.cursor ?? '')}`,
    );
    expect(rest.jobs).toMatchObject([
      { jobId: ended, file: KEY, status: 'completed', ended: true, plannedRows: 3, rows: { succeeded: 3 } },
    ]);
    for (const bad of ['limit=0', 'limit=x', 'limit=99999', 'limit=1&cursor=%7B'])
      expect(await statusOf(`/api/jobs?${bad}`)).toBe(400);
  });

  it('tell all about a job, and its prompts beside its answers, as text', async () => {
    const job = await page.get<JobAnswer>(`/api/jobs/${ended}`);
    expect(job).toMatchObject({
      job: { jobId: ended, status: 'completed' },
      partCount: 1,
      parts: [{ number: 1, model: 'gpt-4o-mini', rows: 3, batches: [{ status: 'completed' }] }],
      costByModel: [{ model: 'gpt-4o-mini' }],
      errorKinds: [],
    });
    expect(job.timeline.map(({ status }) => status)).toEqual(
      expect.arrayContaining(['accepted', 'submitted', 'completed']),
    );
    expect(job.files.map(({ name }) => name)).toEqual([
      'requests.jsonl',
      'output.jsonl',
      'errors.jsonl',
      'summary.json',
    ]);
    const { headers, body } = await page.ask(`/api/jobs/${ended}/samples?of=succeeded`);
    expect(headers['content-type']).toBe('application/json');
    const { rows }: SamplesAnswer = JSON.parse(body.toString());
    expect(rows).toMatchObject([
      { customId: 'row-0', line: 1, prompt: `user: Say ${PROMPT} 0`, cut: false },
      { customId: 'row-1', line: 2 },
      { customId: 'row-2', line: 3 },
    ]);
    expect(rows[0]?.answer).toContain(PROMPT);
    expect(await page.get<SamplesAnswer>(`/api/jobs/${ended}/samples?of=failed`)).toEqual({ rows: [] });
  });

  it('sum up, check, and say what does not exist', async () => {
    const overview = await page.get<OverviewAnswer>('/api/overview');
    expect(overview.rowsPerHour).toHaveLength(48);
    expect(overview.rowsPerHour.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThanOrEqual(3);
    // The jobs of a fast clock end on two days if midnight is near.
    expect(new Set(overview.spending.map(({ model, cost }) => `${model} in ${cost?.currency}`))).toEqual(
      new Set(['gpt-4o-mini in USD']),
    );
    expect(overview.detection.length).toBeGreaterThan(0);
    expect(await page.get<OverviewAnswer>('/api/overview')).toMatchObject({ spending: overview.spending });
    const { checks } = await page.get<ChecksAnswer>('/api/checks');
    expect(checks.filter(({ level }) => level === 'error')).toEqual([]);
    expect(checks.length).toBeGreaterThan(10);
    const paths = [
      '/api/nothing',
      '/api/jobs/nothing',
      `/api/jobs/${'a'.repeat(26)}`,
      `/api/jobs/${ended}/other`,
      '/api/jobs/%E0%A4%A',
    ];
    expect(await Promise.all(paths.map((path) => statusOf(path)))).toEqual([404, 404, 404, 404, 400]);
  });

  it('never contain credentials or presigned addresses', async () => {
    const paths = [
      'session',
      'jobs',
      'overview',
      'checks',
      `jobs/${ended}`,
      `jobs/${ended}/samples?of=succeeded`,
    ];
    for (const path of paths) {
      const { status, body } = await page.ask(`/api/${path}`);
      expect(status).toBe(200);
      expect(body.toString()).not.toMatch(/X-Amz-|AWSAccessKeyId|secretAccessKey|Signature=/i);
    }
  });
});

describe('downloads', () => {
  const ticketFor = (file: string) => page.post<TicketAnswer>('/api/tickets', { jobId: ended, file });

  it('are attachments with a safe name, once for each ticket and without the token', async () => {
    const { path } = await ticketFor('output.jsonl');
    const { status, headers, body } = await page.ask(path, { headers: { authorization: undefined } });
    expect({ status, headers }).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-disposition':
          'attachment; filename="new_list-output.jsonl"; filename*=UTF-8\'\'new_list-output.jsonl',
        'x-content-type-options': 'nosniff',
        'content-length': String(body.length),
      },
    });
    expect(body.toString().trim().split('\n')).toHaveLength(3);
    expect(await statusOf(path)).toBe(404);
  });

  it('give the request file as it was uploaded', async () => {
    const { path } = await ticketFor('requests.jsonl');
    expect((await page.ask(path)).body.toString()).toBe(chatRows(3, PROMPT));
  });

  it('are neither spent nor given to another site, and only for files of the job', async () => {
    const { path } = await ticketFor('summary.json');
    expect(await statusOf(path, { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403);
    expect(await statusOf(path, { method: 'HEAD' })).toBe(405);
    expect(await statusOf(path)).toBe(200);
    const ask = (body: object) => statusOf('/api/tickets', { method: 'POST', body: JSON.stringify(body) });
    expect(await ask({ jobId: ended, file: '../../other' })).toBe(400);
    expect(await ask({ jobId: ended, file: 'rejected.json' })).toBe(404);
    expect(await ask({ jobId: '../..', file: 'output.jsonl' })).toBe(404);
    expect(await statusOf('/api/tickets', { method: 'POST', body: '{' })).toBe(400);
  });
});

describe('files', () => {
  const FILE = { 'content-type': 'application/jsonl' };

  it('are checked without an upload, and uploaded as batchdrop submit does', async () => {
    const check = (body: string) =>
      page
        .ask('/api/check?key=dropped.jsonl', { method: 'POST', headers: FILE, body })
        .then(({ body: json }): FileCheck => JSON.parse(json.toString()));
    expect(await check(chatRows(2, 'dropped'))).toMatchObject({
      rows: 2,
      parts: 1,
      findingCount: 0,
      estimate: { currency: 'USD' },
    });
    expect(await check(`${chatRows(1, 'bad')}{"half\n`)).toMatchObject({
      rows: 0,
      findingCount: 1,
      findings: [{ line: 2 }],
    });
    const { status, body } = await page.ask('/api/files/in%2Fdropped%20%2B.jsonl', {
      method: 'PUT',
      headers: FILE,
      body: chatRows(2, 'dropped'),
    });
    const { key, jobId }: UploadAnswer = JSON.parse(body.toString());
    expect({ status, key }).toEqual({ status: 200, key: 'in/dropped +.jsonl' });
    await runtime.untilJob(jobId, 'completed');
    expect(await page.get<JobAnswer>(`/api/jobs/${jobId}`)).toMatchObject({ job: { file: key } });
  });

  it('are refused if the key could mean another place, if they are too large, or if they do not arrive whole', async () => {
    const put = (path: string, headers: Record<string, string | undefined> = {}) =>
      statusOf(path, { method: 'PUT', headers: { ...FILE, ...headers }, body: chatRows(1, 'never') });
    for (const key of ['..%2Fx.jsonl', 'a%2F..%2Fx.jsonl', '%2Fx.jsonl', '', 'a%0Ab.jsonl', './x.jsonl'])
      expect({ key, status: await put(`/api/files/${key}`) }).toEqual({ key, status: 400 });
    expect(await put('/api/files/x.jsonl', { 'content-length': String(6 * 1024 ** 3) })).toBe(413);
    expect(await put('/api/files/x.jsonl', { 'content-type': 'text/plain' })).toBe(415);
    const chunked = {
      method: 'PUT',
      headers: { ...FILE, 'transfer-encoding': 'chunked' },
      body: Readable.from(['x']),
    };
    expect(await statusOf('/api/files/x.jsonl', chunked)).toBe(411);
    const { hostname, port } = new URL(page.origin);
    const socket = createConnection({ host: hostname, port: Number(port) });
    socket.write(
      `PUT /api/files/half.jsonl HTTP/1.1\r\nHost: ${hostname}:${port}\r\nOrigin: ${page.origin}\r\nAuthorization: Bearer ${page.token}\r\nContent-Type: application/jsonl\r\nContent-Length: 1000\r\n\r\n${chatRows(1, 'half')}`,
      () => socket.destroy(),
    );
    await once(socket, 'close');
    expect(await runtime.user.keys(runtime.names.requestBucket, 'half')).toEqual([]);
    expect(await runtime.user.keys(runtime.names.requestBucket, 'x.jsonl')).toEqual([]);
  });
});

describe('actions', () => {
  const act = (jobId: string, action: string, body: object = {}) =>
    page.post<ActionAnswer>(`/api/jobs/${jobId}/${action}`, body);

  it('approve and cancel jobs that are held, and say what is too late', async () => {
    const hold = { 'batchdrop-hold': 'yes' };
    const [approved, cancelled] = await Promise.all(
      ['approved', 'cancelled'].map(async (name) => {
        const key = `${name}.jsonl`;
        return runtime.jobIdOf(key, await runtime.user.put(key, chatRows(1, name), hold));
      }),
    );
    for (const jobId of [approved ?? '', cancelled ?? '']) await runtime.untilJob(jobId, 'unapproved');
    expect((await page.get<OverviewAnswer>('/api/overview')).waiting).toMatchObject([
      { reason: 'approval', jobs: 2, rows: 2 },
    ]);
    expect(await act(approved ?? '', 'approve')).toMatchObject({ outcome: 'done' });
    expect(await act(cancelled ?? '', 'cancel')).toMatchObject({ outcome: 'done' });
    await runtime.untilJob(approved ?? '', 'completed');
    await runtime.untilJob(cancelled ?? '', 'cancelled');
    expect(await act(approved ?? '', 'approve')).toMatchObject({ outcome: 'too_late' });
    expect(await act(cancelled ?? '', 'cancel')).toMatchObject({ outcome: 'too_late' });
  });

  it('retry rows that did not succeed, once they are confirmed', async () => {
    const retry = (jobId: string, rows: string, confirmed: unknown) =>
      act(jobId, 'retry', { rows, confirmed });
    expect(await retry(ended, 'default', true)).toMatchObject({ outcome: 'too_late' });
    expect(await retry(failed, 'default', true)).toMatchObject({ outcome: 'too_late' }); // refused again
    const { job, errorKinds } = await page.get<JobAnswer>(`/api/jobs/${failed}`);
    const rows = job.rows?.failed ?? 0;
    expect(rows).toBeGreaterThan(0);
    expect(errorKinds).toMatchObject([{ count: rows, sampled: false }]);
    const question = await retry(failed, 'all', false);
    expect(question).toEqual({ outcome: 'question', message: expect.stringContaining(`${rows} rows of 20`) });
    const { outcome, jobId = '' } = await retry(failed, 'all', true);
    expect(outcome).toBe('done');
    await runtime.untilJob(jobId, 'completed');
    expect((await page.get<JobAnswer>(`/api/jobs/${jobId}`)).job).toMatchObject({
      ...{ retryOf: failed, rows: { total: rows, succeeded: rows } },
    });
    expect(await retry(failed, 'all', true)).toMatchObject({ outcome: 'too_late' });
    for (const body of ['{"rows":"each","confirmed":true}', '{"rows":"all","confirmed":"yes"}', '[]'])
      expect(await statusOf(`/api/jobs/${failed}/retry`, { method: 'POST', body })).toBe(400);
  });

  it('are refused by a console that only shows', async () => {
    const reader = await consoleOf({ readOnly: true });
    const post = { method: 'POST', body: '{}' };
    const file = {
      method: 'PUT',
      body: chatRows(1, 'reader'),
      headers: { 'content-type': 'application/jsonl' },
    };
    expect((await reader.ask(`/api/jobs/${ended}/cancel`, post)).status).toBe(403);
    expect((await reader.ask('/api/files/reader.jsonl', file)).status).toBe(403);
    expect(await reader.get<Session>('/api/session')).toMatchObject({ mayOperate: false });
  });
});

/** Reads events until one satisfies the condition. */
async function untilEvent(stream: Readable, holds: (event: string, data: string) => boolean): Promise<void> {
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    if (
      events.some((each) =>
        holds(/^event: (\w+)/.exec(each)?.[1] ?? '', /^data: (.*)$/m.exec(each)?.[1] ?? ''),
      )
    )
      return;
  }
  throw new Error('the stream ended');
}

describe('the stream', () => {
  it('shows the life of a job, and how often the ledger is read', async () => {
    const watcher = await consoleOf();
    const stream = await watcher.open('/api/stream');
    expect(stream.headers['content-type']).toBe('text/event-stream');
    const seen: string[] = [];
    await untilEvent(stream, (event) => event === 'jobs');
    const jobId = await runtime.drop('watched.jsonl', chatRows(2, 'watched'));
    await untilEvent(stream, (event, data) => {
      const { jobs = [] }: Partial<JobsChange> = event === 'jobs' ? JSON.parse(data) : {};
      seen.push(...jobs.filter((job) => job.jobId === jobId).map(({ status }) => status));
      return seen.includes('completed');
    });
    await untilEvent(stream, (event, data) => event === 'reads' && JSON.parse(data).perHour > 0);
    stream.destroy();
  });
});

describe('the policy that --policy prints', () => {
  it('is all that the console needs to show, and does not let it act', async () => {
    const owner = connectionTo(runtime.names);
    const [reading, operating] = await Promise.all(
      [false, true].map((mayOperate) => consolePolicy(owner, { mayOperate })),
    );
    owner.close();
    const reader = await consoleOf({ credentials: runtime.addUser(reading ?? {}) });
    const operator = await consoleOf({ credentials: runtime.addUser(operating ?? {}) });
    const paths = [
      'session',
      'jobs',
      'overview',
      'checks',
      `jobs/${ended}`,
      `jobs/${ended}/samples?of=succeeded`,
    ];
    for (const path of paths)
      expect({ path, ...(await reader.ask(`/api/${path}`)) }).toMatchObject({ path, status: 200 });
    const { checks } = await reader.get<ChecksAnswer>('/api/checks');
    expect(checks.filter(({ level }) => level === 'error')).toEqual([]);
    for (const file of ['output.jsonl', 'requests.jsonl']) {
      const { path } = await reader.post<TicketAnswer>('/api/tickets', { jobId: ended, file });
      expect((await reader.ask(path)).status).toBe(200);
    }
    const held = await runtime.user.put('held.jsonl', chatRows(1, 'held'), { 'batchdrop-hold': 'yes' });
    const jobId = runtime.jobIdOf('held.jsonl', held);
    await runtime.untilJob(jobId, 'unapproved');
    const post = { method: 'POST', body: '{}' };
    const upload = {
      method: 'PUT',
      body: chatRows(1, 'by'),
      headers: { 'content-type': 'application/jsonl' },
    };
    const acts = (by: ConsoleClient) => [
      by.ask(`/api/jobs/${jobId}/approve`, post),
      by.ask('/api/files/by-user.jsonl', upload),
      by.ask(`/api/jobs/${jobId}/cancel`, post),
    ];
    for (const answer of await Promise.all(acts(reader))) expect(answer.status).toBe(403);
    for (const answer of await Promise.all(acts(operator))) expect(answer.status).toBe(200);
  });
});

const here = () => ['--endpoint', runtime.names.url];

/** Runs the package's command. */
async function command(where: string[], ...args: string[]) {
  const { path, env } = await programOf('console');
  const child = spawn(process.execPath, [path, 'console', ...where, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...{ PATH: process.env.PATH ?? '', HOME: tmpdir(), ...env },
      ...{ AWS_ENDPOINT_URL: runtime.names.url, AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' },
    },
  });
  return { child, ended: once(child, 'exit') };
}

describe('batchdrop console', () => {
  it('serves the page from the package, until Ctrl-C', async () => {
    const { child, ended: exit } = await command(here(), '--port', '0', '--json');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const served = new ConsoleClient(JSON.parse(line).url);
    expect((await served.ask('/console.js')).body.length).toBeGreaterThan(10_000);
    expect(await served.get<JobAnswer>(`/api/jobs/${ended}`)).toMatchObject({ job: { file: KEY } });
    child.kill('SIGINT');
    expect(await exit).toEqual([0, null]);
  });

  it('says when its port is taken, or nothing is there to show', async () => {
    const { port } = new URL(page.origin);
    const taken = await command(here(), '--port', port, '--no-open');
    expect(await text(taken.child.stderr)).toBe(`Port ${port} is taken. Choose another with --port.\n`);
    expect(await taken.ended).toEqual([1, null]);
    const lost = await command(['--endpoint', 'http://127.0.0.1:9'], '--port', '0', '--no-open');
    expect(await text(lost.child.stderr)).toContain('No Batchdrop is running');
    expect(await lost.ended).toEqual([1, null]);
  });

  it('names the stack and the account of a deployed stack', async () => {
    const { child } = await command(
      [],
      '--stack',
      'Batchdrop',
      '--region',
      'eu-west-1',
      '--port',
      '0',
      '--json',
    );
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const served = new ConsoleClient(JSON.parse(line).url);
    expect(await served.get<Session>('/api/session')).toMatchObject({
      ...{ place: 'account', stack: 'Batchdrop', account: '000000000000', region: 'eu-west-1' },
      simulatedTime: false,
    });
    expect((await served.get<JobsAnswer>('/api/jobs')).jobs.length).toBeGreaterThan(2);
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  it('prints the policy', async () => {
    const { child } = await command(here(), '--policy', 'operator');
    const owner = connectionTo(runtime.names);
    expect(JSON.parse(await text(child.stdout))).toEqual(await consolePolicy(owner, { mayOperate: true }));
    owner.close();
  });
});
