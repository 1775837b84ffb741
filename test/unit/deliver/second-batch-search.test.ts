import { expect, it } from 'vitest';
import {
  searchForSecondBatches,
  secondBatchSearchFrom,
} from '../../../functions/deliver/second-batch-search.ts';
import { wholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { LATE_BATCH_SEARCH_AFTER_MS } from '../../../functions/shared/domain/timing.ts';
import { aBatch, aPart, NOON } from '../../contracts/samples.ts';
import { SmallWorld, withMethods } from '../small-world.ts';

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
  expect((await searchForSecondBatches({ ...world.ports, api }, [wholePart(part, [])])).found).toBe(found);
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
  await searchForSecondBatches({ ...world.ports, api }, parts);
  expect(lists).toBe(passes);
});
