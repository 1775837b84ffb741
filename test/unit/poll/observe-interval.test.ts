import { describe, expect, it } from 'vitest';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

/** Returns a world with some long batches, and how often the tick of each minute asked the API for batches. */
async function watched(observeIntervalMs: number, batches = 3) {
  let calls = 0;
  const world = new SmallWorld({
    webhooks: true,
    observeIntervalMs,
    fate: () => ({ runningMs: 10 * HOUR }),
    replaced: ({ api }) => ({
      api: withMethods(api, {
        listBatches: (query) => {
          calls += 1;
          return api.listBatches(query);
        },
        retrieveBatch: (batchId) => {
          calls += 1;
          return api.retrieveBatch(batchId);
        },
      }),
    }),
  });
  for (let file = 0; file < batches; file += 1) await world.drop(`${file}.jsonl`, fileOf('r1'));
  await world.work();
  const inMinutes = async (minutes: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let minute = 0; minute < minutes; minute += 1) {
      calls = 0;
      await world.pass(1);
      seen.push(calls);
    }
    return seen;
  };
  await world.pass(3); // every batch is confirmed and running
  return { world, inMinutes };
}

describe('with an observation interval', () => {
  it('all open batches are observed at that interval, while ticks continue', async () => {
    const { world, inMinutes } = await watched(15 * MINUTE);
    const asked = (await inMinutes(45)).map((calls) => calls > 0);
    expect(asked.filter(Boolean)).toHaveLength(3);
    const at = asked.flatMap((isAsked, minute) => (isAsked ? [minute] : []));
    expect(at.map((minute, nth) => minute - (at[nth - 1] ?? minute))).toEqual([0, 15, 15]);
    expect(world.metrics.of('Ticks').length).toBeGreaterThanOrEqual(45);
    expect(world.metrics.of('OpenBatches').at(-1)).toBe(3);
  });

  it('if the interval is zero, each tick observes them', async () => {
    const { inMinutes } = await watched(0);
    expect((await inMinutes(5)).every((calls) => calls > 0)).toBe(true);
  });

  it('a new batch is confirmed at the next tick', async () => {
    const { world, inMinutes } = await watched(HOUR);
    await world.drop('late.jsonl', fileOf('r1'));
    await world.work();
    expect(await inMinutes(3)).toEqual([1, 0, 0]);
  });

  it('a batch whose end a webhook reported is observed at each tick until the API shows the end', async () => {
    const { world, inMinutes } = await watched(HOUR);
    const [part] = world.ledger.parts();
    await world.webhook(part?.batch?.batchId ?? 'none');
    expect(await inMinutes(3)).toEqual([1, 1, 1]);
  });

  it('a part that waits for capacity is admitted at the next tick', async () => {
    const world = new SmallWorld({
      webhooks: true,
      observeIntervalMs: HOUR,
      limits: { maxOpenBatches: 1 },
      fate: () => ({ runningMs: MINUTE }),
    });
    const first = await world.drop('first.jsonl', fileOf('r1'));
    const second = await world.drop('second.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(2);
    const batchId = world.parts(first)[0]?.batch?.batchId ?? world.parts(second)[0]?.batch?.batchId ?? 'none';
    world.clock.advance(5 * MINUTE);
    await world.webhook(batchId);
    await world.work();
    await world.pass(1);
    const phases = [first, second].map((jobId) => world.parts(jobId)[0]?.phase);
    expect(phases.sort()).toEqual(['delivered', 'running']);
  });
});
