import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idsIn } from '../../local/endpoint/chat-rows.ts';
import { LocalRuntime } from '../local-runtime.ts';

const PARTS = 3;
const ROWS_PER_PART = 50;
const INPUTS_PER_ROW = 1_000; // the API's limit is 50,000 per part

/** A twentieth of the rows fails in each of the first three batches; one batch expires. */
const FAULTS = [
  {
    on: ['batches.create'],
    fault: { fault: 'failing-rows', share: 0.05, status: 503 },
    rate: 1,
    times: PARTS,
  },
  { on: ['batches.create'], fault: { fault: 'expire' }, rate: 1, times: 1 },
] as const;

let runtime: LocalRuntime;

beforeAll(async () => {
  runtime = await LocalRuntime.open({ faults: FAULTS });
});

afterAll(() => runtime?.close());

function embeddingRows(count: number): string {
  const input = Array.from({ length: INPUTS_PER_ROW }, (_, at) => `text ${at}`);
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

it('a job with failing rows and an expired batch ends with all rows succeeded, in order and paid once', async () => {
  const run = runtime.run('--yes');
  await run.untilPrinted('Batchdrop is up');
  const body = embeddingRows(PARTS * ROWS_PER_PART);
  const jobId = await runtime.drop('three-parts.jsonl', body);
  await run.untilPrinted('three-parts.jsonl  completed: its results are in');
  const results = join(runtime.folder, 'data', 'results', jobId);

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
  const billed = runtime.asked('row.billed').map((entry) => ('customId' in entry ? entry.customId : ''));
  expect(billed.toSorted()).toEqual(idsIn(body).toSorted());
  expect(runtime.asked('batch.created')).toHaveLength(2 * PARTS);

  const summary = JSON.parse(readFileSync(join(results, 'summary.json'), 'utf8'));
  expect(summary.rows).toMatchObject({ total: PARTS * ROWS_PER_PART, succeeded: PARTS * ROWS_PER_PART });
  expect(summary.ids.out).toBe(summary.ids.in);
  const statuses = summary.parts.flatMap((part: { batches: { status: string }[] }) =>
    part.batches.map(({ status }) => status),
  );
  expect(statuses.toSorted()).toEqual([...Array(5).fill('completed'), 'expired']);
  await run.end('SIGINT');
});
