import { expect, it } from 'vitest';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, SmallWorld } from '../small-world.ts';

/** Runs a file whose rows become one batch each. Returns how often all its parts were read at once. */
async function readsOfAllParts(rows: number): Promise<number> {
  let reads = 0;
  const world = new SmallWorld({
    limits: { enqueuedTokens: { 'gpt-4o-mini': 60 } }, // by the estimate, a row is half of this
    replaced: ({ ledger }) => ({
      ledger: withFaults<Ledger>(ledger, (method) => {
        if (method === 'partsOf') reads += 1;
        return 'ok';
      }),
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: rows }, (_, n) => `row-${n}`)));
  await world.rest();
  expect(world.parts(jobId)).toHaveLength(rows);
  expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: rows, succeeded: rows } });
  return reads;
}

it('a change of one part does not read all parts of the file again', async () => {
  const few = await readsOfAllParts(10);
  expect(await readsOfAllParts(80)).toBeLessThanOrEqual(few + 5);
});

it.each([0, 1])(
  'a job of two parts waits while the ledger has only %i, and an alarm goes off',
  async (left) => {
    let isLost = true;
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async partsOf(jobId, planId) {
            const parts = await ledger.partsOf(jobId, planId);
            return isLost && parts.every(({ phase }) => phase === 'delivered') ? parts.slice(0, left) : parts;
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.pass(240);
    expect(world.parts(jobId).map(({ phase }) => phase)).toEqual(['delivered', 'delivered']);
    expect(world.job(jobId)).toMatchObject({ status: 'submitted', dueAt: expect.any(Number) });
    expect(world.job(jobId).tries).toBeGreaterThan(0);
    expect(world.metrics.of('Stalled').length).toBeGreaterThan(0);
    isLost = false; // for example after a restore of the ledger
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { total: 2, succeeded: 2 } });
  },
);
