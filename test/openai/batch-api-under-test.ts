import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import type { Batch, BatchCreateParams } from 'openai/resources/batches';
import { expect, onTestFinished } from 'vitest';
import { type BatchApiOptions, startBatchApi } from '../../local/openai/server.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { DocumentedFetch } from './official-document.ts';

export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;

/** Fixed durations, so that a test knows when each status ends. */
export const ROUND_TIMING = {
  validating: () => 10 * SECOND,
  inProgress: () => 100 * SECOND,
  finalizing: () => 20 * SECOND,
  cancelling: () => 30 * SECOND,
};

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-openai-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export type UnderTestOptions = Omit<BatchApiOptions, 'directory' | 'clock'> & {
  readonly directory?: string;
  readonly clock?: ManualClock;
};

/**
 * Starts a server on a manual clock, with the official SDK as its client. Every response is checked against OpenAI's
 * document.
 */
export async function batchApi(options: UnderTestOptions = {}) {
  const clock = options.clock ?? new ManualClock();
  const directory = options.directory ?? temporaryDirectory();
  const server = await startBatchApi({ timing: ROUND_TIMING, ...options, directory, clock });
  onTestFinished(() => server.close());
  const documented = new DocumentedFetch();
  const client = new OpenAI({
    apiKey: 'sk-test',
    baseURL: server.url,
    maxRetries: 0,
    fetch: documented.fetch,
  });
  return { server, clock, directory, client, checked: documented.checked };
}

export type BatchApiUnderTest = Awaited<ReturnType<typeof batchApi>>;

/** Returns a chat request line. `fails`: the HTTP status with which it fails. */
export function chatRow(customId: string, fails?: number): object {
  const marker = fails === undefined ? {} : { metadata: { batchdrop_local: `fail:${fails}` } };
  const messages = [{ role: 'user', content: `What is ${customId}?` }];
  return {
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o-mini', messages, ...marker },
  };
}

export function chatRows(count: number): object[] {
  return Array.from({ length: count }, (_, row) => chatRow(`row-${row}`));
}

export const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export async function uploadText(client: OpenAI, text: string | Buffer): Promise<string> {
  const file = await toFile(Buffer.from(text), 'requests.jsonl');
  return (await client.files.create({ purpose: 'batch', file })).id;
}

/** Uploads the content (rows, or the text of a file) and creates a batch with it. */
export async function createBatch(
  client: OpenAI,
  content: readonly object[] | string | Buffer,
  asked: Partial<BatchCreateParams> = {},
): Promise<Batch> {
  const text = typeof content === 'string' || Buffer.isBuffer(content) ? content : jsonl(content);
  return await client.batches.create({
    input_file_id: await uploadText(client, text),
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...asked,
  });
}

/** Waits for work that does not depend on the clock. The limit only ends a hung test. */
export async function reaches(client: OpenAI, id: string, status: Batch['status']): Promise<Batch> {
  await expect
    .poll(async () => (await client.batches.retrieve(id)).status, { timeout: 120_000 })
    .toBe(status);
  return await client.batches.retrieve(id);
}

/** Advances the clock until the batch is completed. */
export async function complete({ client, clock }: BatchApiUnderTest, id: string): Promise<Batch> {
  clock.advance(10 * SECOND);
  await reaches(client, id, 'in_progress');
  clock.advance(100 * SECOND);
  await reaches(client, id, 'finalizing');
  clock.advance(20 * SECOND);
  return await reaches(client, id, 'completed');
}

/** A line of an output or error file. */
export interface ResultLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { status_code: number; request_id: string; body: Record<string, unknown> } | null;
  readonly error: { code: string; message: string } | null;
}

/** Returns the lines of a result file; none if there is no file. */
export async function resultLines(client: OpenAI, id: string | null | undefined): Promise<ResultLine[]> {
  if (id === null || id === undefined) return [];
  const text = await (await client.files.content(id)).text();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): ResultLine => JSON.parse(line));
}
