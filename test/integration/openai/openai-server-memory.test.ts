import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { reaches, temporaryDirectory } from '../../openai/batch-api-under-test.ts';

const PROCESS = new URL('../../openai/server-process.ts', import.meta.url).pathname;
const MB = 1_000_000;
const ROWS = 13_000;
const ROW_BYTES = 15_000;
const SPEED = '1000'; // the window of 24 hours takes 86 seconds, also on a busy machine
const GARBAGE_MB = 120; // memory that is not collected yet: 67 to 94 in seven runs, on an idle and on a busy machine

async function tells(server: ChildProcess): Promise<{ url?: string; peakBytes?: number }> {
  const [message] = (await once(server, 'message')) as [{ url?: string; peakBytes?: number }];
  return message;
}

async function peakOf(server: ChildProcess): Promise<number> {
  const answer = tells(server);
  server.send('peak');
  return (await answer).peakBytes ?? Number.POSITIVE_INFINITY;
}

test('a file of nearly 200 MB is uploaded, validated, run and downloaded with bounded memory', async () => {
  const directory = temporaryDirectory();
  const server = fork(PROCESS, [join(directory, 'server'), SPEED], {
    execArgv: [], // not those of the tests, which let more garbage wait
  });
  onTestFinished(() => void server.kill('SIGKILL'));
  const { url = '' } = await tells(server);
  const client = new OpenAI({ apiKey: 'sk-test', baseURL: url, maxRetries: 0 });
  const atRest = await peakOf(server);

  const path = join(directory, 'large.jsonl');
  const content = 'wörter '.repeat(ROW_BYTES / 8);
  const lines = Readable.from(
    (function* () {
      for (let row = 0; row < ROWS; row++) {
        const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] };
        const line = { custom_id: `row-${row}`, method: 'POST', url: '/v1/chat/completions', body };
        yield `${JSON.stringify(line)}\n`;
      }
    })(),
  );
  await pipeline(lines, createWriteStream(path));
  const form = new FormData();
  form.set('purpose', 'batch');
  form.set('file', await openAsBlob(path), 'large.jsonl');
  const headers = { authorization: 'Bearer sk-test' };
  const uploaded = (await (await fetch(`${url}/files`, { method: 'POST', headers, body: form })).json()) as {
    id: string;
    bytes: number;
  };
  expect(uploaded.bytes).toBeGreaterThan(ROWS * ROW_BYTES);

  const { id } = await client.batches.create({
    input_file_id: uploaded.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  const completed = await reaches(client, id, 'completed');
  expect(completed.request_counts?.completed).toBe(ROWS);
  const sentBack = await client.files.content(uploaded.id);
  let received = 0;
  for await (const chunk of sentBack.body ?? []) received += chunk.length;
  expect(received).toBe(uploaded.bytes);

  const growth = (await peakOf(server)) - atRest;
  expect(growth).toBeLessThan(GARBAGE_MB * MB);
});
