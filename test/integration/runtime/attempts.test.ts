import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idsIn } from '../../local/endpoint/stock-clients.ts';
import { LocalRuntime } from '../local-runtime.ts';

const PARTS = 3;
const ROWS_A_PART = 50;
const INPUTS_A_ROW = 1_000; // 50,000 a part is the API's limit

/** Every batch loses a twentieth of its rows, the fourth and later ones none; the second runs out of time. */
const FAULTS = [
  {
    on: ['batches.create'],
    fault: { fault: 'failing-rows', share: 0.05, status: 503 },
    rate: 1,
    times: PARTS,
  },
  { on: ['batches.create'], fault: { fault: 'expire' }, rate: 1, times: 1 },
] as const;

let laptop: LocalRuntime;

beforeAll(async () => {
  laptop = await LocalRuntime.open({ faults: FAULTS });
});

afterAll(() => laptop?.close());

function embeddingRows(count: number): string {
  const input = Array.from({ length: INPUTS_A_ROW }, (_, at) => `text ${at}`);
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      custom_id: `row-${at}`,
      method: 'POST',
      url: '/v1/embeddings',
      body: { model: 'text-embedding-3-small', input, dimensions: 2 },
    }),
  );
  return lines.map((line) => `${line}\n`).join('');
}

it('a job of three parts, some rows of which fail and one of which expires, ends with every row succeeded, in order, paid once', async () => {
  const run = laptop.run('--yes');
  await run.untilPrinted('Batchdrop is up');
  const body = embeddingRows(PARTS * ROWS_A_PART);
  const jobId = await laptop.drop('three-parts.jsonl', body);
  await run.untilPrinted('three-parts.jsonl  completed: its results are in');
  const results = join(laptop.folder, 'data', 'results', jobId);

  const output = readFileSync(join(results, 'output.jsonl'), 'utf8');
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).custom_id),
  ).toEqual(
    body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).custom_id),
  );
  expect(readFileSync(join(results, 'errors.jsonl'), 'utf8')).toBe('');
  const billed = laptop.asked('row.billed').map((entry) => ('customId' in entry ? entry.customId : ''));
  expect(billed.toSorted()).toEqual(idsIn(body).toSorted());
  expect(laptop.asked('batch.created')).toHaveLength(2 * PARTS);

  const summary = JSON.parse(readFileSync(join(results, 'summary.json'), 'utf8'));
  expect(summary.rows).toMatchObject({ total: PARTS * ROWS_A_PART, succeeded: PARTS * ROWS_A_PART });
  expect(summary.ids.out).toBe(summary.ids.in);
  const statuses = summary.parts.flatMap((part: { batches: { status: string }[] }) =>
    part.batches.map(({ status }) => status),
  );
  expect(statuses.toSorted()).toEqual([...Array(5).fill('completed'), 'expired']);
  await run.end('SIGINT');
});
