import { describe, expect, it } from 'vitest';
import { processedShare } from '../../../functions/shared/domain/open-batch.ts';
import { fileOf, HOUR, MINUTE, SmallWorld } from '../small-world.ts';

const IDS = Array.from({ length: 200 }, (_, row) => `r${row}`);

/** Returns a world with one batch that runs for so long, its stored progress, and how often its part was written since. */
async function running(milliseconds: number) {
  const world = new SmallWorld({ fate: () => ({ runningMs: milliseconds }) });
  await world.drop('long.jsonl', fileOf(...IDS));
  await world.work();
  await world.pass(5);
  const part = () => world.ledger.parts()[0];
  const { version: atStart = 0 } = part() ?? {};
  return {
    world,
    share: () => processedShare(part()?.batch?.counts),
    writes: () => (part()?.version ?? 0) - atStart,
  };
}

describe('the progress of a batch that runs for hours', () => {
  it('is stored at every tenth of its rows, without an event', async () => {
    const { world, share, writes } = await running(10 * HOUR);
    const events = world.bus.published().length;
    for (let hour = 1; hour <= 8; hour += 1) {
      await world.pass(60);
      expect(share()).toBeGreaterThan(hour / 10 - 0.11);
      expect(share()).toBeLessThanOrEqual(hour / 10 + 0.05);
    }
    expect(writes()).toBeGreaterThanOrEqual(7);
    expect(writes()).toBeLessThanOrEqual(9);
    expect(world.bus.published()).toHaveLength(events);
    await world.rest();
    expect(world.bus.published().at(-1)?.detail.data).toMatchObject({ status: 'completed' });
  });

  it('does not go back if the API shows an older number', async () => {
    const { world, share } = await running(10 * HOUR);
    await world.pass(5 * 60);
    const reached = share();
    const list = world.api.listBatches.bind(world.api);
    world.api.listBatches = async (query) => {
      const page = await list(query);
      const counts = { total: IDS.length, completed: 1, failed: 0 };
      return { ...page, batches: page.batches.map((batch) => ({ ...batch, counts })) };
    };
    await world.pass(30);
    expect(reached).toBeGreaterThan(0.3);
    expect(share()).toBe(reached);
  });

  it('costs no write for a batch that ends within ten minutes', async () => {
    const { world, writes } = await running(9 * MINUTE);
    await world.pass(3);
    expect(writes()).toBe(0);
  });
});
