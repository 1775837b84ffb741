import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../bin/connection.ts';
import { jobIdOf } from '../../functions/shared/core/job-id.ts';
import { VirtualClock } from '../../local/clock.ts';
import { readAudit } from '../../local/openai/audit-log.ts';
import { type BatchApiServer, startBatchApi } from '../../local/openai/server.ts';
import { readWhereabouts } from '../../local/runtime/data-directory.ts';
import { openTlsFront, TEST_CA } from '../openai/tls/tls-front.ts';
import { batchdrop } from './child-runtime.ts';
import { chatRows, idsIn, Outsider } from './stock-clients.ts';

const PROCESS = fileURLToPath(new URL('cli-real-process.ts', import.meta.url));
const KEY = 'sk-test-behind-tls';

let folder: string;
let api: BatchApiServer;
let clock: VirtualClock;
let front: Awaited<ReturnType<typeof openTlsFront>>;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-real-'));
  clock = new VirtualClock({ speed: 600 });
  api = await startBatchApi({ directory: join(folder, 'openai'), clock, apiKey: KEY });
  front = await openTlsFront(api.url);
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await front?.close();
  await api?.close();
  clock?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `batchdrop up --real` and whoever answers its questions. */
class RealRun {
  readonly #child: ChildProcess;
  readonly #questions: string[] = [];
  printed = '';

  constructor(...more: '--yes'[]) {
    this.#child = fork(PROCESS, ['data', ...more], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        NO_COLOR: '1',
        OPENAI_API_KEY: KEY,
        OPENAI_BASE_URL: front.url,
        NODE_EXTRA_CA_CERTS: TEST_CA,
      },
    });
    running.add(this.#child);
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on('data', (text) => {
        this.printed += text;
      });
    }
    this.#child.on('message', (message) => this.#questions.push(Object(message).question));
  }

  async untilPrinted(text: string): Promise<void> {
    await expect.poll(() => this.printed, { timeout: 45_000, interval: 50 }).toContain(text);
  }

  async untilAsked(): Promise<string> {
    await expect.poll(() => this.#questions.length, { timeout: 45_000, interval: 50 }).toBeGreaterThan(0);
    return this.#questions.shift() ?? '';
  }

  get hasAsked(): boolean {
    return this.#questions.length > 0;
  }

  answer(answer: 'yes' | 'no'): void {
    this.#child.send(answer);
  }

  async end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
    running.delete(this.#child);
  }
}

async function drop(key: string, body: string): Promise<string> {
  const names = readWhereabouts(join(folder, 'data'));
  if (names === undefined) throw new Error('nothing is up');
  const outsider = new Outsider(names);
  const versionId = await outsider.put(key, body);
  outsider.close();
  return jobIdOf({ bucket: names.requestBucket, key, versionId });
}

/** So many looks of the poller, in each of which something held back could have been sent. */
async function untilLooked(times: number): Promise<void> {
  const names = readWhereabouts(join(folder, 'data'));
  if (names === undefined) throw new Error('nothing is up');
  const { ledger, close } = connectionTo(names);
  const written = async () => (await ledger.readControl()).version; // at the begin and the end of each look
  const before = await written();
  await expect.poll(written, { timeout: 45_000 }).toBeGreaterThanOrEqual(before + 2 * times);
  close();
}

const asked = (event: string) => readAudit(join(folder, 'openai')).filter((entry) => entry.event === event);

describe('batchdrop up --real, over https with a private authority', () => {
  it('sends nothing before a yes, not even after a kill; a no cancels; results come into a folder once', async () => {
    const first = new RealRun();
    await first.untilPrinted('Batchdrop is up');
    const unwanted = await drop('unwanted.jsonl', chatRows(3, 'no'));
    expect(await first.untilAsked()).toContain(`Send 3 rows to ${front.url}`);
    expect(first.printed).toContain('unwanted.jsonl: 3 rows of gpt-4o-mini in 1 batch');
    await untilLooked(10);
    expect(asked('file.created')).toEqual([]);
    await first.end('SIGKILL');

    const second = new RealRun();
    expect(await second.untilAsked()).toContain('Send 3 rows');
    await untilLooked(5);
    expect(asked('file.created')).toEqual([]);
    second.answer('no');
    await second.untilPrinted('unwanted.jsonl is cancelled: nothing of it was sent');
    const file = chatRows(24, 'yes');
    const wanted = await drop('wanted.jsonl', file);
    expect(await second.untilAsked()).toContain('Send 24 rows');
    second.answer('yes');
    await expect.poll(() => asked('batch.created').length, { timeout: 45_000 }).toBe(1);
    await second.end('SIGKILL');

    const third = new RealRun();
    await third.untilPrinted(`wanted.jsonl  completed: its results are in data/results/${wanted}/`);
    const results = join(folder, 'data', 'results', wanted);
    expect(idsIn(readFileSync(join(results, 'output.jsonl'), 'utf8'))).toEqual(idsIn(file));
    expect(third.hasAsked).toBe(false);
    expect(asked('batch.created')).toHaveLength(1);
    await third.end('SIGINT');

    const fourth = new RealRun();
    await fourth.untilPrinted('Batchdrop is up');
    await drop('broken.jsonl', 'broken');
    await fourth.untilPrinted('broken.jsonl  rejected: its report is in'); // after it had looked for those of before
    await fourth.end('SIGINT');
    expect(fourth.printed).not.toContain('its results are in');
    expect(existsSync(join(folder, 'data', 'results', unwanted, 'output.jsonl'))).toBe(true);
  }, 180_000);

  it('with --yes asks nothing, but leaves a pause of before to whoever ends it', async () => {
    const run = new RealRun('--yes');
    await run.untilPrinted(
      'Submission is paused since an earlier run: npx batchdrop resume sends what waits.',
    );
    const before = asked('batch.created').length;
    const jobId = await drop('later.jsonl', chatRows(2, 'later'));
    await run.untilPrinted(`later.jsonl  2 rows in 1 batch  ${jobId}`);
    expect(run.hasAsked).toBe(false);
    const cli = (...args: string[]) => batchdrop([...args, '--data', 'data'], { cwd: folder });
    await untilLooked(5);
    expect(asked('batch.created')).toHaveLength(before);
    expect((await cli('resume')).stdout).toMatch(/^Resumed: 1 file with 2 rows/);
    await run.untilPrinted('later.jsonl  completed: its results are in');
    expect(run.hasAsked).toBe(false);
    await run.end('SIGINT');
  });
});

describe('batchdrop up --real says before anything starts', () => {
  const key = { OPENAI_API_KEY: KEY };
  it.each([
    ['that it has nobody to ask', ['--real'], key, /there is no terminal to ask on: add --yes/],
    [
      'that an address is not safe',
      ['--real', '--yes'],
      { ...key, OPENAI_BASE_URL: 'http://api.test/v1' },
      /has to be an https address/,
    ],
    [
      'that the certificates are not there',
      ['--real', '--yes'],
      { ...key, NODE_EXTRA_CA_CERTS: 'gone.pem' },
      /names gone.pem, which is not there/,
    ],
    ['that a yes alone means nothing', ['--yes'], {}, /--yes goes with --real/],
  ])('%s', async (_, args, env, sentence) => {
    const place = join(folder, 'empty');
    const { code, stderr } = await batchdrop(['up', ...args, '--data', place], { env });
    expect(stderr).toMatch(sentence);
    expect(code).toBe(1);
    expect(existsSync(place)).toBe(false);
  });
});
