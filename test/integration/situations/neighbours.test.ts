/** Rules 5 and 6 of "What an answer is worth" (docs/architecture.md): objects of other programs cannot harm ours. */
import { expect, it } from 'vitest';
import { HOUR } from '../../unit/small-world.ts';
import { closeWorldsAtTheEnd, endOf, goodFile, paidOnce, whole, worldWith } from './situation-world.ts';

closeWorldsAtTheEnd();

const ROWS = 4;

// The first to begin, as they take longest: one call after the other waits for its deadline.
it.concurrent.each([
  'files.create',
  'batches.list',
  'batches.retrieve',
  'files.retrieve',
  'files.content',
  'files.delete',
])('U13: three calls of %s never answer: they are cut, and every job ends', async (on) => {
  const { world, audit, paid } = await worldWith([{ fault: 'hang', on, times: 3 }]);
  const jobs = [
    await world.drop('one.jsonl', goodFile(ROWS)),
    await world.drop('two.jsonl', goodFile(ROWS + 1)),
  ];
  await world.rest();
  expect(jobs.map((jobId) => world.job(jobId).status)).toEqual(['completed', 'completed']);
  expect(audit('batch.created')).toHaveLength(2);
  expect(paid()).toEqual({ ...paidOnce(ROWS + 1), 'row-0': 2, 'row-1': 2, 'row-2': 2, 'row-3': 2 });
});

it.concurrent.each(['odd-times', 'capitals', 'no-counts', 'empty-fields', 'huge-metadata', 'odd-error-file'])(
  'batches with the fault %s need only an id and a status',
  async (fault) => {
    const { world, audit, paid, played } = await worldWith([{ fault }]);
    const jobId = await world.drop('odd.jsonl', goodFile(ROWS));
    await world.rest();
    expect(played(fault)).toBeGreaterThan(0);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    expect(audit('batch.created')).toHaveLength(1);
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent.each(['batches.list', 'batches.retrieve'])(
  'ten responses above 10 MB to %s only delay a job',
  async (on) => {
    const { world, audit, paid, played } = await worldWith([{ fault: 'huge-answer', on, times: 10 }]);
    const jobId = await world.drop('huge.jsonl', goodFile(ROWS));
    await world.rest();
    expect(played('huge-answer') + Number(on === 'batches.retrieve')).toBeGreaterThan(0);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    expect(audit('batch.created')).toHaveLength(1);
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent('a cancel without a response delays only its own job', async () => {
  const { world, audit, played } = await worldWith([{ fault: 'hang', on: 'batches.cancel', times: 2 }], {
    timing: { inProgress: () => 2 * HOUR },
  });
  const stuck = await world.drop('stuck.jsonl', goodFile(ROWS));
  const other = await world.drop('other.jsonl', goodFile(ROWS + 1));
  const third = await world.drop('third.jsonl', goodFile(ROWS + 2));
  await world.work();
  await world.pass(5);
  await Promise.all([
    world.cancel({ jobId: stuck }, world.clock.now(), 'message-1').catch(() => undefined),
    world.cancel({ jobId: other }, world.clock.now(), 'message-2').catch(() => undefined),
  ]);
  await world.rest();
  expect(played('hang')).toBeGreaterThan(0);
  expect(world.job(stuck).status).toBe('cancelled');
  expect(world.job(other).status).toBe('cancelled');
  expect(endOf(world, third)).toEqual(whole(ROWS + 2));
  expect(audit('batch.cancel_requested').length).toBeGreaterThanOrEqual(2);
});
