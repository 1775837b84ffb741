import { describe, expect, it } from 'vitest';
import { expectedEnd } from '../../../bin/console/jobs/expected-end.ts';
import { LedgerMeter } from '../../../bin/console/jobs/ledger-meter.ts';
import { type Follower, LiveJobs } from '../../../bin/console/jobs/live-jobs.ts';
import type { JobRow, LedgerReads } from '../../../console/api.ts';
import { summaryOf } from '../../../functions/shared/domain/job-summary.ts';
import { createInMemoryLedgerQueries } from '../../fakes/in-memory-ledger-queries.ts';
import { fileOf, SmallWorld } from '../small-world.ts';

/** A page that counts what it was sent. */
class Page implements Follower {
  isBehind = false;
  readonly sent: JobRow[][] = [];
  reads: LedgerReads[] = [];

  send(event: 'jobs' | 'reads', data: object): void {
    if ('jobs' in data) this.sent.push(Object(data).jobs);
    if (event === 'reads') this.reads.push(Object(data));
  }

  /** The last row of each job. */
  statuses(): Record<string, string> {
    return Object.fromEntries(this.sent.flat().map(({ file, status }) => [file, status]));
  }

  async untilRead(times: number): Promise<void> {
    const before = this.reads.length;
    await expect.poll(() => this.reads.length, { interval: 1 }).toBeGreaterThanOrEqual(before + times);
  }
}

function following(world: SmallWorld) {
  const queries = createInMemoryLedgerQueries({
    clock: world.clock,
    jobs: () => world.ledger.jobs(),
    parts: () => world.ledger.parts(),
  });
  let lists = 0;
  const counted = {
    ...queries,
    listJobs: async (query: Parameters<typeof queries.listJobs>[0]) => {
      lists += 1;
      return queries.listJobs(query);
    },
  };
  const live = new LiveJobs({
    ...{ ledger: world.ledger, queries: counted, meter: new LedgerMeter(() => performance.now()) },
    ...{ now: async () => world.clock.now(), intervalMs: 1 },
  });
  return { live, lists: () => lists };
}

describe('the live jobs', () => {
  it('send all that is followed to a new page, and then only what changes', async () => {
    const world = new SmallWorld();
    const { live } = following(world);
    await world.drop('a.jsonl', fileOf('r1'));
    const page = new Page();
    live.follow(page);
    await page.untilRead(3);
    expect(page.sent.map((rows) => rows.map(({ file }) => file))).toEqual([['a.jsonl']]);
    await world.drop('b.jsonl', fileOf('r2'));
    await page.untilRead(3);
    expect(page.sent.slice(1).map((rows) => rows.map(({ file }) => file))).toEqual([['b.jsonl']]);
    await world.rest();
    await page.untilRead(8);
    expect(page.statuses()).toEqual({ 'a.jsonl': 'completed', 'b.jsonl': 'completed' });
    live.close();
  });

  it('read nothing without a page, and read once for several pages', async () => {
    const world = new SmallWorld();
    const { live, lists } = following(world);
    await world.drop('a.jsonl', fileOf('r1'));
    const pages = [new Page(), new Page(), new Page()];
    const leave = pages.map((page) => live.follow(page));
    await pages[2]?.untilRead(5);
    expect(lists()).toBe(pages[0]?.reads.length);
    expect(pages.map(({ sent }) => sent.length)).toEqual([1, 1, 1]);
    for (const each of leave) each();
    const after = lists();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(lists() - after).toBeLessThanOrEqual(1); // one look may have begun
    live.close();
  });

  it('follow an open job behind the newest ones to its end, once a page has listed it', async () => {
    const world = new SmallWorld();
    const { live } = following(world);
    const held = await world.drop('old.jsonl', fileOf('old'), { 'batchdrop-hold': 'yes' });
    for (let at = 0; at < 55; at += 1) {
      world.clock.advance(1_000);
      await world.drop(`new-${at}.jsonl`, fileOf(`r${at}`));
    }
    live.rowsOf([summaryOf(world.job(held))], world.clock.now());
    const page = new Page();
    live.follow(page);
    await page.untilRead(2);
    expect(page.statuses()['old.jsonl']).toBe('unapproved');
    await world.cancel({ jobId: held });
    await world.pass(2);
    await page.untilRead(3);
    expect(page.statuses()['old.jsonl']).toBe('cancelled');
    live.close();
  });

  it('keep nothing for a page that does not read, and send it all once it does', async () => {
    const world = new SmallWorld();
    const { live } = following(world);
    await world.drop('a.jsonl', fileOf('r1'));
    const [slow, quick] = [new Page(), new Page()];
    live.follow(slow);
    live.follow(quick);
    await slow.untilRead(1);
    slow.isBehind = true;
    await world.rest();
    await quick.untilRead(8);
    expect(quick.statuses()).toEqual({ 'a.jsonl': 'completed' });
    expect(slow.sent).toHaveLength(1);
    slow.isBehind = false;
    await slow.untilRead(2);
    expect(slow.sent).toHaveLength(2);
    expect(slow.statuses()).toEqual({ 'a.jsonl': 'completed' });
    live.close();
  });

  it('say why the ledger cannot be read, and go on', async () => {
    const world = new SmallWorld();
    let fails = true;
    const queries = createInMemoryLedgerQueries({
      clock: world.clock,
      jobs: () => world.ledger.jobs(),
      parts: () => [],
    });
    const live = new LiveJobs({
      ledger: world.ledger,
      queries: {
        ...queries,
        listJobs: (query) =>
          fails ? Promise.reject(new Error('the table is gone')) : queries.listJobs(query),
      },
      ...{ meter: new LedgerMeter(() => 0), now: async () => world.clock.now(), intervalMs: 1 },
    });
    const page = new Page();
    live.follow(page);
    await page.untilRead(1);
    expect(page.reads.at(-1)).toMatchObject({ problem: 'the table is gone' });
    fails = false;
    await page.untilRead(1);
    expect(page.reads.at(-1)).not.toHaveProperty('problem');
    live.close();
  });
});

describe('the meter of the ledger', () => {
  it('states all calls, and those of an hour at the pace of the last two minutes', () => {
    let now = 0;
    const meter = new LedgerMeter(() => now);
    for (let second = 0; second < 300; second += 1) {
      now = second * 1_000;
      meter.count();
      meter.count();
    }
    expect(meter.total).toBe(600);
    expect(meter.perHour).toBeGreaterThan(7_000);
    expect(meter.perHour).toBeLessThan(7_500);
    now += 600_000;
    expect(meter.perHour).toBe(0);
  });
});

describe('the expected end', () => {
  const job = { createdAt: 500, history: [{ status: 'submitted' as const, at: 1_000 }] };

  it('follows from the pace of the rows, or else from jobs of about that size', async () => {
    const world = new SmallWorld();
    const other = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    const newest = [summaryOf(world.job(other))];
    const took = (newest[0]?.changedAt ?? 0) - (newest[0]?.createdAt ?? 0);
    const now = 2_000;
    expect(expectedEnd(job, { done: 50, total: 100 }, { now, newest: [] })).toBe(3_000);
    expect(expectedEnd(job, { done: 0, total: 1 }, { now, newest })).toBe(500 + took);
    expect(expectedEnd(job, { done: 0, total: 1 }, { now: 501 + took, newest })).toBeUndefined();
    expect(expectedEnd(job, { done: 1, total: 100 }, { now, newest })).toBeUndefined();
    expect(expectedEnd({ ...job, history: [] }, { done: 50, total: 100 }, { now, newest })).toBeUndefined();
  });
});
