/**
 * Rules 1 and 2 of "What an answer is worth" (docs/architecture.md): no answer to a create makes Batchdrop spend twice.
 */
import { expect, it } from 'vitest';
import { HOUR, MINUTE } from '../../unit/small-world.ts';
import {
  closeWorldsAtTheEnd,
  endOf,
  goodFile,
  paidOnce,
  restThroughFailures,
  textOf,
  whole,
  worldWith,
} from './situation-world.ts';

closeWorldsAtTheEnd();

const ROWS = 4;
const ON_CREATE = { on: 'batches.create' } as const;
const DAY_IN_MINUTES = 24 * 60;

it.concurrent('if a gateway shows another input_file_id everywhere, the batch is recognised by its id, and it is the only one', async () => {
  const { world, audit, paid, played } = await worldWith([{ fault: 'rewritten-file-id' }]);
  const jobId = await world.drop('rewritten.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
  expect(played('rewritten-file-id')).toBeGreaterThan(2);
});

it.concurrent('with another input_file_id and a lost response, the batch is found by the intent in its metadata', async () => {
  const rules = [{ fault: 'rewritten-file-id' }, { fault: 'reset-after', ...ON_CREATE, times: 1 }];
  const { world, audit, paid, played } = await worldWith(rules);
  const jobId = await world.drop('rewritten.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect([played('reset-after'), audit('batch.created').length]).toEqual([1, 1]);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent.each([
  [302, 'nothing'],
  [307, 'html'],
  [400, 'html'],
  [400, 'message'],
  [401, 'html'],
  [403, 'html'],
  [403, 'message'],
  [404, 'html'],
  [404, 'message'],
  [413, 'html'],
  [429, 'html'],
  [429, 'message'],
  [200, 'html'],
  [502, 'html'],
])(
  'after an accepted create with the response %i %s, the batch is searched for and never made again',
  async (status, body) => {
    const { world, audit, paid, played } = await worldWith([
      { fault: 'page-after', ...ON_CREATE, status, body, times: 1 },
    ]);
    const jobId = await world.drop('answered.jsonl', goodFile(ROWS));
    await world.rest();
    expect(played('page-after')).toBe(1);
    expect(audit('batch.created')).toHaveLength(1);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent.each(['hang-after', 'error-after', 'reset-after'])(
  'after an accepted create with the fault %s, there is one batch',
  async (fault) => {
    const { world, audit, paid, played } = await worldWith([{ fault, ...ON_CREATE, times: 1 }]);
    const jobId = await world.drop('lost.jsonl', goodFile(ROWS));
    await world.rest();
    expect([played(fault), audit('batch.created').length]).toEqual([1, 1]);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent("a create whose response is always a gateway's page is sent twice, and not a third time", async () => {
  const { world, audit, played } = await worldWith([{ fault: 'page', ...ON_CREATE, status: 403 }]);
  const jobId = await world.drop('paged.jsonl', goodFile(ROWS));
  await world.work();
  await world.pass(2 * DAY_IN_MINUTES);
  expect(played('page')).toBe(2);
  expect(audit('batch.created')).toHaveLength(0);
  expect(['completed', 'failed', 'cancelled']).not.toContain(world.job(jobId).status);
  expect(world.metrics.of('CreateUncertain').length).toBeGreaterThan(0);
  await world.cancel({ jobId });
  await world.rest();
  expect(world.job(jobId).status).toBe('cancelled');
});

it.concurrent('accepted creates whose batches remain invisible are sent twice, and not a third time', async () => {
  const rules = [
    { fault: 'page-after', ...ON_CREATE, status: 404 },
    { fault: 'lag', seconds: 72 * 3_600 },
  ];
  const { world, audit } = await worldWith(rules, { timing: { validating: () => 30 * HOUR } });
  await world.drop('unseen.jsonl', goodFile(ROWS));
  await world.work();
  await world.pass(DAY_IN_MINUTES);
  expect(audit('batch.created').length).toBeLessThanOrEqual(2);
});

it.concurrent('if a create arrives twice, the second batch is found, cancelled and reported, and the job is complete', async () => {
  const { world, audit, played } = await worldWith([{ fault: 'twice', times: 1 }], {
    timing: { inProgress: () => 3 * HOUR },
  });
  const jobId = await world.drop('twice.jsonl', goodFile(ROWS));
  await world.work();
  await world.pass(5);
  await world.rest();
  expect([played('twice'), audit('batch.created').length]).toEqual([1, 2]);
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  const ours = world.parts(jobId)[0]?.batch?.batchId;
  const second = audit('batch.created').find(({ batchId }) => batchId !== ours)?.batchId ?? '';
  const cancelled = audit('batch.cancel_requested').map(({ batchId }) => batchId);
  expect(cancelled.filter((batchId) => batchId === ours)).toEqual([]);
  expect(world.metrics.of('SecondBatches').length).toBeGreaterThan(0);
  expect(textOf(world, `${jobId}/summary.json`)).toContain(second);
});

it.concurrent.each(['odd-entries', 'endless', 'same-page', 'no-organization', 'bare-list'])(
  'if the response to a create is lost while the list has %s, the batch is adopted and never made again',
  async (fault) => {
    const rules = [
      { fault: 'reset-after', ...ON_CREATE, times: 1 },
      { fault, on: 'batches.list' },
    ];
    const { world, audit, paid, played } = await worldWith(rules);
    const jobId = await world.drop('listed.jsonl', goodFile(ROWS));
    await world.rest();
    expect(played(fault)).toBeGreaterThan(0);
    expect(audit('batch.created')).toHaveLength(1);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent('a new batch that neither the list nor a retrieve shows for ten minutes is kept, and it is the only one', async () => {
  const rules = [
    { fault: 'lag', seconds: 600 },
    { fault: 'not-found', on: 'batches.retrieve', seconds: 600 },
  ];
  const { world, audit, paid } = await worldWith(rules, { timing: { inProgress: () => 30 * MINUTE } });
  const jobId = await world.drop('unknown.jsonl', goodFile(ROWS));
  await restThroughFailures(world);
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent('ids of 328 characters are accepted', async () => {
  const { world, audit, paid } = await worldWith([{ fault: 'long-ids' }]);
  const jobId = await world.drop('long.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent('uploads that never have the right size leave nothing at the API', async () => {
  const { world, audit } = await worldWith([{ fault: 'other-bytes', on: 'files.create' }]);
  const jobId = await world.drop('size.jsonl', goodFile(ROWS));
  await world.rest();
  const uploaded = audit('file.created').map(({ fileId }) => fileId);
  expect(uploaded.length).toBeGreaterThan(0);
  expect(audit('file.deleted').map(({ fileId }) => fileId)).toEqual(uploaded);
  expect(audit('batch.created')).toHaveLength(0);
  expect(world.job(jobId)).toMatchObject({
    status: 'failed',
    reason: { message: expect.stringMatching(/bytes/) },
  });
});
