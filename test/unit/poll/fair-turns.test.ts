import { describe, expect, it } from 'vitest';
import { Capacity, type Taken } from '../../../functions/poll/admission/capacity.ts';
import { FairTurns } from '../../../functions/poll/admission/fair-turns.ts';
import type { Waiting } from '../../../functions/shared/domain/part.ts';
import type { WaitingPart } from '../../../functions/shared/domain/waiting/admission-queue.ts';
import type { ShareLeads, ShareOfPart, Shares } from '../../../functions/shared/domain/waiting/shares.ts';
import { shareOf } from '../../../functions/shared/domain/waiting/shares.ts';
import { NOON } from '../../contracts/samples.ts';

const BYTES_PER_TOKEN = 4; // before a batch was measured
const EQUAL: Shares = { by: 'team', weights: {} };

/** The n-th oldest part. */
function waiting(
  n: number,
  name: string,
  differences: Partial<WaitingPart> & { tokens?: number; priority?: ShareOfPart['priority'] } = {},
): WaitingPart {
  const { tokens = 100, priority = 'normal', ...others } = differences;
  const wait: Waiting = { for: 'enqueued_tokens', since: NOON };
  return {
    ...{ jobId: `${n}`, planId: 'p', number: 1, jobCreatedAt: NOON + n, model: 'm', waiting: wait },
    ...{ uploadBytes: tokens * BYTES_PER_TOKEN, rows: 1, share: { name, priority } },
    ...others,
  };
}

/** Admits what there is capacity for, tick by tick, while every batch ends before the next tick; returns the ids of the jobs. */
function admitted(
  parts: readonly WaitingPart[],
  {
    shares = EQUAL,
    limit = 100,
    maxOpenBatches,
    ticks = parts.length,
    taken = [],
  }: {
    shares?: Shares;
    limit?: number;
    maxOpenBatches?: number;
    ticks?: number;
    taken?: Taken[];
  } = {},
): string[] {
  let queue = [...parts];
  let leads: ShareLeads | undefined;
  const order: string[] = [];
  for (let tick = 0; tick < ticks; tick += 1) {
    const enqueuedTokens: Record<string, number> = maxOpenBatches === undefined ? { m: limit, n: limit } : {};
    const limits = { enqueuedTokens, shares, ...(maxOpenBatches === undefined ? {} : { maxOpenBatches }) };
    const capacity = new Capacity({ limits, measured: {} }, taken);
    const turns = new FairTurns(shares, leads);
    const inOrder = turns.inOrder(queue, capacity.turnFacts(queue, NOON));
    const chosen = capacity.choose(inOrder, { ended: new Map(), now: NOON });
    leads = turns.after(capacity.turnsTaken(queue, chosen, { now: NOON, sawAll: true }));
    const begun = new Set(chosen.map(({ part }) => part));
    order.push(...chosen.map(({ part }) => part.jobId));
    queue = queue.filter((part) => !begun.has(part));
  }
  return order;
}

/** Parts of a team, of which the first is the n-th oldest of all. */
const parts = (n: number, count: number, name: string, differences = {}) =>
  Array.from({ length: count }, (_, at) => waiting(n + at, name, differences));

const teamsOf = (order: string[], all: WaitingPart[]) =>
  order.map((jobId) => all.find((part) => part.jobId === jobId)?.share?.name[0]).join('');

describe('shares', () => {
  it('take turns, and within a share the oldest job is first', () => {
    const all = [...parts(1, 4, 'ads'), ...parts(5, 2, 'billing')];
    expect(admitted(all)).toEqual(['1', '5', '2', '6', '3', '4']);
  });

  it('get tokens in proportion to their weights', () => {
    const all = [...parts(1, 9, 'ads'), ...parts(10, 9, 'search')];
    const shares = { by: 'team', weights: { search: 3, '*': 1 } };
    const order = teamsOf(admitted(all, { shares, ticks: 12 }), all);
    expect(order).toHaveLength(12);
    expect(order.replaceAll('a', '')).toHaveLength(9);
  });

  it('count tokens and not batches: ten small parts are as much as a large one', () => {
    const all = [...parts(1, 4, 'large', { tokens: 100 }), ...parts(5, 40, 'small', { tokens: 10 })];
    const order = teamsOf(admitted(all, { ticks: 44 }), all);
    expect(order.slice(0, 33).replaceAll('s', '')).toHaveLength(3);
  });

  it('of a team without a weight have that of the others, and 1 without one', () => {
    const all = [...parts(1, 8, 'named'), ...parts(9, 8, 'other')];
    const shares = { by: 'team', weights: { named: 1, '*': 3 } };
    expect(teamsOf(admitted(all, { shares, ticks: 8 }), all).replaceAll('n', '')).toHaveLength(6);
    const unnamed = { by: 'team', weights: { named: 1 } };
    expect(teamsOf(admitted(all, { shares: unnamed, ticks: 8 }), all).replaceAll('n', '')).toHaveLength(4);
  });

  it.each([
    ['high', 8],
    ['normal', 5],
    ['low', 2],
  ] as const)('of a file of %s priority get their weight times its factor', (priority, among) => {
    const all = [...parts(1, 10, 'ads'), ...parts(11, 10, 'urgent', { priority })];
    const order = teamsOf(admitted(all, { ticks: 10 }), all);
    expect(order).toHaveLength(10);
    expect(order.replaceAll('a', '')).toHaveLength(among);
  });

  it('of one share with different priorities take turns', () => {
    const all = [...parts(1, 5, 'ads', { priority: 'low' }), waiting(6, 'ads', { priority: 'high' })];
    expect(admitted(all).slice(0, 2)).toEqual(['1', '6']);
  });

  it('of which one begins to wait later are not repaid for the time before', () => {
    let leads: ShareLeads | undefined;
    const step = (queue: WaitingPart[], begun: WaitingPart) => {
      const turns = new FairTurns(EQUAL, leads);
      const capacity = new Capacity({ limits: { enqueuedTokens: { m: 1 } }, measured: {} }, []);
      const order = turns.inOrder(queue, capacity.turnFacts(queue, NOON));
      const left = queue.filter((part) => part !== begun);
      leads = turns.after({
        ...{ admitted: [{ part: begun, tokens: 100 }], waitForModel: left, waitForBatches: [], sawAll: true },
      });
      return order.map(({ jobId }) => jobId);
    };
    const [first, second, third, fourth] = parts(1, 4, 'ads');
    if (!first || !second || !third || !fourth) throw new Error('there are four parts');
    step([first, second, third, fourth], first);
    step([second, third, fourth], second);
    const late = parts(5, 3, 'late');
    expect(step([third, fourth, ...late], third)).toEqual(['3', '5', '4', '6', '7']);
  });

  it('keep freed capacity for a large part whose turn it is', () => {
    const large = waiting(1, 'ads', { tokens: 100 });
    const small = parts(2, 5, 'billing', { tokens: 10 });
    const taken = [{ model: 'm', uploadBytes: 40 * BYTES_PER_TOKEN, pending: false }];
    expect(admitted([large, ...small], { taken, ticks: 3 })).toEqual([]);
    expect(admitted([large, ...small], { ticks: 1 })).toEqual(['1']);
  });

  it('take turns within each model, and no model delays another', () => {
    const all = [...parts(1, 3, 'ads'), waiting(4, 'billing'), ...parts(5, 2, 'ads', { model: 'n' })];
    expect(admitted(all, { ticks: 2 })).toEqual(['1', '5', '4', '6']);
  });

  it('take turns among all models while open batches are limited', () => {
    const all = [...parts(1, 3, 'ads'), ...parts(4, 3, 'ads', { model: 'n' }), ...parts(7, 3, 'billing')];
    expect(admitted(all, { maxOpenBatches: 1, ticks: 5 })).toEqual(['1', '7', '2', '8', '3']);
  });

  it('are not held up by a part of theirs that waits for the account', () => {
    const refused = waiting(1, 'ads', { waiting: { for: 'account', since: NOON, until: NOON + 1 } });
    const turns = new FairTurns(EQUAL);
    const breaker = {
      account: 'a',
      for: 'account',
      operation: 'create',
      items: [],
      since: NOON,
      said: '',
    } as const;
    const open = { since: NOON, probes: 0, nextProbeAt: NOON + 1 };
    const known = {
      limits: { enqueuedTokens: { m: 100 } },
      measured: {},
      breakers: [{ ...breaker, items: [], open }],
    };
    const queue = [refused, waiting(2, 'billing'), waiting(3, 'ads')];
    const capacity = new Capacity(known, []);
    const order = turns.inOrder(queue, capacity.turnFacts(queue, NOON));
    const chosen = capacity.choose(order, { ended: new Map(), now: NOON });
    expect(chosen.map(({ part }) => part.jobId)).toEqual(['2']);
    const { models } = turns.after(capacity.turnsTaken(queue, chosen, { now: NOON, sawAll: true }));
    expect(models).toEqual({ m: { 'normal ads': -50, 'normal billing': 50 } });
  });

  it('are forgotten when nothing waits any more, but not when a tick has not read everything', () => {
    const part = waiting(1, 'ads');
    const before: ShareLeads = { models: { m: { 'normal ads': -20, 'normal billing': 30 } }, batches: {} };
    const leadsIf = (sawAll: boolean) =>
      new FairTurns(EQUAL, before).after({
        ...{ admitted: [{ part, tokens: 10 }], waitForModel: [], waitForBatches: [], sawAll },
      }).models;
    expect(leadsIf(true)).toEqual({});
    expect(leadsIf(false)).toEqual({ m: { 'normal billing': 20 } });
  });

  it('ahead of others stay ahead when a tick has not read those others', () => {
    const models = { m: { 'normal ads': 300, 'normal billing': -10 } };
    const leadsIf = (sawAll: boolean) =>
      new FairTurns(EQUAL, { models, batches: {} }).after({
        ...{ admitted: [], waitForModel: [waiting(1, 'ads')], waitForBatches: [], sawAll },
      }).models;
    expect(leadsIf(false)).toEqual(models);
    expect(leadsIf(true)).toEqual({}); // only one waits
  });

  it('are at most 200 at a time; further ones share one line', () => {
    const all = Array.from({ length: 300 }, (_, n) => waiting(n, `team ${n}`));
    const turns = new FairTurns(EQUAL);
    const capacity = new Capacity({ limits: { enqueuedTokens: { m: 100 } }, measured: {} }, []);
    const order = turns.inOrder(all, capacity.turnFacts(all, NOON));
    expect(new Set(order).size).toBe(300);
    const [first, ...others] = order;
    if (!first) throw new Error('nobody has a turn');
    const { models } = turns.after({
      ...{ admitted: [{ part: first, tokens: 100 }], waitForModel: others, waitForBatches: [], sawAll: true },
    });
    expect(Object.keys(models.m ?? {})).toHaveLength(201); // with that of the others
  });
});

describe('the share of a file', () => {
  it('is the value of the metadata pair; without it, files are of one share', () => {
    expect(shareOf(EQUAL, { team: 'ads' }, 'low')).toEqual({ name: 'ads', priority: 'low' });
    expect(shareOf(EQUAL, { other: 'ads' }, 'normal').name).toBe('');
    expect(shareOf({ weights: {} }, { team: 'ads' }, 'normal').name).toBe('');
    expect(shareOf({ by: 'constructor', weights: {} }, {}, 'normal').name).toBe('');
  });

  it('with a long name has a short one of its own', () => {
    const [one, other] = ['a', 'b'].map(
      (end) => shareOf(EQUAL, { team: 'x'.repeat(511) + end }, 'normal').name,
    );
    expect(one).toHaveLength(48);
    expect(one).not.toBe(other);
    expect(shareOf(EQUAL, { team: 'x'.repeat(48) }, 'normal').name).toBe('x'.repeat(48));
  });
});
