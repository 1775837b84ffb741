import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { readAudit } from '../../../local/openai/audit-log.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import {
  batchApi,
  chatRow,
  chatRows,
  complete,
  createBatch,
  reaches,
  resultLines,
  SECOND,
  temporaryDirectory,
  uploadText,
} from '../../openai/batch-api-under-test.ts';
import { DocumentedFetch } from '../../openai/official-document.ts';

const MAIN = new URL('../../../local/openai/main.ts', import.meta.url).pathname;

/** Starts the server in a process that can be killed. */
async function startAlone(directory: string, speed: number) {
  const args = [MAIN, '--port', '0', '--directory', directory, '--speed', String(speed)];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => end(server, 'SIGKILL'));
  const [url] = (await once(createInterface(server.stdout), 'line')) as [string];
  const options = { apiKey: 'sk-test', baseURL: url, maxRetries: 0 };
  return { server, client: new OpenAI({ ...options, fetch: new DocumentedFetch().fetch }) };
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill(signal);
  await once(server, 'exit');
}

const billedIds = (directory: string) =>
  readAudit(directory).flatMap((entry) => (entry.event === 'row.billed' ? [entry.customId] : []));

test('a batch continues after a kill during its validation', async () => {
  const directory = temporaryDirectory();
  const first = await startAlone(directory, 1);
  const { id } = await createBatch(first.client, [...chatRows(20), chatRow('broken', 500)]);
  await end(first.server, 'SIGKILL');

  const second = await startAlone(directory, 5_000);
  const completed = await reaches(second.client, id, 'completed');
  expect(completed.request_counts).toEqual({ total: 21, completed: 20, failed: 1 });
  expect(await resultLines(second.client, completed.output_file_id)).toHaveLength(20);
  expect(readAudit(directory).filter(({ event }) => event === 'batch.created')).toHaveLength(1);
  expect(new Set(billedIds(directory)).size).toBe(20);
});

test('after a kill while it writes results, it writes them again and bills no row twice', async () => {
  const rows = 20_000;
  const directory = temporaryDirectory();
  const first = await startAlone(directory, 20_000);
  const { id } = await createBatch(first.client, chatRows(rows));
  await expect
    .poll(() => readFileSync(join(directory, 'audit.jsonl'), 'utf8').includes('row.billed'), {
      interval: 2,
      timeout: 60_000,
    })
    .toBe(true);
  await end(first.server, 'SIGKILL');
  const billedBefore = billedIds(directory).length;
  expect(billedBefore).toBeGreaterThan(0);
  expect(billedBefore).toBeLessThan(rows);

  const second = await startAlone(directory, 20_000);
  const completed = await reaches(second.client, id, 'completed');
  expect(await resultLines(second.client, completed.output_file_id)).toHaveLength(rows);
  const billed = billedIds(directory);
  expect(billed).toHaveLength(rows);
  expect(new Set(billed).size).toBe(rows);
  expect(readdirSync(join(directory, 'incoming'))).toEqual([]);
});

test('the clock of the stand-alone server never goes back, even after a restart', async () => {
  const directory = temporaryDirectory();
  const first = await startAlone(directory, 100_000);
  const before = await createBatch(first.client, chatRows(1));
  await reaches(first.client, before.id, 'completed');
  const { completed_at } = await first.client.batches.retrieve(before.id);
  await end(first.server, 'SIGKILL');
  const second = await startAlone(directory, 1);
  const after = await createBatch(second.client, chatRows(1));
  expect(after.created_at).toBeGreaterThanOrEqual(completed_at ?? Number.POSITIVE_INFINITY);
});

test('a server that was stopped normally continues with the same counts', async () => {
  const { client, clock, directory, server } = await batchApi();
  const { id } = await createBatch(client, [...chatRows(8), chatRow('broken', 500), chatRow('limited', 429)]);
  clock.advance(10 * SECOND);
  await reaches(client, id, 'in_progress');
  clock.advance(50 * SECOND);
  const halfway = await client.batches.retrieve(id);
  await server.close();

  const again = await batchApi({ directory, clock });
  expect(await again.client.batches.retrieve(id)).toEqual(halfway);
  clock.advance(50 * SECOND);
  await reaches(again.client, id, 'finalizing');
  clock.advance(20 * SECOND);
  expect((await reaches(again.client, id, 'completed')).request_counts).toMatchObject({
    completed: 8,
    failed: 2,
  });
});

test('leftovers of a kill are deleted: an incomplete upload, contents without a file, an incomplete audit line', async () => {
  const directory = temporaryDirectory();
  const first = await batchApi({ directory });
  await complete(first, (await createBatch(first.client, chatRows(2))).id);
  await first.server.close();
  const whole = readAudit(directory);
  const kept = readdirSync(join(directory, 'files')).sort();
  writeFileSync(join(directory, 'incoming', 'half-an-upload'), 'x');
  writeFileSync(join(directory, 'files', 'file-of-no-one'), 'x');
  appendFileSync(join(directory, 'audit.jsonl'), '{"n":99,"at":1,"event":"row.bil');

  const second = await batchApi({ directory, clock: first.clock });
  expect(readdirSync(join(directory, 'incoming'))).toEqual([]);
  expect(readdirSync(join(directory, 'files')).sort()).toEqual(kept);
  expect(readAudit(directory)).toEqual(whole);
  await createBatch(second.client, chatRows(1));
  expect(
    readAudit(directory)
      .slice(whole.length)
      .map(({ n, event }) => ({ n, event })),
  ).toEqual([
    { n: whole.length + 1, event: 'file.created' },
    { n: whole.length + 2, event: 'batch.created' },
  ]);
});

test('a kill after an audit line was written and before that is recorded does not repeat the line', async () => {
  const { client, clock, directory, server } = await batchApi();
  await createBatch(client, chatRows(1));
  await server.close();
  const whole = readAudit(directory);
  const database = new DatabaseSync(join(directory, 'batch-api.sqlite'));
  const insert = database.prepare('INSERT INTO audit (n, line) VALUES (?, ?)');
  for (const { n, ...entry } of whole) insert.run(n, JSON.stringify(entry));
  database.close();

  const again = await batchApi({ directory, clock });
  expect(readAudit(directory)).toEqual(whole);
  await uploadText(again.client, '{}');
  expect(readAudit(directory).map(({ n }) => n)).toEqual([1, 2, 3]);
});

test('a directory that is in use by a server cannot be opened by another', async () => {
  const { client, directory, clock } = await batchApi();
  await expect(startBatchApi({ directory, clock })).rejects.toThrow(/another server/);
  await createBatch(client, chatRows(1));
});

test('a directory keeps its seed, so a batch has the same end with another seed', async () => {
  const results = async (seedLater: number) => {
    const first = await batchApi({ seed: 1 });
    const { id } = await createBatch(first.client, [...chatRows(20), chatRow('broken', 500)]);
    first.clock.advance(10 * SECOND);
    await reaches(first.client, id, 'in_progress');
    await first.server.close();
    const { client, clock } = await batchApi({
      directory: first.directory,
      clock: first.clock,
      seed: seedLater,
    });
    clock.advance(100 * SECOND);
    await reaches(client, id, 'finalizing');
    clock.advance(20 * SECOND);
    return await resultLines(client, (await reaches(client, id, 'completed')).output_file_id);
  };
  expect(await results(2)).toEqual(await results(1));
});
