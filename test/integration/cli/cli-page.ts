/**
 * Writes docs/cli.md: `npm run docs:cli`. It runs every command on a terminal of 80 columns, which `script`
 * (util-linux) provides, and captures the output. cli-page.test.ts fails if the help texts on the page differ from
 * those of the commands.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PROFILES } from '../../../local/openai/profiles/profiles.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { batchdrop } from '../child-runtime.ts';
import { Terminal } from './cli-terminal.ts';
import { API_KEY, WebhookStack } from './webhook-stack.ts';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = join(PROJECT, 'docs', 'cli.md');
const PROSE = join(PROJECT, 'test', 'integration', 'cli', 'cli-page.md');

const helps = new Map<string, Promise<string>>();

/** Returns the help text of a command, which replaces `{{help NAME}}`. `{{help}}` is the help of `batchdrop` itself. */
export function helpOf(command = ''): Promise<string> {
  const known = helps.get(command);
  if (known !== undefined) return known;
  const help = batchdrop([...(command ? [command] : []), '--help']).then(({ stdout }) => stdout.trim());
  helps.set(command, help);
  return help;
}

/** Replaces `{{help NAME}}` and `{{capture NAME}}` in the prose. Throws if there is no such capture. */
export async function pageOf(prose: string, captures: ReadonlyMap<string, string>): Promise<string> {
  let page = '';
  for (const [nth, piece] of prose.split(/\{\{([^}]+)\}\}/).entries()) {
    if (nth % 2 === 0) {
      page += piece;
      continue;
    }
    const [kind, name = ''] = piece.split(' ');
    const text = kind === 'help' ? await helpOf(name) : captures.get(name);
    if (text === undefined) throw new Error(`there is no capture ${name}`);
    page += `\`\`\`text\n${text}\n\`\`\``;
  }
  return page;
}

async function capture(): Promise<Map<string, string>> {
  const captures = new Map<string, string>();
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-page-'));
  cpSync(join(PROJECT, 'examples'), join(folder, 'examples'), { recursive: true });
  cpSync(join(PROJECT, 'examples', 'reviews'), folder, { recursive: true });
  writeFileSync(join(folder, 'bad.csv'), 'product,stars,review\nLamp,5,Good\nLamp,5\n');
  writeFileSync(join(folder, 'large.jsonl'), chatRows(60_000, 'large'));
  writeFileSync(join(folder, 'more.jsonl'), chatRows(20_000, 'more'));
  const open = (line: string, env: Record<string, string> = {}) => new Terminal(line, { cwd: folder, env });
  const run = async (name: string, line: string) => {
    const screen = await open(line).untilEnded();
    captures.set(name, [captures.get(name), screen].filter(Boolean).join('\n\n'));
    return screen;
  };
  const terminals: Terminal[] = [];
  try {
    const up = open('batchdrop up --port 4577');
    terminals.push(up);
    captures.set('up', await up.until(/job {5}completed.*/));

    await run('dry-run', 'batchdrop submit large.jsonl --dry-run');
    await run('dry-run', 'batchdrop submit examples/two-models.jsonl --dry-run');
    await run('dry-run', 'batchdrop submit examples/with-bad-lines.jsonl --dry-run');
    await run('prepare', 'batchdrop prepare reviews.csv --template classify.json -o requests.jsonl');
    await run('prepare', 'batchdrop prepare bad.csv --template classify.json -o requests.jsonl');
    const watch = open('batchdrop watch');
    terminals.push(watch);
    await watch.until(/Watching .*/);
    const submit = open('batchdrop submit more.jsonl --wait');
    captures.set('submit', await submit.until(/^[1-9][\d,]*\/20,000 rows {2}\d:\d\d/m));
    await submit.untilEnded();
    captures.set('watch', await watch.until(/job {5}completed.*/));
    await watch.stop();

    await run('pause', 'batchdrop pause');
    const held = await run('pause', 'batchdrop submit examples/embeddings.jsonl');
    const [, jobId = ''] = / {2}job (\w+)/.exec(held) ?? [];
    await run('pause', 'batchdrop resume');
    await run('list', 'batchdrop list --since 24h');
    await run('cancel', `batchdrop cancel ${jobId.slice(0, 6)}`);
    await captureApproval(open, terminals, captures);
    const done = await run('list', 'batchdrop list --status completed');
    const [, completed = ''] = /^(\w{8}) {2}completed/m.exec(done) ?? [];
    await run('results', `batchdrop results ${completed.slice(0, 6)} --out results`);
    await captureFailures(open, run, folder);
    await run('costs', 'batchdrop costs --by model');
    await run('doctor', 'batchdrop doctor');
    await sendUndelivered('http://127.0.0.1:4577');
    await open('batchdrop pause').untilEnded();
    await run('doctor-failing', 'batchdrop doctor');
    await open('batchdrop resume').untilEnded();
    await run('redrive', 'batchdrop redrive undelivered');
    await capturePurge(open, captures, completed.slice(0, 6));
    await captureWebhooks(open, captures);
    await captureTeardown(open, captures);
    await captureRealApi(open, terminals, captures);
    return new Map([...captures].map(([name, screen]) => [name, withoutToken(screen)]));
  } finally {
    for (const terminal of terminals.reverse()) await terminal.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each run of the console has another token. */
function withoutToken(screen: string): string {
  return screen.replaceAll(/#token=[\w-]+/g, '#token=…');
}

/** Waits for a job whose rows fail, shows it, and retries it. */
async function captureFailures(
  open: (line: string) => Terminal,
  run: (name: string, line: string) => Promise<string>,
  folder: string,
): Promise<void> {
  writeFileSync(
    join(folder, 'failing.jsonl'),
    chatRows(20, 'review').replace('"body":{', '"body":{"metadata":{"batchdrop_local":"fail:500"},'),
  );
  const submitted = await open('batchdrop submit failing.jsonl').untilEnded();
  const [, jobId = ''] = / {2}job (\w{8})/.exec(submitted) ?? [];
  await run('wait', `batchdrop wait ${jobId}`);
  await run('show', `batchdrop show ${jobId}`);
  await run('retry', `batchdrop retry ${jobId} --yes`);
  await run('retry', `batchdrop retry ${jobId} --yes`);
}

/** Approves a job that another terminal waits for. */
async function captureApproval(
  open: (line: string) => Terminal,
  terminals: Terminal[],
  captures: Map<string, string>,
): Promise<void> {
  const submit = open('batchdrop submit examples/responses.jsonl --hold --wait');
  terminals.push(submit);
  const held = await submit.until(/unapproved .*/);
  const [, jobId = ''] = / {2}job (\w+)/.exec(held) ?? [];
  const list = await open('batchdrop list --status unapproved').untilEnded();
  const approved = await open(`batchdrop approve ${jobId.slice(0, 8)}`).untilEnded();
  await submit.untilEnded();
  captures.set('approve', [held, list, approved].join('\n\n'));
}

/** Runs the commands for webhooks on a deployed stack whose API is a Batch API server. */
async function captureWebhooks(
  open: (line: string, env?: Record<string, string>) => Terminal,
  captures: Map<string, string>,
): Promise<void> {
  const stack = await WebhookStack.open();
  try {
    const screens: string[] = [];
    for (const action of ['enable', 'test', 'status', 'rotate', 'disable'])
      screens.push(
        await open(`batchdrop webhook ${action} --stack Batchdrop`, stack.environment).untilEnded(),
      );
    captures.set('webhook', screens.join('\n\n'));
  } finally {
    await stack.close();
  }
  const other = await WebhookStack.open({ profile: PROFILES.groq });
  try {
    const screen = open('batchdrop webhook enable --stack Batchdrop', other.environment).untilEnded();
    captures.set('webhook-by-hand', await screen);
  } finally {
    await other.close();
  }
}

/** Shows what a purge of a job would delete. */
async function capturePurge(
  open: (line: string) => Terminal,
  captures: Map<string, string>,
  jobId: string,
): Promise<void> {
  for (;;) {
    const screen = await open(`batchdrop purge ${jobId} --dry-run`).untilEnded();
    captures.set('purge', screen);
    if (!/cleans\s+up/.test(screen)) return; // Batchdrop cleans up after the job first
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** Stores a key, and takes a deployed stack down. */
async function captureTeardown(
  open: (line: string, env?: Record<string, string>) => Terminal,
  captures: Map<string, string>,
): Promise<void> {
  const stack = await WebhookStack.open();
  try {
    const env = stack.environment;
    stack.engines.secrets.putSecret('batchdrop/openai', 'sk-of-last-year');
    const key = open('batchdrop key set --stack Batchdrop', env);
    await key.until(/not shown/);
    await new Promise((resolve) => setTimeout(resolve, 500)); // keys that are typed earlier are discarded
    key.type(`${API_KEY}\r`);
    captures.set('key', await key.untilEnded());
    captures.set('teardown', await open('batchdrop teardown --stack Batchdrop', env).untilEnded());
    stack.engines.cloudFormation.remove('Batchdrop');
    const after = open('batchdrop teardown --stack Batchdrop', env);
    await after.until(/name of the stack/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    after.type('Batchdrop\r');
    captures.set('teardown-after', await after.untilEnded());
  } finally {
    await stack.close();
  }
}

/** Runs a Batch API server, and a runtime that uses it as the real API. */
async function captureRealApi(
  open: (line: string, env?: Record<string, string>) => Terminal,
  terminals: Terminal[],
  captures: Map<string, string>,
): Promise<void> {
  const api = open('batchdrop openai --port 4578 --api-key sk-anything');
  terminals.push(api);
  captures.set('openai', await api.until(/OPENAI_BASE_URL=.*/));

  const real = open('batchdrop up --real --port 4579', {
    OPENAI_API_KEY: 'sk-anything',
    OPENAI_BASE_URL: 'http://127.0.0.1:4578/v1',
  });
  terminals.push(real);
  await real.until(/Batchdrop is up[\s\S]*Ctrl-C.*/);
  await open('batchdrop submit examples/responses.jsonl --data .batchdrop-real').untilEnded();
  await real.until(/\[y\/N\]/);
  real.type('y\r');
  const screen = await real.until(/its results are in [\s\S]*\//);
  captures.set('real', screen.replaceAll(/(export AWS_[A-Z_]+=)\S+(?:\n\S+)?/g, '$1…')); // nor those of a deleted folder
}

/** Sends a message to the queue of undelivered events. */
async function sendUndelivered(endpoint: string): Promise<void> {
  const sqs = new SQSClient(clientConfig(endpoint));
  const { QueueUrls = [] } = await sqs.send(
    new ListQueuesCommand({ QueueNamePrefix: 'batchdrop-intake-undelivered' }),
  );
  await sqs.send(new SendMessageCommand({ QueueUrl: QueueUrls[0], MessageBody: '{}' }));
  sqs.destroy();
}

if (import.meta.main) {
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, await pageOf(readFileSync(PROSE, 'utf8'), await capture()));
  console.log(PAGE);
}
