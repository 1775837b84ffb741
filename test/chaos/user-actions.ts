import { setTimeout as wait } from 'node:timers/promises';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Outside } from './outside.ts';

export type Random = () => number;

/** What users do with the n-th file, repeatedly. The first five are enough for a short run. */
const MANNERS = [
  'drop',
  'cancel',
  'drop-again',
  'fail-rows',
  'overwrite',
  'several-parts',
  'bad-line',
  'cancel',
] as const;

const INPUTS_A_ROW = 20_000; // of the 50,000 that a batch may have, so five rows make three parts

export interface Workload {
  readonly outside: Outside;
  readonly ear: EventRecorder;
  readonly bucket: string;
  readonly random: Random;
}

/** Uploads `files` files over `windowMs` of wall time, each in its own way. */
export async function dropFiles(users: Workload, files: number, windowMs: number): Promise<void> {
  const drops = Array.from({ length: files }, async (_, number) => {
    const delay = (number / files) * windowMs;
    const [rows, patience] = [5 + Math.floor(users.random() * 35), users.random() * 5_000];
    await wait(delay);
    await handle(users, number, rows, patience);
  });
  await Promise.all(drops);
}

async function handle(users: Workload, number: number, rows: number, patienceMs: number): Promise<void> {
  const { outside } = users;
  const manner = MANNERS[number % MANNERS.length] ?? 'drop';
  const key = `team ${number % 3}/${manner}-${number}.jsonl`;
  const file = fileFor(manner, rows, `${manner} ${number}`);
  const versionId = await outside.put(key, file);
  if (manner === 'cancel') await cancelIn(users, number, key, versionId, patienceMs);
  if (manner === 'drop-again') await outside.put(key, file);
  if (manner === 'overwrite') await outside.put(key, fileFor(manner, rows + 3, `other ${number}`));
}

/** Cancels one third by job, one third by batch (if there is one by now), and one third by key. */
async function cancelIn(
  { outside, ear, bucket }: Workload,
  number: number,
  key: string,
  versionId: string,
  patienceMs: number,
): Promise<void> {
  await wait(patienceMs);
  const jobId = jobIdOf({ bucket, key, versionId });
  const batchId = ear.batchOf(jobId);
  if (number % 3 === 0) await outside.cancel({ bucket, key });
  else if (number % 3 === 1 && batchId !== undefined) await outside.cancel({ batchId });
  else await outside.cancel({ jobId });
}

function fileFor(manner: (typeof MANNERS)[number], count: number, word: string): string {
  if (manner === 'several-parts') return embeddingRows(5, word);
  const rows = chatRows(count, word, manner === 'fail-rows');
  return manner === 'bad-line' ? `${rows}{"custom_id":"half\n` : rows;
}

function chatRows(count: number, word: string, someFail: boolean): string {
  return lines(count, '/v1/chat/completions', (at) => ({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: `Say ${word} ${at}` }],
    ...(someFail && at % 4 === 0 ? { metadata: { batchdrop_local: 'fail:500' } } : {}),
  }));
}

function embeddingRows(count: number, word: string): string {
  return lines(count, '/v1/embeddings', (at) => ({
    model: 'text-embedding-3-small',
    input: Array.from({ length: INPUTS_A_ROW }, (_, input) => (input === 0 ? `${word} ${at}` : 'a')),
  }));
}

function lines(count: number, url: string, body: (at: number) => object): string {
  const rows = Array.from({ length: count }, (_, at) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url,
    body: body(at),
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
