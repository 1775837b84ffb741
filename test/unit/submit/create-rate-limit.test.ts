import { describe, expect, it } from 'vitest';
import type { CreateWindow } from '../../../functions/shared/domain/ledger-records.ts';
import {
  MAX_CREATES,
  reserveCreate,
  withReservedCreate,
} from '../../../functions/submit/create-rate-limit.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, SmallWorld } from '../small-world.ts';

const PER_HOUR = 2_000; // OpenAI's limit

/** Tries to reserve `triesPerMinute` creates per minute. Returns the times at which it succeeded. */
function reservedTimes(start: number, minutes: number, triesPerMinute: number): number[] {
  let window: CreateWindow = { version: 0, minutes: [] };
  const taken: number[] = [];
  for (let now = start; now < start + minutes * MINUTE; now += MINUTE / triesPerMinute) {
    const next = withReservedCreate(window, now);
    if ('freeAt' in next) continue;
    window = next;
    taken.push(now);
  }
  expect(window.minutes.length).toBeLessThanOrEqual(62);
  return taken;
}

describe('reserved creates', () => {
  it.each([1, 33, 600, 4_000])('stay below 2,000 in any hour with %s tries per minute', (triesPerMinute) => {
    const taken = reservedTimes(Date.UTC(2026, 10, 1, 12, 0, 59, 990), 200, triesPerMinute);
    let first = 0;
    let most = 0;
    for (const [index, at] of taken.entries()) {
      while ((taken[first] ?? 0) <= at - HOUR) first += 1;
      most = Math.max(most, index - first + 1);
    }
    expect(most).toBeLessThan(PER_HOUR);
    if (triesPerMinute > 33) expect(most).toBe(MAX_CREATES);
    if (triesPerMinute === 33) expect(taken.length).toBeGreaterThan(3 * 1_850); // hardly delayed
  });

  it('are refused at the limit, with the time when the next one is free', () => {
    const minutes = [
      { minute: 101, creates: MAX_CREATES - 1 },
      { minute: 100, creates: 1 },
    ];
    const next = withReservedCreate({ version: 3, minutes }, 110 * MINUTE);
    expect(next).toEqual({ freeAt: 162 * MINUTE });
    expect(withReservedCreate({ version: 3, minutes }, 162 * MINUTE)).toMatchObject({ version: 3 });
  });

  it('are exclusive, so if two submissions want the last one, one of them waits', async () => {
    const world = new SmallWorld();
    const minute = Math.floor(world.clock.now() / MINUTE);
    await world.ledger.replaceCreateWindow({
      version: 0,
      minutes: [{ minute, creates: MAX_CREATES - 1 }],
    });
    const both = await Promise.allSettled([reserveCreate(world.ports), reserveCreate(world.ports)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('are retried soon when other invocations keep winning the write', async () => {
    const world = new SmallWorld();
    const ledger = withFaults(world.ledger, () => 'ok');
    const contended = { ...ledger, replaceCreateWindow: async () => false };
    const reserved = reserveCreate({ ledger: contended, clock: world.clock });
    await expect(reserved).rejects.toMatchObject({
      message: 'create: 25 conflicts in a row while reserving a create',
      afterSeconds: 5,
    });
  });
});

it('a part waits until a create is free, and no try is counted', async () => {
  const world = new SmallWorld();
  const minute = Math.floor(world.clock.now() / MINUTE);
  await world.ledger.replaceCreateWindow({ version: 0, minutes: [{ minute, creates: MAX_CREATES }] });
  const jobId = await world.drop('a.jsonl', fileOf('r1'));
  await world.work();
  await world.pass(55);
  expect(world.api.audit().creates).toEqual([]);
  expect(world.parts(jobId)[0]).toMatchObject({ tries: 0 });
  await world.rest();
  expect(world.job(jobId).status).toBe('completed');
  expect(world.api.audit().uploads).toHaveLength(1);
});
