/** Rule 4 of "What an answer is worth" (docs/architecture.md): Batchdrop does not believe a negative answer at once. */
import { expect, it } from 'vitest';
import { chatRow, jsonl } from '../../openai/batch-api-under-test.ts';
import {
  closeWorldsAtTheEnd,
  endOf,
  goodFile,
  paidOnce,
  textOf,
  whole,
  worldWith,
} from './situation-world.ts';

closeWorldsAtTheEnd();

const ROWS = 6;
const HOURS = 3_600; // in seconds
const FOR_GOOD = 30 * 24 * HOURS;

it.concurrent.each([
  ['counts without an output_file_id for an hour', { fault: 'late-output-id', seconds: 1 * HOURS }],
  [
    'the output file and its content are not found for two hours',
    { fault: 'not-found', on: ['files.retrieve', 'files.content'], seconds: 2 * HOURS },
  ],
  [
    'only the content is not found for two hours',
    { fault: 'not-found', on: 'files.content', seconds: 2 * HOURS },
  ],
  ['lines of other rows for three hours', { fault: 'foreign-lines', seconds: 3 * HOURS }],
  ['half of the lines for three hours, and a length that agrees', { fault: 'short', seconds: 3 * HOURS }],
  ['three downloads are cut', { fault: 'truncate', times: 3 }],
  [
    'five answers of a gateway to the download',
    { fault: 'page', on: 'files.content', status: 404, times: 5 },
  ],
  ['two downloads stop in the middle', { fault: 'stall', times: 2 }],
])('%s: the results are read once they agree, and none is missing', async (_, rule) => {
  const { world, audit, paid, played } = await worldWith([rule]);
  const jobId = await world.drop('slow.jsonl', goodFile(ROWS));
  await world.rest();
  expect(played(rule.fault)).toBeGreaterThan(0);
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(world.job(jobId).rows).toMatchObject({ missing: 0 });
  expect(world.lines(`${jobId}/output.jsonl`)).toHaveLength(ROWS);
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent('a file object that is never found does not prevent reading its content', async () => {
  const { world } = await worldWith([{ fault: 'not-found', on: 'files.retrieve', seconds: FOR_GOOD }]);
  const jobId = await world.drop('unlisted.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
});

it.concurrent('if a content is never found again, its rows are missing, and nothing unread is deleted', async () => {
  const { world, audit } = await worldWith([{ fault: 'not-found', on: 'files.content', seconds: FOR_GOOD }]);
  const jobId = await world.drop('gone.jsonl', goodFile(ROWS));
  await world.rest(6_000);
  expect(world.job(jobId)).toMatchObject({
    status: 'completed',
    rows: { total: ROWS, succeeded: 0, missing: ROWS },
  });
  const inputs = audit('file.created').map(({ fileId }) => fileId);
  expect(audit('file.deleted').filter(({ fileId }) => !inputs.includes(fileId))).toEqual([]);
  expect(world.metrics.of('RowsMissing').length).toBeGreaterThan(0);
});

it.concurrent('if half of the lines are lost for good, their rows are missing, the others succeed, and the file remains at the API', async () => {
  const { world, audit } = await worldWith([{ fault: 'short', seconds: FOR_GOOD }]);
  const jobId = await world.drop('half.jsonl', goodFile(ROWS));
  await world.rest(6_000);
  expect(world.job(jobId).rows).toMatchObject({ total: ROWS, succeeded: ROWS / 2, missing: ROWS / 2 });
  const inputs = audit('file.created').map(({ fileId }) => fileId);
  expect(audit('file.deleted').filter(({ fileId }) => !inputs.includes(fileId))).toEqual([]);
});

it.concurrent('a response with an empty error is a success, but an error with a status or without a response is not', async () => {
  const { world, paid } = await worldWith([{ fault: 'odd-rows' }]);
  const rows = [
    ...Array.from({ length: 5 }, (_, row) => chatRow(`good-${row}`)),
    chatRow('busy', 429),
    chatRow('down', 500),
  ];
  const jobId = await world.drop('odd.jsonl', jsonl(rows));
  await world.rest();
  expect(world.job(jobId).rows).toMatchObject({ total: 7, succeeded: 5 });
  const failed = world.lines(`${jobId}/errors.jsonl`);
  expect(failed.map((line) => line.custom_id).sort()).toEqual(['busy', 'down']);
  expect(failed.map((line) => line.attempts)).toEqual([3, 3]); // temporary reasons, so the rows run again
  expect(Object.values(paid())).toEqual([1, 1, 1, 1, 1]);
});

it.concurrent('if every row fails for the same reason, the job says which and how often', async () => {
  const { world } = await worldWith([{ fault: 'failing-rows', share: 1, status: 400 }]);
  const jobId = await world.drop('same.jsonl', goodFile(ROWS));
  await world.rest();
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 0, failed: ROWS } });
  const end = world.bus.published().findLast(({ detail }) => detail.metadata.jobId === jobId);
  expect(JSON.stringify(end?.detail.data)).toMatch(/The request is invalid/);
  expect(textOf(world, `${jobId}/summary.json`)).toMatch(/The request is invalid/);
});
