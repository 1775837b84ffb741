import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chatRows, createBatch } from '../../openai/batch-api-under-test.ts';
import { unwrapped, WebhookReceiver } from '../../openai/webhook-receiver.ts';
import { batchdrop } from '../child-runtime.ts';

const BATCHDROP = fileURLToPath(new URL('../../../bin/batchdrop.ts', import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-openai-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openai = (...args: string[]) =>
  batchdrop(['openai', '--directory', 'server', ...args], { cwd: folder });

/** Starts `batchdrop openai` on a free port and waits until it responds. */
async function start(...more: string[]) {
  const args = [BATCHDROP, 'openai', '--directory', 'server', '--port', '0', ...more];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const complaint = text(child.stderr);
  const exited = once(child, 'exit');
  const [printed] = await once(child.stdout, 'data');
  const { OPENAI_BASE_URL: url = '', OPENAI_WEBHOOK_SECRET: secret } = parseEnv(String(printed));
  return { child, complaint, exited, url, secret };
}

describe('batchdrop openai', () => {
  it('ends with 1 and a sentence if its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String(Object(other.address()).port);
    const { code, stderr } = await openai('--port', port);
    other.close();
    expect(stderr).toBe(
      `Port ${port} is already in use: stop the process that uses it, or choose another with --port.\n`,
    );
    expect(code).toBe(1);
  });

  it('ends with 1 and a sentence if its directory is in use, and does not disturb the server there', async () => {
    const running = await start();
    const clock = () => Number(readFileSync(join(folder, 'server', 'clock'), 'utf8'));
    const before = clock();
    const { code, stderr } = await openai('--port', '0', '--speed', '100000');
    expect(stderr).toBe(
      'server is in use by another server: stop it, or choose another directory with --directory\n',
    );
    expect(code).toBe(1);
    expect(clock() - before).toBeLessThan(24 * 3_600_000); // the other server's clock would have been far ahead
    expect(statSync(join(folder, 'server')).mode & 0o777).toBe(0o700);
    running.child.kill('SIGINT');
    expect(await running.exited).toEqual([0, null]);
  });

  it('ends with 1 and a sentence if its directory cannot be used', async () => {
    writeFileSync(join(folder, 'server'), 'a file');
    const first = await openai('--port', '0');
    expect(first.stderr).toMatch(/^server cannot be used: .*; choose another directory with --directory\n$/);
    rmSync(join(folder, 'server'));
    mkdirSync(join(folder, 'server'));
    writeFileSync(join(folder, 'server', 'batch-api.sqlite'), 'not a database at all '.repeat(10));
    const second = await openai('--port', '0');
    expect(second.stderr).toMatch(
      /^server\/batch-api\.sqlite cannot be used as the server's database: .*; choose another directory with --directory\n$/,
    );
    expect([first.code, second.code]).toEqual([1, 1]);
  });

  it('ends with 1 and a sentence when the disk is full, keeps what it stored, and leaves no incomplete file', async () => {
    const running = await start();
    const form = new FormData();
    form.set('purpose', 'batch');
    form.set('file', new Blob(['{"custom_id":"1"}\n']), 'a.jsonl');
    const headers = { authorization: 'Bearer sk-any' };
    const { id } = Object(
      await (await fetch(`${running.url}/files`, { method: 'POST', headers, body: form })).json(),
    );
    // The next save of the clock fails as on a full disk.
    symlinkSync('/dev/full', join(folder, 'server', 'clock.new'));
    expect(await running.exited).toEqual([1, null]);
    expect(await running.complaint).toMatch(
      /^No space is left on the disk\. .* Free some space, then try again\.\n$/,
    );
    expect(readdirSync(join(folder, 'server'))).not.toContain('clock.new');

    const again = await start();
    const content = await fetch(`${again.url}/files/${id}/content`, { headers });
    expect(await content.text()).toBe('{"custom_id":"1"}\n');
    again.child.kill('SIGINT');
    await again.exited;

    symlinkSync('/dev/full', join(folder, 'server', 'clock.new'));
    const { code, stderr } = await openai('--port', '0');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^No space is left on the disk/),
    });
    expect(readdirSync(join(folder, 'server'))).not.toContain('clock.new');
  });

  it('with --webhook, sends the end of a batch to the URL, signed with the secret that it printed', async () => {
    const receiver = await WebhookReceiver.open();
    const { child, exited, url, secret = '' } = await start('--webhook', receiver.url, '--speed', '5000');
    const client = new OpenAI({ apiKey: 'sk-any', baseURL: url });
    const { id } = await createBatch(client, chatRows(1));
    const [webhook] = await receiver.until(1);
    const event = await unwrapped(Object(webhook), secret); // its time is real time, whatever the server's clock shows
    expect(event).toMatchObject({ type: 'batch.completed', data: { id } });
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });

  it('with --webhook, prints the same secret after a restart, or the secret that the user chooses', async () => {
    const secrets: (string | undefined)[] = [];
    const chosen = `whsec_${Buffer.from('a secret of a workflow').toString('base64')}`;
    for (const more of [[], [], ['--webhook-secret', chosen], []]) {
      const { child, exited, secret } = await start('--webhook', 'http://127.0.0.1:9/hook', ...more);
      secrets.push(secret);
      child.kill('SIGINT');
      await exited;
    }
    expect(secrets[0]).toMatch(/^whsec_/);
    expect(secrets).toEqual([secrets[0], secrets[0], chosen, chosen]);
  });

  it.each([
    [
      ['--webhook', 'http://example.com'],
      '--webhook must start with https://; http:// is for this machine only.',
    ],
    [['--webhook-secret', 'whsec_YWJj'], '--webhook-secret needs --webhook.'],
    [
      ['--webhook', 'http://127.0.0.1:9', '--webhook-secret', 'whsec_short'],
      '--webhook-secret must be whsec_ and the base64 of at least 16 bytes.',
    ],
    [
      ['--webhook', 'http://127.0.0.1:9', '--profile', 'groq'],
      '--webhook works only with --profile openai, not groq.',
    ],
  ])('ends with 1 and a sentence for %j', async (args, sentence) => {
    const { code, stderr } = await openai('--port', '0', ...args);
    expect(stderr).toBe(`${sentence}\n`);
    expect(code).toBe(1);
  });
});
