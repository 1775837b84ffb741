import { describe, expect, it } from 'vitest';
import { RecentPages } from '../../../functions/deliver/recent-pages.ts';
import {
  searchForSecondBatches,
  secondBatchSearchFrom,
} from '../../../functions/deliver/second-batch-search.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { wholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { LATE_BATCH_SEARCH_AFTER_MS, LISTED_AFTER_MS } from '../../../functions/shared/domain/timing.ts';
import { aBatch, aPart, NOON } from '../../contracts/samples.ts';
import { HOUR, SmallWorld, withMethods } from '../small-world.ts';

const LOST = { as: 'lost', reason: { code: 'batch_lost', message: 'lost' } } as const;
const NO_PAGE = { hasMore: false, account: 'org-a' };
const FILE = { id: 'i', at: NOON, fileId: 'file-1' };

it.each([
  ['refused, and not found by the search after it', { ...FILE, refusedAt: NOON }],
  [
    'refused, while its part waited for the account until it was cancelled',
    { ...FILE, sendBy: NOON, refused: true as const },
  ],
])('waits for the possible batch of a create that was %s', (_, intent) => {
  const part = aPart({ phase: 'uploaded', intent });
  expect(secondBatchSearchFrom([wholePart(part, [])])).toBe(NOON + LATE_BATCH_SEARCH_AFTER_MS);
});

it('does not wait if no create was sent', () => {
  const part = aPart({ phase: 'uploaded', intent: FILE });
  expect(secondBatchSearchFrom([wholePart(part, [])])).toBeLessThan(NOON);
});

it.each([
  ['is not counted while the API still knows the known one: it may be that batch, under another id', {}, 0],
  ['is counted if the API no longer knows the known one', { ended: LOST }, 1],
])('a batch that has ended, on a list without the known one, %s', async (_, differences, found) => {
  const world = new SmallWorld();
  const other = aBatch({ batchId: 'other', status: 'completed', metadata: { batchdrop_intent: FILE.id } });
  const api = withMethods(world.api, { listBatches: async () => ({ ...NO_PAGE, batches: [other] }) });
  const part = aPart({ batch: aBatch(), intent: { ...FILE, sendBy: NOON }, ...differences });
  await world.ledger.createPart(part);
  const deps = { ...world.ports, api, pages: new RecentPages(world.clock) };
  expect((await searchForSecondBatches(deps, [wholePart(part, [])])).found).toBe(found);
});

it.each([
  ['of one account, whatever its key was', ['org-a#key-1', 'org-a#key-2'], 1],
  ['of two accounts', ['org-a', 'org-b'], 2],
  ['of a known account and of unknown ones', ['org-a', undefined, undefined], 2],
])('reads the list once for the creates %s', async (_, accounts, passes) => {
  const world = new SmallWorld();
  const parts = accounts.map((account, at) => {
    const intent = { ...FILE, id: `i${at}`, sendBy: NOON, ...(account === undefined ? {} : { account }) };
    return wholePart(aPart({ number: at + 1, batch: aBatch({ status: 'completed' }), intent }), []);
  });
  let lists = 0;
  const api = withMethods(world.api, {
    async listBatches(query) {
      lists += 1;
      return world.api.listBatches(query);
    },
  });
  await searchForSecondBatches({ ...world.ports, api, pages: new RecentPages(world.clock) }, parts);
  expect(lists).toBe(passes);
});

describe('the searches of one process', () => {
  const ended = (createdAt: number) =>
    wholePart(
      aPart({ batch: aBatch({ status: 'completed', createdAt }), intent: { ...FILE, sendBy: NOON } }),
      [],
    );

  function searching() {
    const world = new SmallWorld();
    const state = { lists: 0, fails: false };
    const api = withMethods(world.api, {
      async listBatches(query) {
        state.lists += 1;
        if (state.fails) throw new RetryableError('HTTP 500');
        return world.api.listBatches(query);
      },
    });
    const deps = { ...world.ports, api, pages: new RecentPages(world.clock) };
    const search = (createdAt: number) => searchForSecondBatches(deps, [ended(createdAt)]);
    return { clock: world.clock, state, search };
  }

  it('share what was read in the last minute', async () => {
    const { clock, state, search } = searching();
    const longAgo = clock.now() - HOUR;
    for (let second = 0; second < 60; second += 20) {
      expect(await search(longAgo)).toEqual({ found: 0, isComplete: true });
      clock.advance(20_000);
    }
    expect(state.lists).toBe(1);
    await search(longAgo);
    expect(state.lists).toBe(2);
  });

  it('share nothing that was read before a batch of theirs must be on the list', async () => {
    const { clock, state, search } = searching();
    await search(clock.now() - HOUR);
    const young = clock.now() - LISTED_AFTER_MS + 1;
    clock.advance(1);
    await search(young);
    expect(state.lists).toBe(2);
  });

  it('do not share a failure', async () => {
    const { clock, state, search } = searching();
    state.fails = true;
    expect(await search(clock.now() - HOUR)).toMatchObject({ isComplete: false });
    state.fails = false;
    expect(await search(clock.now() - HOUR)).toMatchObject({ isComplete: true });
    expect(state.lists).toBe(2);
  });
});

it('the pages that are kept are at most fifty', async () => {
  const { clock } = new SmallWorld();
  let lists = 0;
  const listBatches = async () => {
    lists += 1;
    return { ...NO_PAGE, batches: [] };
  };
  const pages = new RecentPages(clock);
  const read = (nth: number) => pages.of({ listBatches }, 0).listBatches({ limit: 100, after: `b${nth}` });
  for (let nth = 0; nth < 60; nth += 1) await read(nth);
  await read(59);
  expect(lists).toBe(60);
  await read(0);
  expect(lists).toBe(61);
});
