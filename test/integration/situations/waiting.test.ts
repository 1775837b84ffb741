/** Rule 3 of "What an answer is worth" (docs/architecture.md): a refusal ends something only if the input is wrong. */
import { expect, it } from 'vitest';
import { PROFILES } from '../../../local/openai/profiles/profiles.ts';
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
const HOURS = 3_600; // in seconds

const OF_THE_ACCOUNT = [
  'billing_hard_limit_reached',
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_usage_limit_exceeded',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'billing_not_active',
] as const;

it.concurrent('U17: twelve calls that never answer before anything was sent lose nothing', async () => {
  // The first to begin, as it takes longest: one call after the other waits for its deadline. An answer that is late on
  // a busy machine is one more lost answer.
  const { world, audit, paid, played } = await worldWith([{ fault: 'hang', times: 12 }], {
    deadlineMs: 1_000,
  });
  const jobId = await world.drop('outage.jsonl', goodFile(ROWS));
  await restThroughFailures(world);
  expect(played('hang')).toBe(12);
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent.each([
  ...OF_THE_ACCOUNT.map((says) => ['files.create', says, 1] as const),
  ...OF_THE_ACCOUNT.map((says) => ['batches.create', says, 1] as const),
  ['batches.create', 'plan', 1] as const,
  ['files.create', 'storage_full', 24] as const,
  ['files.create', 'too_many_files', 1] as const,
  ['batches.create', 'input_file_not_found', 1] as const,
  ['batches.create', 'input_file_not_found_detail', 1] as const,
  ['batches.create', 'file_not_visible', 1] as const,
  ['batches.create', 'too_many_creates', 1] as const,
  ['batches.create', 'enqueued_requests', 1] as const,
  ['batches.create', 'azure_enqueued_tokens', 1] as const,
])(
  'if %s is refused with %s for %i hours, it waits, and then every row runs once',
  async (on, says, hours) => {
    const { world, audit, paid, played } = await worldWith([
      { fault: 'refusal', says, on, lasts: hours * HOURS },
    ]);
    const jobId = await world.drop('refused.jsonl', goodFile(ROWS));
    await world.work();
    await world.pass(30);
    expect(world.job(jobId).status).toBe('accepted');
    await world.rest(hours * 60 + 3_000);
    expect(played('refusal')).toBeGreaterThan(0);
    expect(endOf(world, jobId)).toEqual(whole(ROWS));
    // A part that an empty account refuses for its size is sent in slices.
    const most = says.includes('enqueued') ? ROWS : 1;
    expect(audit('batch.created').length).toBeLessThanOrEqual(most);
    expect(paid()).toEqual(paidOnce(ROWS));
  },
);

it.concurrent('a file that is not visible for ten minutes after its upload is used again, not uploaded again', async () => {
  const { world, audit, paid } = await worldWith([{ fault: 'not-visible', seconds: 600 }]);
  const jobId = await world.drop('unseen.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect([audit('file.created').length, audit('batch.created').length]).toEqual([1, 1]);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent('a file that is pending after its upload waits until the API has processed it (Azure)', async () => {
  const { world, audit, paid } = await worldWith([], { profile: { ...PROFILES.azure, pendingMs: 300_000 } });
  const jobId = await world.drop('pending.jsonl', goodFile(ROWS));
  await world.rest();
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect([audit('file.created').length, audit('batch.created').length]).toEqual([1, 1]);
  expect(paid()).toEqual(paidOnce(ROWS));
});

it.concurrent('an account that cannot pay delays neither the results of finished work nor a cancel', async () => {
  const says = 'billing_hard_limit_reached';
  const { world } = await worldWith([
    { fault: 'refusal', says, on: ['files.create', 'batches.create'], times: 60 },
  ]);
  const jobId = await world.drop('poor.jsonl', goodFile(ROWS));
  await world.work();
  await world.pass(60);
  await world.cancel({ jobId });
  await world.pass(5);
  expect(world.job(jobId).status).toBe('cancelled');
});

it.concurrent('an upload refused with 413 as HTML fails at once, and the job says why', async () => {
  const { world, audit, played } = await worldWith([{ fault: 'page', on: 'files.create', status: 413 }]);
  const jobId = await world.drop('large.jsonl', goodFile(ROWS));
  await world.rest();
  expect(played('page')).toBe(1);
  expect(audit('batch.created')).toHaveLength(0);
  expect(world.job(jobId).status).toBe('failed');
  expect(JSON.stringify([world.job(jobId), textOf(world, `${jobId}/errors.jsonl`)])).toContain('HTTP 413');
});

it.concurrent('an outage of a day before anything was sent loses nothing', async () => {
  const { world, audit, paid, played } = await worldWith([{ fault: 'reset', lasts: 24 * HOURS }]);
  const jobId = await world.drop('outage.jsonl', goodFile(ROWS));
  await restThroughFailures(world, 6_000);
  expect(played('reset')).toBeGreaterThan(0);
  expect(endOf(world, jobId)).toEqual(whole(ROWS));
  expect(audit('batch.created')).toHaveLength(1);
  expect(paid()).toEqual(paidOnce(ROWS));
});
