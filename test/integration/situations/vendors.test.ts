import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROFILES } from '../../../local/openai/profiles/profiles.ts';
import { chatRow, jsonl } from '../../openai/batch-api-under-test.ts';
import { MINUTE } from '../../unit/small-world.ts';
import { closeWorldsAtTheEnd, worldWith } from './situation-world.ts';

closeWorldsAtTheEnd();

const VENDORS = Object.entries(PROFILES);
const ROWS = [chatRow('good-1'), chatRow('bad', 400), chatRow('good-2')];

/** Errors of a vendor that responds like this profile would show here first. */
it.each(VENDORS)(
  'the main job completes at %s, with each row run once and failures with their reason',
  async (_, profile) => {
    const { world, paid, audit } = await worldWith([], { profile });
    const jobId = await world.drop('main.jsonl', jsonl(ROWS), { 'batch-team': 'blue' });
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.job(jobId).rows).toMatchObject({ total: 3, succeeded: 2, failed: 1 });
    expect(world.lines(`${jobId}/output.jsonl`).map((line) => line.custom_id)).toEqual(['good-1', 'good-2']);
    expect(world.lines(`${jobId}/errors.jsonl`)).toMatchObject([{ custom_id: 'bad' }]);
    expect(paid()).toEqual({ 'good-1': 1, 'good-2': 1 });
    expect(audit('batch.created').map(({ metadata }) => metadata?.team)).toEqual(['blue']);
    const files = audit('file.created').map(({ fileId }) => fileId);
    expect(audit('file.deleted').map(({ fileId }) => fileId)).toEqual(expect.arrayContaining(files));
  },
);

it.each(VENDORS)('a cancel stops a job at %s, and the rows that ran are delivered', async (_, profile) => {
  const { world, audit, paid } = await worldWith([], { profile, timing: { inProgress: () => 60 * MINUTE } });
  const jobId = await world.drop(
    'long.jsonl',
    jsonl(Array.from({ length: 8 }, (_, row) => chatRow(`row-${row}`))),
  );
  await world.work();
  await world.pass(40);
  await world.cancel({ jobId });
  await world.rest();
  expect(world.job(jobId).status).toBe('cancelled');
  expect(audit('batch.cancel_requested')).toHaveLength(1);
  const delivered = world.lines(`${jobId}/output.jsonl`).map((line) => String(line.custom_id));
  expect(delivered.sort()).toEqual(Object.keys(paid()));
  expect(delivered.length).toBeGreaterThan(0);
});

it.each(VENDORS)(
  'after a lost response to a create at %s, the batch is found and nothing is paid twice',
  async (_, profile) => {
    const { world, audit, paid, played } = await worldWith(
      [{ fault: 'reset-after', on: 'batches.create', times: 1 }],
      {
        profile,
      },
    );
    const jobId = await world.drop('lost.jsonl', jsonl(ROWS));
    await world.rest();
    expect(played('reset-after')).toBe(1);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    expect(audit('batch.created')).toHaveLength(1);
    expect(paid()).toEqual({ 'good-1': 1, 'good-2': 1 });
  },
);

it('docs/vendors.md has a row for each profile', () => {
  const page = readFileSync(new URL('../../../docs/vendors.md', import.meta.url), 'utf8');
  for (const [name] of VENDORS) expect(page).toContain(`\`--profile ${name}\``);
});
