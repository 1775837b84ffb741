import { describe, expect, it } from 'vitest';
import { adoptBatch, releaseJob } from '../../../bin/operations/release-job.ts';
import { Ambiguous } from '../../../functions/shared/domain/errors.ts';
import { fileOf, fileOfTwoParts, MINUTE, SmallWorld, withMethods } from '../../unit/small-world.ts';

const HOURS = 60;
const STALLED_WITHIN = 2 * HOURS;

/**
 * Returns a job whose creates get no response until `answers` is set. With `took`, every create takes effect, but the
 * list does not show the batch: a person finds it.
 */
async function stalledJob(text: string, { took = false } = {}) {
  const state = { answers: false };
  const world: SmallWorld = new SmallWorld({
    fate: () => ({ validatingMs: 24 * HOURS * MINUTE }),
    replaced: ({ api }) => ({
      api: withMethods(api, {
        async createBatch(request, signal) {
          if (state.answers) return api.createBatch(request, signal);
          if (took) await api.createBatch(request, signal);
          throw new Ambiguous('no answer came');
        },
        listBatches: async (query) => ({ ...(await api.listBatches(query)), batches: [] }),
      }),
    }),
  });
  const jobId = await world.drop('a.jsonl', text);
  await world.work();
  await world.pass(STALLED_WITHIN);
  const ledgers = () => ({ ledger: world.ledger, pollIntervalMs: 1, now: world.clock.now() });
  return { world, jobId, state, ledgers };
}

describe('a release', () => {
  it('sends a stalled part once more', async () => {
    const { world, jobId, state, ledgers } = await stalledJob(fileOf('r1', 'r2'));
    expect(world.parts(jobId)[0]?.phase).toBe('stalled');
    state.answers = true;
    expect(await releaseJob(ledgers(), jobId)).toEqual([1]);
    await world.pass(1);
    expect(world.api.audit().creates).toHaveLength(1);
    await expect(releaseJob(ledgers(), jobId)).rejects.toThrow('No part of job');
  });

  it('of a job that does not exist says so', async () => {
    const { ledgers } = await stalledJob(fileOf('r1'));
    await expect(releaseJob(ledgers(), 'k5mhx3q2vwn7tjzr4ydaf6bcgs')).rejects.toThrow('There is no job');
  });
});

describe('an adoption', () => {
  const adopting = async (
    { world, jobId, ledgers }: Awaited<ReturnType<typeof stalledJob>>,
    batchId: string,
    number?: number,
  ) => {
    const adoption = adoptBatch(ledgers(), jobId, { batchId, number });
    const settled = adoption.then(
      () => true,
      () => true,
    );
    for (let isSettled = false; !isSettled; ) {
      await world.pass(1);
      isSettled = await Promise.race([
        settled,
        new Promise<false>((resolve) => setTimeout(resolve, 5, false)),
      ]);
    }
    return adoption;
  };

  it('of the batch that a person found runs the part with it', async () => {
    const stalled = await stalledJob(fileOf('r1', 'r2'), { took: true });
    const { world, jobId } = stalled;
    const [, found] = world.api.audit().creates;
    expect(await adopting(stalled, found?.batchId ?? '')).toEqual({ part: 1, outcome: 'adopted' });
    expect(world.parts(jobId)[0]).toMatchObject({
      phase: 'running',
      batch: { batchId: found?.batchId },
      abandoned: [{}], // the create of the other batch is still unresolved
    });
    expect(world.batchStatuses()).toEqual(['validating']);
    expect(await world.ledger.readBatchPointer(found?.batchId ?? '')).toMatchObject({ jobId, number: 1 });
  });

  it('of a batch that the API does not know is refused, and the part stays stalled', async () => {
    const stalled = await stalledJob(fileOf('r1'));
    await expect(adopting(stalled, 'batch_unknown')).rejects.toThrow(
      'batch_unknown was not adopted: the API does not know it',
    );
    expect(stalled.world.parts(stalled.jobId)[0]?.phase).toBe('stalled');
  });

  it('of a batch of another job is refused', async () => {
    const stalled = await stalledJob(fileOf('r1'));
    stalled.state.answers = true;
    const other = await stalled.world.drop('b.jsonl', fileOf('x1', 'x2'));
    await stalled.world.work();
    const batchId = stalled.world.parts(other)[0]?.batch?.batchId ?? '';
    await expect(adopting(stalled, batchId)).rejects.toThrow('it belongs to another part');
  });

  it('needs the number of the part when several are stalled', async () => {
    const stalled = await stalledJob(fileOfTwoParts());
    const { world, jobId, ledgers } = stalled;
    expect(world.parts(jobId).map(({ phase }) => phase)).toEqual(['stalled', 'stalled']);
    await expect(adoptBatch(ledgers(), jobId, { batchId: 'batch_1', number: undefined })).rejects.toThrow(
      'Name one with --part',
    );
    await expect(adoptBatch(ledgers(), jobId, { batchId: 'batch_1', number: 9 })).rejects.toThrow(
      'Part 9 of job',
    );
  });
});
