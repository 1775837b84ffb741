import { describe, expect, it } from 'vitest';
import { isProgressToNote, withProgress } from '../../../functions/poll/observation/noted-progress.ts';
import { openBatchOf, processedPercent } from '../../../functions/shared/domain/open-batch.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../contracts/samples.ts';
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
    percent: () => processedPercent(part()?.batch?.counts),
    writes: () => (part()?.version ?? 0) - atStart,
  };
}

describe('the progress of a batch that runs for hours', () => {
  it('is stored at every tenth of its rows, without an event', async () => {
    const { world, percent, writes } = await running(10 * HOUR);
    const events = world.bus.published().length;
    for (let hour = 1; hour <= 8; hour += 1) {
      await world.pass(60);
      expect(percent()).toBeGreaterThan(10 * hour - 11);
      expect(percent()).toBeLessThanOrEqual(10 * hour + 5);
    }
    expect(writes()).toBeGreaterThanOrEqual(7);
    expect(writes()).toBeLessThanOrEqual(9);
    expect(world.bus.published()).toHaveLength(events);
    await world.rest();
    expect(world.bus.published().at(-1)?.detail.data).toMatchObject({ status: 'completed' });
  });

  it('does not go back if the API shows an older number', async () => {
    const { world, percent } = await running(10 * HOUR);
    await world.pass(5 * 60);
    const reached = percent();
    const list = world.api.listBatches.bind(world.api);
    world.api.listBatches = async (query) => {
      const page = await list(query);
      const counts = { total: IDS.length, completed: 1, failed: 0 };
      return { ...page, batches: page.batches.map((batch) => ({ ...batch, counts })) };
    };
    await world.pass(30);
    expect(reached).toBeGreaterThan(30);
    expect(percent()).toBe(reached);
  });

  it('costs no write for a batch that ends within ten minutes', async () => {
    const { world, writes } = await running(9 * MINUTE);
    await world.pass(3);
    expect(writes()).toBe(0);
  });
});

/** A batch of which so many of 100 rows are processed, one of them without success. */
const processed = (rows: number, differences = {}) =>
  aBatch({ status: 'in_progress', counts: { total: 100, completed: rows - 1, failed: 1 }, ...differences });

describe('a progress', () => {
  const isNoted = (stored: number, observed: number, minutes: number) => {
    const part = aPart({ batch: processed(stored) });
    if (part.phase !== 'running') throw new Error('the part does not run');
    return isProgressToNote(openBatchOf(part), processed(observed), NOON + minutes * MINUTE);
  };

  it('is worth a write from the tenth minute on, if it is a tenth of the rows', () => {
    expect(isNoted(10, 20, 10)).toBe(true);
    expect(isNoted(10, 19, 10)).toBe(false);
    expect(isNoted(10, 20, 9)).toBe(false);
    for (const tenth of [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]) {
      expect(isNoted(tenth, tenth + 10, 10)).toBe(true);
      expect(isNoted(tenth, tenth + 9, 10)).toBe(false);
    }
  });

  it('is stored if the part still runs this batch with this status, and it is further than before', () => {
    const completedAfter = (observed: number, fields: PartFields = {}, differences = {}) => {
      const part = withProgress(aPart({ batch: processed(20), ...fields }), processed(observed, differences));
      return part?.batch?.counts?.completed;
    };
    expect(completedAfter(21)).toBe(20);
    expect(completedAfter(20)).toBeUndefined();
    expect(completedAfter(19)).toBeUndefined();
    expect(completedAfter(50, {}, { batchId: 'batch_2' })).toBeUndefined();
    expect(completedAfter(50, {}, { status: 'finalizing' })).toBeUndefined();
    expect(completedAfter(50, {}, { counts: undefined })).toBeUndefined();
    expect(completedAfter(50, { rev: 2, publishedRev: 1 })).toBeUndefined(); // its event has the counts as they are
    expect(
      completedAfter(50, { batch: processed(20, { status: 'completed' }) }, { status: 'completed' }),
    ).toBeUndefined();
  });
});
