import { describe, expect, it } from 'vitest';
import { amountOf } from '../../../functions/shared/domain/money/amount.ts';
import type { Budget } from '../../../functions/shared/domain/money/budget.ts';
import type { BatchLimits } from '../../../functions/shared/domain/waiting/batch-limits.ts';
import { MINUTE, row, SmallWorld } from '../small-world.ts';

const MODEL = 'gpt-4o-mini';
/** A row costs $1.50: 10 tokens in and 5 out. Before a batch was measured it may cost a token for each two bytes. */
const PRICE = { input: 100_000, output: 100_000 };
const PRICES = { models: { [MODEL]: PRICE, other: PRICE }, batchDiscount: 0 };

const money = (decimal: string) => amountOf(decimal) ?? 0n;
const perDay = (decimal: string, others: Partial<Budget> = {}): Partial<BatchLimits> => ({
  budget: { all: { day: money(decimal) }, each: {}, others: {}, ...others },
});

const bounded = (...ids: string[]) =>
  ids.map((id) => `${row(id, { body: { model: MODEL, messages: [], max_tokens: 5 } })}\n`).join('');
const unbounded = (count: number) => Array.from({ length: count }, (_, n) => `${row(`r${n}`)}\n`).join('');

function worldWith(limits: Partial<BatchLimits>, others = {}): SmallWorld {
  return new SmallWorld({ limits, prices: PRICES, ...others });
}

/** What the ledger has reserved, and what is settled. */
async function charges(world: SmallWorld) {
  const { spending } = await world.ledger.readAdmissions();
  return (spending?.charges ?? []).map(({ high, settled }) => ({ high, settled }));
}

const creates = (world: SmallWorld) => world.api.audit().creates.length;
const waitsFor = (world: SmallWorld, jobId: string) => world.parts(jobId)[0]?.waiting?.for;

/** Two files of one row each, of which each may cost about $7. */
async function dropTwo(world: SmallWorld, metadata: Record<string, string>[] = [{}, {}]): Promise<string[]> {
  const jobs: string[] = [];
  for (const [n, given] of metadata.entries()) {
    jobs.push(await world.drop(`${n}.jsonl`, bounded('r1'), given));
    world.clock.advance(1_000);
  }
  await world.work();
  return jobs;
}

describe('with a budget', () => {
  it('a part waits until its high estimate is reserved, and its true cost is settled', async () => {
    const world = worldWith(perDay('100'));
    const [jobId = ''] = await dropTwo(world, [{}]);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'waiting', waiting: { for: 'budget' } });
    await world.pass(1);
    const [reserved] = await charges(world);
    expect(Number(reserved?.high)).toBeGreaterThan(5);
    expect(reserved?.settled).toBeUndefined();
    await world.pass(20);
    expect(world.job(jobId).status).toBe('completed');
    expect(await charges(world)).toEqual([{ high: reserved?.high, settled: '1.50' }]);
  });

  it('what would pass it waits, and begins when the true cost leaves enough', async () => {
    const world = worldWith(perDay('9'));
    const [first = '', second = ''] = await dropTwo(world);
    await world.pass(2);
    expect(creates(world)).toBe(1);
    expect(waitsFor(world, second)).toBe('budget');
    await world.pass(20);
    expect(world.job(first).status).toBe('completed');
    expect(creates(world)).toBe(2);
    await world.rest();
    expect(world.job(second).status).toBe('completed');
  });

  it('what does not fit any more waits for the next day', async () => {
    const world = worldWith(perDay('7.2'));
    const [first = ''] = await dropTwo(world, [{}]);
    const second = await world.drop('second.jsonl', bounded('r1').replace(MODEL, 'other'));
    await world.pass(120);
    expect(world.job(first).status).toBe('completed');
    expect(waitsFor(world, second)).toBe('budget');
    await world.pass(22 * 60 + 30);
    expect(world.job(second).status).toBe('completed');
  });

  it('a small part overtakes one that does not fit', async () => {
    const world = worldWith(perDay('16'));
    await world.drop('a.jsonl', bounded('r1'));
    world.clock.advance(1_000);
    const large = await world.drop('b.jsonl', bounded('r1', 'r2'));
    world.clock.advance(1_000);
    const small = await world.drop('c.jsonl', bounded('r1'));
    await world.pass(2);
    expect(waitsFor(world, large)).toBe('budget');
    expect(world.parts(small)[0]?.phase).toBe('running');
  });

  it('groups have purses of their own, and those that are not named share one', async () => {
    const limits = perDay('100', {
      by: 'team',
      each: { search: { day: money('9') } },
      others: { day: money('9') },
    });
    const world = worldWith(limits);
    const teams = ['search', 'search', 'ads', 'billing'].map((team) => ({ 'batch-team': team }));
    const jobs = await dropTwo(world, teams);
    await world.pass(2);
    expect(jobs.map((jobId) => waitsFor(world, jobId))).toEqual([undefined, 'budget', undefined, 'budget']);
  });

  it('a model without a price waits, and says so', async () => {
    const world = worldWith(perDay('100'));
    const jobId = await world.drop('a.jsonl', `${row('r1', { body: { model: 'mystery', messages: [] } })}\n`);
    const other = await world.drop('b.jsonl', bounded('r1'));
    await world.pass(3);
    expect(waitsFor(world, jobId)).toBe('price_unknown');
    expect(world.parts(other)[0]?.batch).toBeDefined();
    expect(world.metrics.of('PriceUnknown').length).toBeGreaterThan(0);
  });

  it('rows without a limit begin with a slice of at most a twentieth of the budget', async () => {
    const prices = { models: { [MODEL]: { input: 1, output: 1 } }, batchDiscount: 0 };
    const world = new SmallWorld({ limits: perDay('1'), prices });
    const jobId = await world.drop('a.jsonl', unbounded(20));
    await world.pass(1);
    const [part] = world.parts(jobId);
    expect(part?.slice?.rows).toBe(3); // of 16,384 tokens each: less than 5 cents
    const [first] = await charges(world);
    expect(Number(first?.high)).toBeLessThanOrEqual(0.05);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 20 } });
    expect(world.parts(jobId)[0]?.ran.length).toBeLessThan(5);
  });

  it('a part above a whole budget runs in slices, day after day', async () => {
    const world = worldWith(perDay('9'));
    const jobId = await world.drop('a.jsonl', bounded('r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'));
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 7 } });
    expect(world.parts(jobId)[0]?.ran.length).toBeGreaterThan(1);
  });

  it('a row above it is stopped, with an alarm', async () => {
    const world = worldWith(perDay('2'));
    const jobId = await world.drop('a.jsonl', bounded('r1'));
    await world.pass(3);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'stalled', stalled: { code: 'row_above_budget' } });
    expect(world.metrics.of('Stalled').length).toBeGreaterThan(0);
    expect(creates(world)).toBe(0);
  });

  it('one large row among small ones is stopped before it is sent', async () => {
    const world = worldWith(perDay('30'));
    const messages = [{ role: 'user', content: 'x'.repeat(2_000) }];
    const large = `${row('large', { body: { model: MODEL, messages, max_tokens: 5 } })}\n`;
    const jobId = await world.drop('a.jsonl', bounded('r1', 'r2') + large);
    await world.pass(2 * 24 * 60);
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'stalled', stalled: { code: 'row_above_budget' } });
    expect(world.api.audit().billed.map(({ customId }) => customId)).toEqual(['r1', 'r2']);
  });

  it('an approved job passes it, and what it spends counts', async () => {
    const world = worldWith(perDay('9'));
    const [, second = ''] = await dropTwo(world);
    await world.pass(1);
    expect(waitsFor(world, second)).toBe('budget');
    await world.approve(second);
    await world.pass(1);
    expect(creates(world)).toBe(2);
    const reserved = (await charges(world)).reduce((sum, { high }) => sum + Number(high), 0);
    expect(reserved).toBeGreaterThan(9);
    const third = await world.drop('third.jsonl', bounded('r1'));
    await world.pass(2);
    expect(waitsFor(world, third)).toBe('budget');
  });

  it('an approval lets a row pass that was stopped, and a model without a price', async () => {
    const world = worldWith(perDay('2'));
    const large = await world.drop('a.jsonl', bounded('r1'));
    const mystery = await world.drop('b.jsonl', bounded('r1').replace(MODEL, 'mystery'));
    await world.pass(3);
    for (const jobId of [large, mystery]) await world.approve(jobId);
    await world.rest();
    await world.pass(1);
    for (const jobId of [large, mystery]) expect(world.job(jobId).status).toBe('completed');
    const known = new Map((await charges(world)).map(({ high, settled }) => [high === null, settled]));
    expect([known.get(false), known.get(true)]).toEqual(['1.50', '0']);
  });

  it('a cancelled part that was never sent costs nothing', async () => {
    const world = worldWith(perDay('8'));
    const [jobId = '', second = ''] = await dropTwo(world);
    await world.poll();
    await world.cancel({ jobId });
    await world.pass(2);
    expect(world.job(jobId).status).toBe('cancelled');
    expect(world.parts(second)[0]?.phase).toBe('running');
    expect(creates(world)).toBe(1);
  });

  it('a tenth of a cent more than is left is too much', async () => {
    const probe = worldWith(perDay('100'));
    await dropTwo(probe, [{}]);
    await probe.pass(1);
    const high = Number((await charges(probe))[0]?.high);
    for (const [left, begun] of [
      [high, 1],
      [high - 0.001, 0],
    ] as const) {
      const world = worldWith(
        perDay(left.toFixed(6), { all: { day: money(left.toFixed(6)), month: money('1000') } }),
      );
      await dropTwo(world, [{}]);
      await world.pass(1);
      expect(creates(world)).toBe(begun);
    }
  });

  it('BudgetNear and BudgetReached are recorded', async () => {
    const world = worldWith(perDay('8'));
    await dropTwo(world);
    await world.pass(2);
    expect(world.metrics.of('BudgetNear').length).toBeGreaterThan(0);
    expect(world.metrics.of('BudgetReached').length).toBeGreaterThan(0);
  });
});

describe('once a budget is used up', () => {
  const HOURS = 60 * MINUTE;
  const fate = ({ nth }: { nth: number }) => ({ runningMs: nth === 1 ? 4 * HOURS : MINUTE });

  /** A batch of two rows that runs for hours, and an approved job that meanwhile costs more than the whole budget. */
  async function whileItRuns(budget: Partial<Budget>, approved: 'other' | 'both' = 'other') {
    const world = worldWith(perDay('20', budget), { fate });
    const slow = await world.drop('slow.jsonl', bounded('r1', 'r2'));
    world.clock.advance(1_000);
    const waits = await world.drop('waits.jsonl', bounded('r1'));
    await world.pass(1);
    const costly = await world.drop('costly.jsonl', bounded(...'abcdefghijklmn'));
    await world.approve(costly);
    if (approved === 'both') await world.approve(slow);
    await world.pass(60);
    expect(world.job(costly)).toMatchObject({ status: 'completed', cost: { paid: '21.00' } });
    return { world, slow, waits };
  }

  it('what runs goes on', async () => {
    const { world, slow } = await whileItRuns({});
    await world.pass(5 * 60);
    expect(world.job(slow)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
  });

  it('what runs is cancelled if that was asked for, and what waits goes on waiting', async () => {
    const { world, slow, waits } = await whileItRuns({ stopsRunning: true });
    await world.pass(30);
    const { status, rows, lastCancel } = world.job(slow);
    expect({ status, cancelled: rows?.cancelled }).toEqual({ status: 'cancelled', cancelled: 2 });
    expect(lastCancel?.message).toBe(
      `part 1 of job ${slow} was cancelled: the budget that pays for it is used up`,
    );
    expect(waitsFor(world, waits)).toBe('budget');
    await world.rest();
    expect(world.job(waits).status).toBe('completed');
  });

  it('what a person approved goes on in any case', async () => {
    const { world, slow } = await whileItRuns({ stopsRunning: true }, 'both');
    await world.pass(5 * 60);
    expect(world.job(slow).status).toBe('completed');
  });

  it('only what the budget pays for is cancelled', async () => {
    const world = worldWith(
      {
        budget: {
          all: {},
          by: 'team',
          each: { search: { day: money('15') }, ads: { month: money('15') } },
          others: {},
          stopsRunning: true,
        },
      },
      { fate: ({ nth }: { nth: number }) => ({ runningMs: nth < 3 ? 4 * HOURS : MINUTE }) },
    );
    const slow = [];
    for (const team of ['search', 'ads'])
      slow.push(await world.drop(`${team}.jsonl`, bounded('r1', 'r2'), { 'batch-team': team }));
    await world.pass(1);
    const costly = await world.drop('costly.jsonl', bounded(...'abcdefghij'), { 'batch-team': 'ads' });
    await world.approve(costly);
    await world.pass(5 * 60);
    expect(slow.map((jobId) => world.job(jobId).status)).toEqual(['completed', 'cancelled']);
  });
});

it('ten jobs of three teams run within the budget of each day: what ran when, to the cent', async () => {
  const prices = { models: { [MODEL]: { input: 20_000, output: 40_000 } } }; // a row costs 20 cents
  const limits = {
    ...perDay('5', { by: 'team', each: { search: { day: money('4') } }, others: { day: money('3') } }),
    shares: { by: 'team', weights: { search: 2, '*': 1 } },
  };
  const world = new SmallWorld({ limits, prices });
  const began = world.clock.now();
  const jobs: [string, string][] = [];
  for (let n = 0; n < 10; n += 1) {
    const team = ['search', 'ads', 'billing'][n % 3] ?? '';
    const ids = Array.from({ length: 2 + (n % 4) }, (_, at) => `r${at}`);
    jobs.push([await world.drop(`${n}.jsonl`, bounded(...ids), { 'batch-team': team }), `${team} ${n}`]);
    world.clock.advance(1_000);
  }
  await world.rest();
  const ran = jobs.flatMap(([jobId, name]) =>
    world.parts(jobId).flatMap(({ admission, ran: earlier, rows }) => {
      const last = { admission, rows: rows - earlier.reduce((sum, one) => sum + one.rows, 0) };
      return [...earlier, last].map((one) => ({ name, at: one.admission?.at ?? 0, cents: 20 * one.rows }));
    }),
  );
  ran.sort((a, b) => a.at - b.at);
  expect(ran.map(({ name, at, cents }) => `${Math.floor((at - began) / MINUTE)} ${name} ${cents}`)).toEqual([
    '1 search 0 40',
    '1 ads 1 60',
    '1 ads 7 20', // a slice: by the first estimate, the whole file may cost more than the others have in a day
    '8 billing 2 80',
    '8 search 3 100',
    '8 ads 4 40',
    '8 search 6 80',
    '15 billing 5 60', // now 480 of the 500 cents of the day are spent
    '1440 ads 7 80',
    '1440 billing 8 40',
    '1440 search 9 60',
  ]);
  const paid = jobs.map(([jobId]) => Number(world.job(jobId).cost?.paid));
  expect(paid.map((cost) => cost.toFixed(2)).join(' ')).toBe(
    '0.40 0.60 0.80 1.00 0.40 0.60 0.80 1.00 0.40 0.60',
  );
});

describe('max-cost', () => {
  const drop = (most: string, body = bounded('r1')) => {
    const world = worldWith({});
    return world.drop('a.jsonl', body, { 'batchdrop-max-cost': most }).then((jobId) => world.job(jobId));
  };

  it('rejects a file that may cost more', async () => {
    const job = await drop('5');
    expect(job.status).toBe('rejected');
    expect(job.findings?.first).toEqual([
      {
        line: null,
        code: 'above_max_cost',
        message: expect.stringMatching(/^the file may cost [\d.]+ USD, and batchdrop-max-cost is 5\.00$/),
      },
    ]);
  });

  it('holds a file that may cost more, if it asks for a hold', async () => {
    const world = worldWith({});
    const given = { 'batchdrop-max-cost': '5', 'batchdrop-hold': 'yes' };
    const job = world.job(await world.drop('a.jsonl', bounded('r1'), given));
    expect(job).toMatchObject({ status: 'unapproved', hold: { reason: { code: 'above_max_cost' } } });
  });

  it('accepts a file that costs less', async () => {
    expect((await drop('50')).status).toBe('accepted');
  });

  it('rejects a file of which nobody knows what it may cost', async () => {
    expect((await drop('1000000', unbounded(1))).findings?.first[0]?.message).toMatch(/^rows set no limit/);
    const mystery = `${row('r1', { body: { model: 'mystery', messages: [], max_tokens: 5 } })}\n`;
    expect((await drop('1000000', mystery)).findings?.first[0]?.message).toMatch(
      /^no price of mystery is known/,
    );
  });

  it.each(['', '-1', '5 USD', '1e3', '0,5'])('"%s" is no amount', async (most) => {
    expect((await drop(most)).findings?.first[0]?.code).toBe('invalid_instruction');
  });
});
