import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { changePart } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { validateRequestFile } from '../../../functions/shared/request-file/validate-request-file.ts';
import { createInMemoryRowTables } from '../../fakes/in-memory-row-tables.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { batchdrop, ChildRuntime, programOf } from '../child-runtime.ts';

const REVIEWS = fileURLToPath(new URL('../../../examples/reviews/', import.meta.url));
const ESCAPE = String.fromCharCode(27);

let runtime: ChildRuntime;
let user: UserProgram;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-commands-'));
  runtime = await ChildRuntime.start({ speed: 120 });
  user = new UserProgram(runtime.names);
});

afterAll(async () => {
  user?.close();
  await runtime?.discard();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command against the runtime, in its own folder. */
function cli(...args: string[]) {
  return batchdrop([...args, '--data', runtime.directory], { cwd: folder });
}

/** Starts a command whose lines the test reads, and that it can stop. */
async function cliBeside(args: string[], stdin = '') {
  const { child, ended } = await started(args, stdin);
  return { child, lines: createInterface({ input: child.stdout }), ended };
}

/** Starts a command that the test can stop. */
async function started(args: string[], stdin = '') {
  const program = await programOf(args[0]);
  const child = spawn(process.execPath, [program.path, ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: folder, ...program.env },
  });
  child.stdin.end(stdin);
  return { child, ended: once(child, 'exit') };
}

function fileOf(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function watchersLeft(): Promise<string[]> {
  const { QueueUrls = [] } = await user.sqs.send(
    new ListQueuesCommand({ QueueNamePrefix: 'batchdrop-watch-' }),
  );
  const { Rules = [] } = await user.events.send(
    new ListRulesCommand({ EventBusName: runtime.names.eventBus, NamePrefix: 'batchdrop-watch-' }),
  );
  return [...QueueUrls, ...Rules.map(({ Name = '' }) => Name)];
}

describe('batchdrop prepare', () => {
  const template = () =>
    fileOf(
      'template.json',
      JSON.stringify({ model: 'm', messages: [{ role: 'user', content: '{{text}}' }] }),
    );
  /** Takes seconds to prepare, so that it can be stopped before. */
  const long = () => fileOf('long.csv', `id,text\n${'x,y\n'.repeat(1_000_000)}`);

  it('goes from a CSV file to a CSV file with the commands of the example, and nothing else', async () => {
    const example = readFileSync(`${REVIEWS}README.md`, 'utf8');
    const [, commands = ''] = /```sh\n([\s\S]*?)```/.exec(example) ?? [];
    let jobId = '';
    for (const command of commands.trim().split('\n')) {
      const [, , ...args] = command
        .replaceAll('examples/reviews/', REVIEWS)
        .replace('JOB_ID', jobId)
        .split(' ');
      const { code, stdout, stderr } = await cli(...args);
      expect({ command, code, stderr }).toMatchObject({ code: 0 });
      jobId = /job (\w{26})/.exec(stdout)?.[1] ?? jobId;
    }
    const read = (path: string): Record<string, string>[] => parse(readFileSync(path), { columns: true });
    const [reviews, answers] = [read(`${REVIEWS}reviews.csv`), read(join(folder, 'answers.csv'))];
    expect(answers.length).toBe(40);
    expect(answers).toMatchObject(reviews);
    for (const { sentiment, topics, needs_reply: needsReply, outcome, cost } of answers) {
      expect({ outcome, needsReply }).toEqual({
        outcome: 'succeeded',
        needsReply: expect.stringMatching(/^(true|false)$/),
      });
      expect(['positive', 'negative', 'mixed']).toContain(sentiment);
      expect(Array.isArray(JSON.parse(topics ?? ''))).toBe(true);
      expect(Number(cost)).toBeGreaterThan(0);
    }
  });

  it('uploads only what is complete: --submit with a bad row makes no job', async () => {
    const bad = fileOf('twice.csv', 'id,text\n1,a\n1,b\n');
    const { code, stderr } = await cli('prepare', bad, '--template', template(), '--id', 'id', '--submit');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `No request file was made, because ${bad} has errors:\n${bad}:3: the id "1" is the same as in ${bad}:2\n`,
    });
    const object = { Bucket: runtime.names.requestBucket, Key: 'twice.jsonl' };
    await expect(user.s3.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' });
  });

  it('writes to a pipe, from a pipe, and ends a file that failed with a line that is refused', async () => {
    const from = ['prepare', '-', '--from', 'csv', '--template', template()];
    const good = await started(from, 'text\nHello\n');
    const requests = await text(good.child.stdout);
    expect(JSON.parse(requests)).toMatchObject({
      custom_id: 'row-1',
      body: { messages: [{ content: 'Hello' }] },
    });
    const bad = await started(from, 'text\nHello\na,b\n');
    const [incomplete, complaint] = await Promise.all([text(bad.child.stdout), text(bad.child.stderr)]);
    expect(await verdictOn(incomplete)).toBe('bad');
    expect(await bad.ended).toEqual([1, null]);
    expect(complaint).toContain('stdin:3: the row has 2 values for 1 column');
    expect(await verdictOn(requests)).toBe('good');
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'leaves no file that could be taken for a complete one after %s',
    async (signal) => {
      const pipe = await started(['prepare', long(), '--template', template()]);
      const [first] = await once(pipe.child.stdout, 'data');
      pipe.child.stdout.pause();
      pipe.child.kill(signal);
      const rest = await text(pipe.child.stdout);
      expect(await pipe.ended).toEqual([null, signal]);
      expect(await verdictOn(first + rest)).toBe('bad');
    },
  );

  it('removes its temporary file after a signal', async () => {
    const out = join(mkdtempSync(join(folder, 'out-')), 'requests.jsonl');
    const { child, ended } = await started(['prepare', long(), '--template', template(), '-o', out]);
    await expect
      .poll(() => readdirSync(dirname(out)))
      .toEqual([expect.stringMatching(/^\.requests\.jsonl\..*\.tmp$/)]);
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  it.each([
    [['--wait'], '--wait and --name work only with --submit.'],
    [['--endpoint', 'chats'], 'The endpoints are /v1/responses'],
  ])('explains a wrong use: %j', async (args, message) => {
    const data = fileOf('one.csv', 'text\nHello\n');
    const { code, stderr } = await cli('prepare', data, '--template', template(), ...args);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
  });
});

/** What INTAKE says of a file. */
async function verdictOn(content: string): Promise<string> {
  const read = async function* () {
    yield Buffer.from(content);
  };
  return (await validateRequestFile(read, createInMemoryRowTables())).verdict;
}

describe('batchdrop submit --dry-run', () => {
  const noNetwork = (...args: string[]) =>
    batchdrop(['submit', '--dry-run', ...args, '--endpoint', 'http://127.0.0.1:9'], { cwd: folder });

  it('plans a good file without network access', async () => {
    const { code, stdout, stderr } = await noNetwork(fileOf('large.jsonl', chatRows(50_001, 'large')));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('large.jsonl: 50,001 rows of gpt-4o-mini for /v1/chat/completions\n');
    expect(stdout).toMatch(/2 batches, [\d.]+ MB to upload; nothing was sent/);
    expect(stdout).toMatch(/batch 1: 50,000 rows, .*\n {2}batch 2: 1 row, \d+ bytes/);
    expect(stdout).toMatch(
      /^ {2}rough estimate: \$[\d.]+ \(\$[\d.]+ or more: .*\), [\d.]+ k input and 15\.0 M output tokens; gpt-4o-mini: list price of [\d-]+ less 50 %$/m,
    );
  });

  it('estimates with prices of your own, and says for which models there are none', async () => {
    const body = (model: string) => ({ model, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] });
    const rows = ['own', 'other'].map((model) =>
      JSON.stringify({ custom_id: model, method: 'POST', url: '/v1/chat/completions', body: body(model) }),
    );
    const file = fileOf('own.jsonl', `${rows.join('\n')}\n`);
    const prices = { own: { input: 1, output: 1 }, other: { input: 1, output: 1 } };
    const both = fileOf('both.json', JSON.stringify({ models: prices }));
    const one = fileOf('one.json', JSON.stringify({ models: { own: prices.own }, batchDiscount: 0 }));
    expect((await noNetwork(file, '--prices', both)).stdout).toMatch(
      /estimate: \$[\d.]+ .*; own, other: your price less 50 %$/m,
    );
    expect((await noNetwork(file, '--prices', one)).stdout).toMatch(
      /estimate: no price is known for other; \d+ input and 100 output tokens$/m,
    );
    expect(JSON.parse((await noNetwork(file, '--prices', both, '--json')).stdout)).toMatchObject([
      { estimate: { currency: 'USD', outputTokens: { high: 200 }, measured: false } },
    ]);
    const { code, stderr } = await cli('submit', file, '--prices', both);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('--dry-run') });
  });

  it('prints the model and the URL of each batch of a mixed file', async () => {
    const other = JSON.stringify({
      ...{ custom_id: 'v', method: 'POST', url: '/v1/embeddings' },
      body: { model: 'text-embedding-3-small', input: 'x' },
    });
    const { stdout } = await noNetwork(fileOf('mixed.jsonl', `${chatRows(2, 'mixed')}${other}\n`));
    expect(stdout).toContain('mixed.jsonl: 3 rows of 2 models and URLs\n');
    expect(stdout).toMatch(/batch 1: 2 rows of gpt-4o-mini for \/v1\/chat\/completions, \d+ bytes\n/);
    expect(stdout).toMatch(/batch 2: 1 row of text-embedding-3-small for \/v1\/embeddings, \d+ bytes\n/);
  });

  it('prints each finding with file and line, as compilers do, and exits with 1', async () => {
    const { code, stdout } = await noNetwork(fileOf('bad.jsonl', `${chatRows(2, 'bad')}{"half\n`));
    expect(code).toBe(1);
    expect(stdout).toMatch(/bad\.jsonl:3: the line is not JSON: it ends too early\n/);
    expect(stdout).toMatch(/bad\.jsonl: would be rejected with 1 finding; nothing was sent/);
  });

  it('prints the same as JSON, and also validates the key and the metadata', async () => {
    const good = fileOf('rows.txt', chatRows(2, 'name'));
    const refused = await noNetwork(good, '--json', '--meta', `x=${'y'.repeat(513)}`);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject([
      {
        key: 'rows.txt',
        verdict: 'bad',
        count: 2,
        findings: [{ code: 'unsupported_name' }, { code: 'invalid_metadata' }],
      },
    ]);
    const named = await noNetwork(good, '--json', '--name', 'rows.jsonl');
    expect(JSON.parse(named.stdout)).toMatchObject([
      { key: 'rows.jsonl', verdict: 'good', rows: 2, parts: [{ rows: 2 }] },
    ]);
  });
});

describe('batchdrop submit', () => {
  it('uploads stdin under a given key', async () => {
    const args = ['submit', '-', '--name', 'piped/in.jsonl', '--wait', '--json', '--data', runtime.directory];
    const { child, ended } = await cliBeside(args, chatRows(4, 'piped'));
    const [job] = JSON.parse(await text(child.stdout));
    await ended;
    expect(job).toMatchObject({
      status: 'completed',
      requestFile: { key: 'piped/in.jsonl' },
      rows: { succeeded: 4 },
    });
  });

  it('prints permanent lines without colors into a pipe, and nothing that moves the cursor', async () => {
    const { stdout } = await cli('submit', fileOf('plain.jsonl', chatRows(3, 'plain')), '--wait');
    expect(
      stdout.split('\n').filter((line) => !/ {2}job |estimate: | {2}usually done in /.test(line)),
    ).toEqual([
      ...['received', 'accepted', 'submitted'].flatMap((status) =>
        stdout.includes(`  ${status}\n`) ? [`${join(folder, 'plain.jsonl')}  ${status}`] : [],
      ),
      `${join(folder, 'plain.jsonl')}  completed  3/3 rows succeeded`,
      '',
    ]);
    const estimates = stdout.split('\n').filter((line) => line.includes('estimate: '));
    expect(estimates).toEqual([expect.stringMatching(/plain\.jsonl {2}(rough )?estimate: \$[\d.]+ \(/)]);
    expect(stdout).not.toContain(ESCAPE);
    expect(stdout).not.toContain('\r');
  });

  it('prints the estimate of a file once it is accepted', async () => {
    const { stdout } = await cli('submit', fileOf('estimated.jsonl', chatRows(4, 'estimated')));
    const file = join(folder, 'estimated.jsonl');
    expect(stdout.split('\n')).toEqual([
      expect.stringContaining(`${file}  job `),
      expect.stringMatching(
        /estimated\.jsonl {2}(rough )?estimate: \$.*; gpt-4o-mini: list price of .* less 50 %$/,
      ),
      expect.stringMatching(
        /estimated\.jsonl {2}usually done in \d+ (s|min|h).* of simulated time \(\d+ jobs? of about this size\)$/,
      ),
      '',
    ]);
  });

  it.each([
    ['stdin without a key', ['-'], /stdin needs an object key\. Add --name/],
    ['one key for two files', ['a.jsonl', 'b.jsonl', '--name', 'c.jsonl'], /--name works with one file only/],
    [
      'two files with the same key',
      ['one/same.jsonl', 'two/same.jsonl'],
      /would both get the object key same\.jsonl/,
    ],
    ['a directory', ['one'], /'one' is a directory\. Give a file\./],
    ['the current directory', ['.'], /'\.' is a directory\. Give a file\./],
  ])('refuses %s before anything is sent', async (_, args, sentence) => {
    for (const directory of ['one', 'two']) {
      mkdirSync(join(folder, directory), { recursive: true });
      fileOf(join(directory, 'same.jsonl'), chatRows(1, directory));
    }
    fileOf('a.jsonl', chatRows(1, 'a'));
    fileOf('b.jsonl', chatRows(1, 'b'));
    const { code, stdout, stderr } = await cli('submit', ...args);
    expect(stderr).toMatch(sentence);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

describe('batchdrop approve', () => {
  const list = async (...more: string[]) => JSON.parse((await cli('list', '--json', ...more)).stdout);
  const held = async (name: string): Promise<string> => {
    const [{ jobId }] = JSON.parse(
      (await cli('submit', fileOf(name, chatRows(5, name)), '--hold', '--json')).stdout,
    );
    const unapproved = async () =>
      (await list('--status', 'unapproved')).map((job: { jobId: string }) => job.jobId);
    await expect.poll(unapproved, { timeout: 30_000 }).toContain(jobId);
    return jobId;
  };
  const untilStatus = async (jobId: string, status: string) => {
    const statusOf = async () => (await list()).find((job: { jobId: string }) => job.jobId === jobId)?.status;
    await expect.poll(statusOf, { timeout: 30_000 }).toBe(status);
  };

  it('sends a job that submit --hold holds, and that list shows with the command', async () => {
    const jobId = await held('plan.jsonl');
    const { stdout } = await cli('list', '--status', 'unapproved');
    expect(stdout).toMatch(
      new RegExp(
        `^${jobId.slice(0, 8)}  unapproved +5 .*plan.jsonl\n  held until 20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d \\(simulated\\), to approve: batchdrop approve ${jobId.slice(0, 8)}; \\$.* its file came with`,
        'm',
      ),
    );
    const refused = await cli('results', jobId);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('to approve: batchdrop approve'),
    });
    expect(await cli('approve', jobId.slice(0, 8))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Approval of plan\.jsonl \(5 rows, \$.*\) requested\. Batchdrop sends it within a minute\. To wait for it: batchdrop wait \w{8}\n$/,
      ),
    });
    await untilStatus(jobId, 'completed');
    const again = await cli('approve', jobId);
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Job ${jobId} cannot be approved any more: its status is completed.`),
    });
  });

  it('is no way to approve a job that was refused by a cancel', async () => {
    const jobId = await held('refused-plan.jsonl');
    expect((await cli('cancel', jobId.slice(0, 8))).code).toBe(0);
    await untilStatus(jobId, 'cancelled');
    const { code, stderr } = await cli('approve', jobId);
    expect(stderr).toContain(`Job ${jobId} cannot be approved any more: its status is cancelled.`);
    expect(code).toBe(1);
    expect(runtime.openAiAudit.some((entry) => JSON.stringify(entry).includes(jobId))).toBe(false);
  });

  it('names the other job if the bytes are those of another job', async () => {
    const jobId = await held('same-plan.jsonl');
    const [again] = JSON.parse(
      (await cli('submit', join(folder, 'same-plan.jsonl'), '--hold', '--json')).stdout,
    );
    await untilStatus(again.jobId, 'joined');
    const { code, stderr } = await cli('approve', again.jobId);
    expect(stderr).toContain(
      `the same bytes are job ${jobId}. To approve that job: batchdrop approve ${jobId}`,
    );
    expect(code).toBe(1);
    await cli('cancel', jobId);
  });
});

describe('batchdrop pause and resume', () => {
  it('keep a validated file waiting, and then send it', async () => {
    expect((await cli('pause')).stdout).toMatch(
      /^Paused\. Batchdrop sends nothing new to the API\. To resume: batchdrop resume$/m,
    );
    expect(JSON.parse((await cli('pause', '--json')).stdout)).toEqual({ paused: true, changed: false });
    const [{ jobId, estimate }] = JSON.parse(
      (await cli('submit', fileOf('held.jsonl', chatRows(5, 'stalled')), '--json')).stdout,
    );
    expect(estimate).toMatchObject({ currency: 'USD', cost: { likely: expect.any(String) } });
    const statusOf = async () => {
      const jobs: { jobId: string; status: string }[] = JSON.parse((await cli('list', '--json')).stdout);
      return jobs.find((job) => job.jobId === jobId)?.status;
    };
    await expect.poll(statusOf, { timeout: 30_000 }).toBe('accepted');
    const waiting = await cliBeside([
      'submit',
      fileOf('held.jsonl', chatRows(5, 'stalled')),
      '--wait',
      '--data',
      runtime.directory,
    ]);
    const printed: string[] = [];
    for await (const line of waiting.lines) {
      printed.push(line);
      if (line.startsWith('Submission is paused')) break;
    }
    expect(printed.at(-1)).toBe('Submission is paused. To send waiting files: batchdrop resume');
    expect(runtime.openAiAudit.some((entry) => JSON.stringify(entry).includes(jobId))).toBe(false);

    expect((await cli('resume')).stdout).toBe(
      'Resumed. Batchdrop sends 1 file with 5 rows within a minute.\n',
    );
    expect((await cli('resume')).stdout).toBe('Submission was not paused.\n');
    await waiting.ended;
    expect(waiting.child.exitCode).toBe(0);
    expect(await statusOf()).toBe('completed');
  });
});

describe('batchdrop list', () => {
  it('shows which jobs wait for capacity, for which capacity, and their position', async () => {
    const { ledger, close } = connectionTo(runtime.names);
    await cli('pause'); // while paused, no part is admitted
    const file = fileOf('waiting.jsonl', chatRows(5, 'waiting'));
    const [{ jobId }] = JSON.parse((await cli('submit', file, '--json')).stdout);
    const partsDispatched = async () => (await ledger.readJob(jobId))?.partsDispatched;
    await expect.poll(partsDispatched, { timeout: 30_000 }).toBe(true);
    const job = await ledger.readJob(jobId);
    const [part] = await ledger.partsOf(jobId, job?.plan?.planId ?? '');
    if (!part) throw new Error('there is no part');
    const since = Date.UTC(2026, 10, 20, 12);
    const refused = { sentAt: since, uploadBytes: 1, said: 'Too much.' };
    const waiting = { for: 'token_limit', since, until: since + 60_000, alone: true, refused } as const;
    await changePart({ ledger, clock: Date }, part, (now) =>
      now.phase === 'ready' ? { ...now, phase: 'waiting', waiting } : undefined,
    );

    const { stdout } = await cli('list');
    const end = `to give up: batchdrop cancel ${jobId.slice(0, 8)}`;
    const line = `waiting: token limit; ${end}; position 1; rejected although nothing else was enqueued: Too much.`;
    expect(stdout).toMatch(new RegExp(`^${jobId.slice(0, 8)}.* waiting.jsonl\n  ${line}$`, 'm'));
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(
      'Submission is paused. To send waiting files: batchdrop resume',
    );
    const jobs: { jobId: string; waiting: object[] }[] = JSON.parse((await cli('list', '--json')).stdout);
    expect(jobs.find((known) => known.jobId === jobId)?.waiting).toEqual([
      {
        part: 1,
        for: 'token_limit',
        position: 1,
        since: '2026-11-20T12:00:00.000Z',
        until: '2026-11-20T12:01:00.000Z',
        alone: true,
        said: 'Too much.',
      },
    ]);
    await cli('resume');
    const status = async () => (await ledger.readJob(jobId))?.status;
    await expect.poll(status, { timeout: 45_000 }).toBe('completed');
    close();
    expect((await cli('list')).stdout).not.toContain('waiting:');
  });

  it('lists the enqueued limits that Batchdrop has learned', async () => {
    expect((await cli('list', '--limits')).stdout).toBe('Batchdrop has learned no enqueued limit.\n');
    const { ledger, close } = connectionTo(runtime.names);
    const said = 'Limit: 90,000 enqueued tokens.';
    const at = Date.UTC(2026, 10, 20, 12);
    const limit = { name: 'gpt-4o', counts: 'tokens', models: ['gpt-4o'], limit: 90_000, said, at } as const;
    const admissions = await ledger.readAdmissions();
    await ledger.replaceAdmissions({ ...admissions, learned: [{ ...limit, models: ['gpt-4o'] }] });
    expect((await cli('list', '--limits')).stdout).toContain(
      `gpt-4o: 90,000 enqueued tokens, learned 2026-11-20`,
    );
    expect(JSON.parse((await cli('list', '--limits', '--json')).stdout)).toEqual([
      { ...limit, source: 'named', at: '2026-11-20T12:00:00.000Z' },
    ]);
    const { learned: _, ...others } = await ledger.readAdmissions();
    await ledger.replaceAdmissions(others);
    close();
  });

  it('lists only the jobs that match', async () => {
    const keysOf = async (...args: string[]) => {
      const jobs: { requestFile: { key: string } }[] = JSON.parse(
        (await cli('list', '--json', ...args)).stdout,
      );
      return jobs.map(({ requestFile }) => requestFile.key);
    };
    expect(await keysOf('--since', '365d')).toContain('chat-completions.jsonl');
    expect(await keysOf('--since', '2020-01-01')).toContain('chat-completions.jsonl');
    expect(await keysOf('--since', '2999-01-01T00:00:00Z')).toEqual([]);
    expect(await keysOf('--since', '0m')).toEqual([]);
    const none = 'No job matches. To list all jobs: batchdrop list\n';
    expect((await cli('list', '--status', 'expired')).stdout).toBe(none);
  });

  it('lists the newest jobs up to the limit, and says that there are more', async () => {
    const { stdout, stderr } = await cli('list', '--json', '--limit', '2');
    const all: object[] = JSON.parse((await cli('list', '--json')).stdout);
    expect(all.length).toBeGreaterThan(2);
    expect(JSON.parse(stdout)).toEqual(all.slice(0, 2));
    const lines = (await cli('list', '--format', 'jsonl', '--limit', '2')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(all.slice(0, 2));
    const csv = (await cli('list', '--format', 'csv', '--limit', '2')).stdout;
    expect(csv).toMatch(/^jobId,status,requestFile\.bucket,requestFile\.key,.*\n\w{26},.*\n\w{26},.*\n$/);
    expect(stderr).toMatch(/^There are more jobs\. To list them, raise --limit \(now 2\)/);
  });

  it.each([
    ['an unknown status', ['--status', 'done'], /Allowed choices are received, unapproved, accepted/],
    ['an invalid time', ['--since', 'yesterday'], /Give minutes, hours or days such as 90m, 24h, 7d/],
    [
      'a local and a deployed Batchdrop at once',
      ['--data', 'x', '--region', 'eu-central-1'],
      /cannot be used with option/,
    ],
  ])('refuses %s', async (_, args, sentence) => {
    const { code, stderr } = await batchdrop(['list', ...args], { cwd: folder });
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });
});

/** A file whose rows fail as they say: `fail:500`. The built-in server obeys the mark. */
function failingRows(prefix: string, statuses: readonly (number | undefined)[]): string {
  const rows = statuses.map((status, at) => ({
    ...{ custom_id: `${prefix}-${at}`, method: 'POST', url: '/v1/chat/completions' },
    body: {
      ...{ model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] },
      ...(status !== undefined && { metadata: { batchdrop_local: `fail:${status}` } }),
    },
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

describe('a job with rows that fail', () => {
  let jobId: string;
  const short = () => jobId.slice(0, 8);

  it('ends a wait with 3, unless so many may fail; the first errors, the report and the next command are on stderr', async () => {
    // The API refuses these rows, so Batchdrop itself does not run them again.
    const file = fileOf('failing.jsonl', failingRows('r', [undefined, 400, 400, undefined, 400]));
    const waited = await cli('submit', file, '--wait', '--json');
    jobId = JSON.parse(waited.stdout)[0].jobId;
    expect(waited.code).toBe(3);
    expect(waited.stderr.split('\n')).toEqual([
      `${file}: 3 of 5 rows did not succeed`,
      expect.stringMatching(/^ {2}3 {2}invalid_request_error, r-1, r-2, …: /),
      `  report: s3://${runtime.names.resultsBucket}/failing.jsonl/${jobId}/errors.jsonl`,
      `  to see all about it: batchdrop show ${short()}`,
      `  to run them again: batchdrop retry ${short()} --all`,
      '',
    ]);
    expect((await cli('wait', short(), '--max-failed', '59.9%')).code).toBe(3);
    expect((await cli('wait', short(), '--max-failed', '3')).code).toBe(0);
  });

  it('is shown with its batches, its errors by kind, its files and the next commands', async () => {
    const { code, stdout, stderr } = await cli('show', short());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of [
      new RegExp(`^Job ${jobId}  completed$`, 'm'),
      /^ {2}rows {6}5: 2 succeeded, 3 failed$/m,
      /^ {3}1 {4}1 {5}5 {2}completed {2}batch_\w+ {2}gpt-4o-mini$/m,
      /^ {2}3 {2}invalid_request_error, r-1, r-2, …: /m,
      /^ {4}errors\.jsonl {2}\d/m,
      new RegExp(
        `^Next: To get the results: batchdrop results ${short()}\n      To run the 3 rows .*: batchdrop retry ${short()} --all$`,
        'm',
      ),
    ])
      expect(stdout).toMatch(line);
    const facts = JSON.parse((await cli('show', jobId, '--json')).stdout);
    expect(facts).toMatchObject({
      ...{ jobId, simulatedTime: true, partCount: 1, progress: { done: 5, total: 5 } },
      ...{ parts: [{ batches: [{ rows: 5 }] }], errors: { kinds: [{ count: 3 }] } },
    });
    const [header, row] = (await cli('show', jobId, '--format', 'csv')).stdout.split('\n');
    expect(header).toMatch(/^jobId,status,/);
    expect(row).toMatch(new RegExp(`^${jobId},completed,`));
  });

  it('is retried only after a yes, and a repeat finds the retry', async () => {
    expect((await cli('retry', short(), '--yes')).stderr).toBe(
      `Nothing was sent. Of job ${jobId}, 3 rows were refused by the API, and would be again: change them, or add --all.\n`,
    );
    const asked = await cli('retry', short(), '--all');
    expect(asked).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^This command asks: Run 3 rows again\? .*add --yes\.\n$/),
    });
    expect(asked.stdout).toMatch(
      /^failing\.jsonl: 3 rows of 5 in 1 batch, as failing\.retry-1\.jsonl\n {2}(rough )?estimate: \$.*\n$/,
    );
    const out = join(folder, 'failed-rows.jsonl');
    expect((await cli('retry', short(), '--all', '-o', out)).stdout).toContain(
      `Wrote 3 rows of job ${jobId} to ${out}. Nothing was sent.`,
    );
    expect(readFileSync(out, 'utf8').match(/r-\d/g)).toEqual(['r-1', 'r-2', 'r-4']);

    const retried = await cli('retry', short(), '--all', '--yes', '--wait', '--json', '--max-failed', '100%');
    const [retry] = JSON.parse(retried.stdout);
    expect(retry).toMatchObject({
      ...{ retryOf: jobId, rows: { total: 3, failed: 3 } },
      requestFile: { key: 'failing.retry-1.jsonl' },
    });
    expect(retried.code).toBe(1); // no row succeeded
    const again = JSON.parse((await cli('retry', short(), '--all', '--yes', '--json')).stdout);
    expect(again).toMatchObject({ jobId: retry.jobId, rows: 0, taken: 3 });

    const merged = join(folder, 'merged');
    const results = await cli('results', short(), '--with-retries', '-o', merged);
    expect(results.stdout).toMatch(/\n2 of 5 rows succeeded, with 1 retry\n$/);
    expect(readFileSync(join(merged, 'errors.jsonl'), 'utf8').match(/"custom_id":"r-\d"/g)).toHaveLength(3);
  });

  it('has logs in the data directory of the runtime', async () => {
    const { code, stdout } = await cli('logs', short(), '--format', 'jsonl');
    expect(code).toBe(0);
    for (const line of stdout.split('\n').filter((text) => text !== '')) expect(line).toContain(jobId);
    expect(
      await batchdrop(['logs', short(), '--endpoint', runtime.names.url], { cwd: folder }),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The logs are in the data directory of the runtime\./),
    });
  });

  it('is left alone by a wait that ends: after its time with 4, after Ctrl-C with 130', async () => {
    await cli('pause');
    const file = fileOf('slow.jsonl', chatRows(3, 'slow'));
    const timed = await cli('submit', file, '--wait', '--timeout', '3s');
    const [, slow = ''] = / {2}job (\w{8})/.exec(timed.stdout) ?? [];
    expect(timed).toMatchObject({
      code: 4,
      stderr: `The time is over: ${file}. To wait again: batchdrop wait ${slow}, to stop: batchdrop cancel ${slow}\n`,
    });
    const waiting = await cliBeside(['wait', slow, '--data', runtime.directory]);
    const said = text(waiting.child.stderr);
    await once(waiting.lines, 'line');
    waiting.child.kill('SIGINT');
    await waiting.ended;
    expect(waiting.child.exitCode).toBe(130);
    expect(await said).toBe(
      `The wait ended, and the job goes on: slow.jsonl. To wait again: batchdrop wait ${slow}, to stop: batchdrop cancel ${slow}\n`,
    );
    await cli('resume');
    expect((await cli('wait', slow)).code).toBe(0);
  });
});

describe('batchdrop costs', () => {
  it('sums what jobs cost by a tag, as a table and as CSV, and guesses no price', async () => {
    const unknown = chatRows(3, 'unknown').replaceAll('gpt-4o-mini', 'a-model-of-nobody');
    const files = [
      [fileOf('priced.jsonl', chatRows(2, 'priced')), 'search'],
      [fileOf('unpriced.jsonl', unknown), '=SUM(1)'],
    ];
    for (const [file = '', team = ''] of files) {
      const { code } = await cli('submit', file, '--meta', `team=${team}`, '--wait');
      expect(code).toBe(0);
    }
    const { stdout: json } = await cli('costs', '--by', 'team', '--json');
    const { lines } = JSON.parse(json);
    const search = lines.find(({ name }: { name: string }) => name === 'search');
    const nobody = lines.find(({ name }: { name: string }) => name === '=SUM(1)');
    expect(search).toMatchObject({ jobs: 1, rows: 2, currency: 'USD', rowsWithoutPrice: 0 });
    expect(Number(search.paid)).toBeGreaterThan(0);
    expect(Number(search.list)).toBeCloseTo(2 * Number(search.paid), 12);
    expect(nobody).toMatchObject({ jobs: 1, rows: 3, list: null, paid: null, rowsWithoutPrice: 3 });
    const { stdout: table } = await cli('costs', '--by', 'team', '--since', '1d');
    expect(table).toMatch(/^TEAM +JOBS +ROWS +INPUT +OUTPUT +LIST +PAID +SAVED\n/);
    expect(table).toMatch(/\n=SUM\(1\) +1 +3 .* unknown +unknown +unknown\n/);
    expect(table).toContain('\n+  3 rows have no known price, and are not in the amounts.');
    const { stdout: csv } = await cli('costs', '--by', 'team', '--format', 'csv');
    expect(csv).toContain(`search,USD,1,2,${search.inputTokens},0,${search.outputTokens},${search.list},`);
    expect(csv).toContain("\n'=SUM(1),USD,1,3,"); // a spreadsheet must not run it
  });

  it('says that there is nothing to sum', async () => {
    const { code, stdout } = await cli('costs', '--since', '2999-01-01');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'No job has ended in this time.\n' });
  });
});

describe('batchdrop watch', () => {
  it('prints events as they arrive, one JSON document per line, and leaves no rule or queue behind', async () => {
    const { child, lines, ended } = await cliBeside(['watch', '--json', '--data', runtime.directory]);
    await expect.poll(watchersLeft, { timeout: 30_000 }).toHaveLength(2);
    const submitted = cli('submit', fileOf('seen.jsonl', chatRows(6, 'seen')), '--json');
    const seen: string[] = [];
    const jobIds = new Set<string>();
    for await (const line of lines) {
      const { 'detail-type': type, detail } = JSON.parse(line);
      if (detail.data.requestFile?.key !== 'seen.jsonl') continue;
      seen.push(`${type}: ${detail.data.status}`);
      jobIds.add(detail.metadata.jobId);
      if (seen.at(-1) === 'OpenAI Batch Job Status Change: completed') break;
    }
    expect([...jobIds]).toEqual([JSON.parse((await submitted).stdout)[0].jobId]);
    child.kill('SIGINT');
    await ended;
    expect(child.exitCode).toBe(0);
    expect(seen).toContain('OpenAI Batch Job Status Change: accepted');
    expect(seen).toContain('OpenAI Batch Status Change: in_progress');
    expect(await watchersLeft()).toEqual([]);
  });

  it('deletes its rule and queue even if it is stopped while it creates them, or if its reader ends', async () => {
    const early = await cliBeside(['watch', '--data', runtime.directory]);
    await expect.poll(watchersLeft, { timeout: 30_000, interval: 5 }).not.toEqual([]);
    early.child.kill('SIGTERM');
    await early.ended;
    expect(await watchersLeft()).toEqual([]);

    const unread = await cliBeside(['watch', '--data', runtime.directory]);
    unread.child.stdout.destroy();
    await expect.poll(watchersLeft, { timeout: 30_000 }).toHaveLength(2);
    await cli('submit', fileOf('unread.jsonl', chatRows(2, 'unread')));
    await unread.ended;
    expect(await watchersLeft()).toEqual([]);
  });
});

describe('a deployed stack', () => {
  const account = {
    AWS_ACCESS_KEY_ID: 'somebody',
    AWS_SECRET_ACCESS_KEY: 'something',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  /** Here, AWS is the runtime's endpoint. AWS_ENDPOINT_URL selects it, as for any AWS tool. */
  const inAccount = (args: string[], env: Record<string, string> = account) =>
    batchdrop(args, { cwd: folder, env: { ...env, AWS_ENDPOINT_URL: runtime.names.url } });

  it('is found by stack name, Region and profile', async () => {
    const listed = await inAccount(['list', '--json', '--stack', 'Batchdrop', '--region', 'us-east-1']);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toContain('chat-completions.jsonl');

    const credentials = fileOf('credentials', '[deploy]\naws_access_key_id=a\naws_secret_access_key=b\n');
    const config = fileOf('config', '[profile deploy]\nregion=us-east-1\n');
    const files = { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config };
    const submitted = await inAccount(
      ['submit', fileOf('deployed.jsonl', chatRows(2, 'deployed')), '--json', '--profile', 'deploy'],
      files,
    );
    expect(submitted).toMatchObject({ code: 0, stderr: '' });
    const [{ jobId }] = JSON.parse(submitted.stdout);
    const list = async () => (await cli('list', '--json')).stdout;
    await expect.poll(list, { timeout: 30_000 }).toContain(jobId);
  });

  it.each([
    [
      'the stack does not exist',
      ['--stack', 'Nope', '--region', 'us-east-1'],
      account,
      /There is no stack Nope\. Select another stack with --stack/,
    ],
    [
      'the Region is missing',
      ['--stack', 'Batchdrop'],
      account,
      /The AWS Region is missing\. Set it with --region/,
    ],
    [
      'there are no credentials',
      ['--region', 'us-east-1'],
      { AWS_EC2_METADATA_DISABLED: 'true' },
      /There are no AWS credentials \(.*\)\. Sign in, or select a profile/,
    ],
  ])('says what to do if %s', async (_, args, env, sentence) => {
    const { code, stderr } = await inAccount(['list', ...args], env);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });
});

describe('batchdrop purge', () => {
  const KEY = 'private/mine.jsonl';
  const rows = chatRows(3, 'private');
  const list = async (folder: string) => [
    ...(await user.keys(runtime.names.requestBucket, folder)),
    ...(await user.keys(runtime.names.resultsBucket, folder)),
  ];
  const upload = async (metadata: Record<string, string> = {}) =>
    jobIdOf({
      bucket: runtime.names.requestBucket,
      key: KEY,
      versionId: await user.put(KEY, rows, metadata),
    });
  const facts = async (jobId: string) => JSON.parse((await cli('show', jobId, '--json')).stdout);

  it('refuses a job that is not over, shows what it would delete, and then deletes all of it', async () => {
    const held = await upload({ 'batchdrop-hold': 'yes' });
    await expect.poll(async () => (await cli('show', held, '--json')).code, { timeout: 60_000 }).toBe(0);
    const running = await cli('purge', held, '--yes');
    expect(running).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('only an ended job can be purged'),
    });
    await cli('cancel', held, '--yes');

    const jobId = await upload();
    await cli('wait', jobId);
    const joined = await upload();
    await cli('wait', joined);
    expect(await facts(joined)).toMatchObject({ status: 'joined' });
    const dryRun = () => cli('purge', jobId, '--dry-run', '--json');
    await expect.poll(async () => (await dryRun()).stderr, { timeout: 60_000 }).toBe(''); // after the clean-up
    expect(JSON.parse((await dryRun()).stdout)).toMatchObject({
      ...{ jobId, purged: false, copies: [joined], leftJobs: [held], costRecord: 'kept' },
      ...{
        requestFileVersions: { count: 2, bytes: 2 * rows.length },
        resultObjects: { count: 3 },
        apiFiles: 2,
      },
    });
    const asked = await cli('purge', jobId);
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('To answer yes, add --yes.') });
    expect(asked.stdout).toContain('what it cost, with its key and metadata');
    expect(await list(`${KEY}/${jobId}/`)).toHaveLength(3);

    const purged = await cli('purge', jobId, '--yes');
    expect(purged).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining(`Purged job ${jobId}.`),
    });
    expect(await list(`${KEY}/${jobId}/`)).toEqual([]);
    for (const gone of [jobId, joined])
      expect(await cli('show', gone)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('There is no job'),
      });
    const files = await (
      await fetch(`${runtime.names.openAiUrl}/files`, { headers: { authorization: 'Bearer any' } })
    ).text();
    expect(files).not.toContain(jobId);
    expect(await user.keys(runtime.names.resultsBucket, '_batchdrop/costs/')).toContainEqual(
      expect.stringContaining(jobId),
    );
  });

  it('leaves nothing that a later upload of the same bytes could join', async () => {
    const jobId = await upload();
    await cli('wait', jobId);
    expect(await facts(jobId)).toMatchObject({ status: 'completed' });
    await expect
      .poll(async () => (await cli('purge', jobId, '--costs', '--yes')).stderr, { timeout: 60_000 })
      .toBe('');
    expect(await user.keys(runtime.names.resultsBucket, '_batchdrop/costs/')).not.toContainEqual(
      expect.stringContaining(jobId),
    );
  });
});

describe('batchdrop openai', () => {
  it('accepts only the given API key', async () => {
    const { child, lines, ended } = await cliBeside([
      ...['openai', '--port', '0', '--directory', join(folder, 'openai'), '--api-key', 'sk-one', '--json'],
    ]);
    const [line] = await once(lines, 'line');
    const statusWith = async (key: string) =>
      (await fetch(`${JSON.parse(line).url}/batches`, { headers: { authorization: `Bearer ${key}` } }))
        .status;
    expect(await statusWith('sk-other')).toBe(401);
    expect(await statusWith('sk-one')).toBe(200);
    child.kill('SIGINT');
    await ended;
    expect(child.exitCode).toBe(0);
  });
});

describe('batchdrop up --json', () => {
  it('prints its endpoints and events as lines of JSON', async () => {
    const { code, stdout } = await batchdrop(
      ['up', '--json', '--exit', '--ephemeral', '--port', '0', '--speed', '240'],
      { cwd: folder },
    );
    const [first, ...events] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(first).toMatchObject({
      url: expect.stringMatching(/^http:\/\/127/),
      requestBucket: expect.any(String),
    });
    expect(events.at(-1)).toMatchObject({ source: 'batchdrop', detail: { data: { status: 'completed' } } });
  });
});
