import { expect, it } from 'vitest';
import { checkParts } from '../../../functions/shared/lifecycle/check-parts.ts';
import { jobInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, SmallWorld } from '../small-world.ts';

/** Runs a file whose rows are one batch each. Returns how often all its parts were read at once. */
async function readsOfAllParts(rows: number): Promise<number> {
  let reads = 0;
  const world = new SmallWorld({
    limits: { enqueuedTokens: { 'gpt-4o-mini': 60 } }, // a row is half of it by the estimate
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

it('a job without parts is not checked by every tick', async () => {
  const world = new SmallWorld();
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  world.clock.advance(HOUR); // the due time of the last check has passed
  const ledger: Ledger = { ...withFaults(world.ledger, () => 'ok'), partsOf: async () => [] };
  const deps = { ledger, clock: world.clock };
  const job = jobInHand(deps, world.job(jobId));
  expect(await checkParts(deps, job)).toBeUndefined();
  expect(world.job(jobId).dueAt).toBeGreaterThan(world.clock.now());
});
