import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildLocalPackage } from '../../lib/bundling/build-local-package.ts';
import { buildPackage } from '../../lib/bundling/build-package.ts';
import { type RuntimeEndpoints, readRuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

/** The oldest Node that the packages support. The runtime brings its own. */
const NODE = '20.19.5';
const TSX = '4.23.15';
const QUEUE = 'reports-inbox';

let folder: string;
let app: string;
let node: string;
let up: ChildProcess;
let names: RuntimeEndpoints;
let printed = '';

const npm = (at: string, ...options: string[]) =>
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...options], { cwd: at });

async function packed(directory: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', directory, '--pack-destination', folder]);
  return join(folder, stdout.trim().split('\n').at(-1) ?? '');
}

/** A person's environment, without variables of AWS. */
const env = () => ({
  PATH: `${join(node, '..')}:${process.env.PATH}`,
  HOME: folder,
  NO_COLOR: '1',
  npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? '', '.npm'),
  XDG_CACHE_HOME: join(folder, 'cache'),
});

const command = () => join(app, 'node_modules/.bin/batchdrop');

const batchdrop = (...args: string[]) =>
  run(node, [command(), ...args], { cwd: app, env: env() }).catch((failure: unknown) => Object(failure));

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchdrop-own-app-')));
  app = join(folder, 'app');
  const nodes = join(folder, 'node');
  for (const made of [app, nodes]) mkdirSync(made);
  for (const made of [app, nodes])
    writeFileSync(join(made, 'package.json'), '{ "private": true, "type": "module" }');
  await npm(nodes, `node@${NODE}`);
  node = join(nodes, 'node_modules/node/bin/node');
  const { dependencies } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const peers = ['aws-cdk-lib', 'constructs'].map((name) => `${name}@${dependencies[name]}`);
  const archives = [await packed(await buildPackage()), await packed(await buildLocalPackage())];
  await npm(app, ...archives, ...peers, `tsx@${TSX}`);
  copyFileSync(join(PROJECT, 'examples/apps/two-batchdrops.ts'), join(app, 'app.ts'));
  writeFileSync(join(app, 'cdk.json'), JSON.stringify({ app: 'npx tsx app.ts' }));
  up = spawn(node, [command(), 'up', '--port', '0', '--speed', '600'], {
    cwd: app,
    env: env(),
    detached: true,
  });
  for (const output of [up.stdout, up.stderr]) {
    output?.on('data', (text) => {
      printed += text;
    });
  }
  const early = once(up, 'exit').then(() => {
    throw new Error(`it ended: ${printed}`);
  });
  const isUp = async ({ stdout }: ChildProcess) => {
    while (stdout !== null && !printed.includes('Batchdrop is up.')) await once(stdout, 'data');
  };
  await Promise.race([isUp(up), early]);
  early.catch(() => {}); // the end of the test ends it
  const running = readRuntimeEndpoints(join(app, '.batchdrop'));
  if (running === undefined) throw new Error('no runtime is up');
  names = running;
}, 900_000);

afterAll(async () => {
  endGroup(up?.pid);
  rmSync(folder, { recursive: true, force: true });
});

describe('an app with two Batchdrops, a queue and a function, on one machine, from the installed packages', () => {
  it('runs on Node 20, with a runtime that brings its own Node', async () => {
    expect((await run(node, ['--version'])).stdout.trim()).toBe(`v${NODE}`);
    expect(printed).toMatch(/It installs node-\S+@24\./);
    expect(names.batchdrops.map(({ stack, construct }) => `${stack} ${construct}`)).toEqual([
      'Reports Nightly',
      'Reports ByRequest',
    ]);
  });

  it('asks which Batchdrop a command is for', async () => {
    writeFileSync(join(app, 'one.jsonl'), requestOf('one'));
    const { stderr } = await batchdrop('submit', 'one.jsonl');
    expect(stderr).toContain(
      'contains 2 Batchdrops. Select one with --local --construct: Nightly, ByRequest.',
    );
  });

  it.each(['Nightly', 'ByRequest'])('a job of %s reaches the queue and the function', async (construct) => {
    const file = `${construct}.jsonl`;
    writeFileSync(join(app, file), requestOf(construct));
    const { stdout } = await batchdrop('submit', file, '--wait', '--local', '--construct', construct);
    expect(stdout).toContain('completed');
    await expect
      .poll(() => printed, { timeout: 120_000 })
      .toContain(`reports-notify: Reports.${construct}: ${file} is completed, first ${construct}`);
    expect(await received(file)).toMatchObject({
      detail: { metadata: { instance: `Reports.${construct}` }, data: { status: 'completed' } },
    });
  });

  it('ends at Ctrl-C', async () => {
    const ended = once(up, 'exit');
    up.kill('SIGINT');
    await ended;
    expect(readRuntimeEndpoints(join(app, '.batchdrop'))).toBeUndefined();
  });

  it('needs the package of the runtime, and says so', async () => {
    rmSync(join(app, 'node_modules/@batchdrop/local'), { recursive: true });
    const { stderr } = await batchdrop('up');
    expect(stderr).toContain('Install it: npm install --save-dev @batchdrop/local');
  });
});

/** The runtime is a child of the command. After a failed test, it still runs. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {} // all have ended
}

function requestOf(id: string): string {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] };
  const row = { custom_id: id, method: 'POST', url: '/v1/chat/completions', body };
  return `${JSON.stringify(row)}\n`;
}

/** Returns the event in the queue that is about this file. */
async function received(key: string): Promise<unknown> {
  const sqs = new SQSClient(clientConfig(names.url));
  const QueueUrl = `${names.url}/000000000000/${QUEUE}`;
  try {
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
      const events = Messages.map(({ Body = '' }) => JSON.parse(Body));
      const found = events.find(({ detail }) => detail.data.requestFile.key === key);
      if (found !== undefined) return found;
    }
  } finally {
    sqs.destroy();
  }
}
