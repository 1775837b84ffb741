import { describe, expect, it } from 'vitest';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import { LOST_AFTER_MS } from '../../../functions/shared/domain/timing.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const DAY = 24 * HOUR;

/** Returns the API without the batches for which `forgets` returns true. */
const forgetful = (api: BatchApi, forgets: (batchId: string) => boolean) =>
  withMethods(api, {
    async retrieveBatch(batchId) {
      if (forgets(batchId)) throw new TerminalError('not_found', `retrieve ${batchId}: HTTP 404`);
      return api.retrieveBatch(batchId);
    },
    async listBatches(query) {
      const page = await api.listBatches(query);
      return { ...page, batches: page.batches.filter(({ batchId }) => !forgets(batchId)) };
    },
    cancelBatch: async (batchId) => (forgets(batchId) ? 'unknown' : api.cancelBatch(batchId)),
  });

/** Advances the clock by minutes. Each tick may throw because of an unknown batch, but still handles the others. */
async function passWithErrors(world: SmallWorld, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    world.clock.advance(MINUTE);
    await world.poll().catch((failure: Error) => expect(failure.message).toMatch(/could not be served/));
    await world.work();
  }
}

describe('a batch that the API no longer knows', () => {
  it('counts as lost a day after it must have ended, with missing rows and a failed job', async () => {
    let forgets = false;
    const world = new SmallWorld({ replaced: ({ api }) => ({ api: forgetful(api, () => forgets) }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.poll(); // it has seen the batch
    forgets = true;
    await passWithErrors(world, (DAY + LOST_AFTER_MS) / MINUTE - 30);
    expect(world.job(jobId).status).toBe('submitted');
    expect(world.parts(jobId)[0]?.stalled?.code).toBe('tries_used_up');
    await passWithErrors(world, 60);
    expect(world.job(jobId)).toMatchObject({
      status: 'failed',
      reason: { code: 'batch_lost' },
      rows: { total: 2, missing: 2 },
      cleanedUp: true,
    });
    expect(world.lines('errors.jsonl').map(({ custom_id: id }) => id)).toEqual(['r1', 'r2']);
    expect(world.log.lines.filter(({ code }) => code === 'batch_lost')).toHaveLength(1);
    expect(world.api.audit().creates).toHaveLength(1); // it may have run, so nothing is sent again
  });

  it('does not affect the other parts of its job', async () => {
    let forgets = false;
    const world = new SmallWorld({
      replaced: ({ api }) => ({ api: forgetful(api, (batchId) => forgets && batchId.endsWith('1')) }),
    });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.work();
    await world.poll();
    forgets = true;
    await passWithErrors(world, (DAY + LOST_AFTER_MS + HOUR) / MINUTE);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1, missing: 1 } });
  });

  it('is delivered when the API knows it again in time', async () => {
    let forgets = false;
    const world = new SmallWorld({ replaced: ({ api }) => ({ api: forgetful(api, () => forgets) }) });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.poll();
    forgets = true;
    await passWithErrors(world, 20 * 60);
    forgets = false;
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1 } });
  });

  it('does not count as lost while the key belongs to another account', async () => {
    const key = { account: 'ours' };
    const world = new SmallWorld({ account: () => key.account });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    key.account = 'other';
    await passWithErrors(world, (3 * DAY) / MINUTE);
    expect(world.job(jobId).status).toBe('submitted');
    key.account = 'ours';
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 1 } });
  });
});

describe('a piece that is removed before the results are assembled', () => {
  it.each([
    // One row has no line. Otherwise the results of small files would be written without pieces.
    ['of a file with one part', fileOf('r1', 'r2', 'gone'), 2],
    ['of a file with two parts', fileOfTwoParts(), 2],
  ])('is delivered again: %s', async (_, text, succeeded) => {
    let removes = true;
    const world: SmallWorld = new SmallWorld({
      fate: () => ({ row: (customId) => (customId === 'gone' ? 'missing' : 'succeeded') }),
      replaced: ({ results }) => ({
        results: {
          ...results,
          async *read(key, range) {
            if (removes && key.endsWith('.jsonl')) {
              removes = false;
              await results.remove([key]);
            }
            yield* results.read(key, range);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', text);
    await world.rest();
    expect(removes).toBe(false);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded } });
    expect(world.lines('output.jsonl')).toHaveLength(succeeded);
    expect(world.log.lines.filter(({ code }) => code === 'piece_gone')).toHaveLength(1);
    expect([...world.results.objects().keys()].filter((key) => key.startsWith('_batchdrop/jobs/'))).toEqual(
      [],
    );
  });
});
