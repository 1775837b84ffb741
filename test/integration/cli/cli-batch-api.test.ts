import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { chatRows, idsIn } from '../../local/endpoint/chat-rows.ts';
import { batchdrop, ChildRuntime } from '../child-runtime.ts';

const BATCHDROP = fileURLToPath(new URL('../../../bin/batchdrop.ts', import.meta.url));
const SPEED = 120;

let folder: string;
let server: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-server-'));
  const options = [
    '--directory',
    'server',
    '--port',
    '0',
    '--speed',
    String(SPEED),
    '--api-key',
    'sk-gateway',
  ];
  server = spawn(process.execPath, [BATCHDROP, 'openai', ...options, '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(server.stdout ?? server, 'data');
  ({ url } = JSON.parse(String(line)));
});

afterAll(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGINT');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

describe('batchdrop up --batch-api', () => {
  it("runs a job on another server of this machine, with that server's key, and asks nothing", async () => {
    const env = { BATCH_API_KEY: 'sk-gateway', OPENAI_API_KEY: 'sk-never-sent-there' };
    const runtime = await ChildRuntime.start({ speed: SPEED, more: ['--batch-api', `${url}/`], env });
    const file = chatRows(12, 'elsewhere');
    const path = join(folder, 'elsewhere.jsonl');
    writeFileSync(path, file);
    const cli = (...args: string[]) => batchdrop([...args, '--data', runtime.directory], { cwd: folder });
    const submitted = await cli('submit', path, '--wait', '--json');
    const [job] = JSON.parse(submitted.stdout);
    const checked = await cli('doctor', '--json');
    await cli('results', job.jobId, '--out', 'results');
    const { openAiUrl } = runtime.names;
    const hasOwnServer = existsSync(join(runtime.directory, 'openai'));
    await runtime.discard();

    expect(job).toMatchObject({ status: 'completed', rows: { total: 12, succeeded: 12 } });
    expect(idsIn(readFileSync(join(folder, 'results', 'output.jsonl'), 'utf8'))).toEqual(idsIn(file));
    expect(openAiUrl).toBe(url);
    expect(hasOwnServer).toBe(false);
    const created = readAudit(join(folder, 'server')).filter(({ event }) => event === 'batch.created');
    expect(created).toHaveLength(1); // the example job is not sent to another program's server
    expect(JSON.parse(checked.stdout)).toContainEqual(
      expect.objectContaining({
        check: 'API key',
        verdict: 'note',
        found: expect.stringContaining('not checked'),
      }),
    );
  });

  const key = { BATCH_API_KEY: 'sk-gateway' };
  const elsewhere = 'https://gateway.example/v1';
  it.each([
    [
      'http on another machine',
      ['http://gateway.example/v1'],
      key,
      1,
      /^--batch-api must start with https:\/\//,
    ],
    ['text that is not a URL', ['gateway'], key, 1, /^--batch-api is not a URL/],
    [
      'a password in the URL',
      ['https://me:pw@gateway.example/v1'],
      key,
      1,
      /^--batch-api must not contain a user/,
    ],
    [
      'a server elsewhere without its own key',
      [elsewhere, '--yes'],
      { OPENAI_API_KEY: 'sk-real' },
      1,
      /needs an API key\. Set the environment variable BATCH_API_KEY\. OPENAI_API_KEY is not sent to other servers\.$/m,
    ],
    [
      'spending without a question',
      [elsewhere],
      key,
      1,
      /^--batch-api asks before it sends .* To send all .* add --yes/,
    ],
    [
      'a faster clock for a server elsewhere',
      [elsewhere, '--yes', '--speed', '60'],
      key,
      1,
      /^--speed works only with/,
    ],
    ['--yes where nothing is asked', ['http://127.0.0.1:9/v1', '--yes'], {}, 1, /^--yes works only with/],
    [
      '--real besides',
      [elsewhere, '--real'],
      key,
      2,
      /'--batch-api <url>' cannot be used with option '--real'/,
    ],
    [
      '--exit besides',
      [elsewhere, '--exit'],
      key,
      2,
      /'--exit' cannot be used with option '--batch-api <url>'/,
    ],
  ])('refuses %s', async (_, [address = '', ...more], env, code, sentence) => {
    const place = join(folder, 'nothing');
    const outcome = await batchdrop(['up', '--batch-api', address, ...more, '--data', place], { env });
    expect(outcome.stderr).toMatch(sentence);
    expect(outcome.code).toBe(code);
    expect(existsSync(place)).toBe(false);
  });
});
