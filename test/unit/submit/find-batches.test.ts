import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { type FoundBatches, findBatches } from '../../../functions/shared/lifecycle/find-batches.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';
import { batchPage } from '../../fakes/batch-page.ts';

const MINUTE = 60_000;

interface Listing {
  asked: ({ after?: string } | undefined)[];
  listBatches(query: { after?: string; limit: number }): Promise<BatchPage>;
}

/** Returns a list, newest first, in pages of `pageSize`. */
function listOf(batches: ObservedBatch[], pageSize = 2, account = 'org'): Listing {
  const asked: Listing['asked'] = [];
  return {
    asked,
    async listBatches({ after }) {
      asked.push(after === undefined ? {} : { after });
      const from = after === undefined ? 0 : batches.findIndex(({ batchId }) => batchId === after) + 1;
      const page = batches.slice(from, from + pageSize);
      return batchPage(page, from + pageSize < batches.length, account);
    },
  };
}

const batch = (n: number, minutesAgo: number, inputFileId = 'file-other') =>
  aBatch({ batchId: `batch_${n}`, createdAt: NOON - minutesAgo * MINUTE, inputFileId });
const search = (api: Pick<Listing, 'listBatches'>, account: string | undefined = 'org') =>
  findBatches(
    // A search calls only the list.
    { api: Object.assign(Object.create(null), api) },
    {
      intentIds: new Set(['intent-1']),
      fileIds: new Set(['file-1', 'file-2']),
      horizon: NOON - 15 * MINUTE,
      account,
    },
  );
const idsOf = ({ ours }: FoundBatches) => ours.map(({ batchId }) => batchId);
/** Returns why an absence in the search proves nothing. */
const gapOf = async (api: Pick<Listing, 'listBatches'>) => (await search(api)).gap?.message ?? 'none';

describe('a search', () => {
  it('finds every batch on the files, oldest first, whatever other batches are between them', async () => {
    const list = [batch(5, 0), batch(4, 1, 'file-2'), batch(3, 2), batch(2, 3, 'file-1'), batch(1, 4)];
    expect(idsOf(await search(listOf(list)))).toEqual(['batch_2', 'batch_4']);
  });

  it('orders two batches of the same second by id, so that every search picks the same one', async () => {
    const list = [batch(2, 1, 'file-1'), batch(1, 1, 'file-1')];
    expect(idsOf(await search(listOf(list)))).toEqual(['batch_1', 'batch_2']);
  });

  it('goes back to 15 minutes before the intent, and reads no further page', async () => {
    const list = listOf([
      batch(6, 0),
      batch(5, 14),
      batch(4, 16),
      batch(3, 17),
      batch(2, 18),
      batch(1, 19, 'file-1'),
    ]);
    expect(await search(list)).toMatchObject({ ours: [] });
    expect(list.asked).toHaveLength(2);
    const near = listOf([
      batch(6, 0),
      batch(5, 1),
      batch(4, 2),
      batch(3, 15, 'file-1'),
      batch(2, 30),
      batch(1, 31),
    ]);
    expect(idsOf(await search(near))).toEqual(['batch_3']);
  });

  it('reads another page if the last one ends exactly 15 minutes before the intent', async () => {
    const list = listOf([batch(4, 15), batch(3, 15), batch(2, 15, 'file-1'), batch(1, 15)]);
    expect(idsOf(await search(list))).toEqual(['batch_2']);
  });

  it('of an empty list finds nothing', async () => {
    expect(await search(listOf([]))).toEqual({ ours: [], listed: new Set() });
  });

  it('accepts any account when the intent names none', async () => {
    const list = listOf([batch(1, 0, 'file-1')], 2, 'whoever');
    const found = await findBatches(
      { api: Object.assign(Object.create(null), list) },
      { intentIds: new Set(), fileIds: new Set(['file-1']), horizon: NOON, account: undefined },
    );
    expect(idsOf(found)).toEqual(['batch_1']);
  });
});

describe('a batch is ours', () => {
  it('by our intent in its metadata, whatever its input file', async () => {
    const rewritten = { ...batch(1, 0), metadata: { batchdrop_intent: 'intent-1' } };
    expect(idsOf(await search(listOf([rewritten, batch(2, 0)])))).toEqual(['batch_1']);
  });

  it('by our file, whatever its metadata', async () => {
    const other = { ...batch(1, 0, 'file-1'), metadata: { batchdrop_intent: 'another' } };
    expect(idsOf(await search(listOf([other])))).toEqual(['batch_1']);
  });

  it('even if neither its creation time nor its file is known', async () => {
    const bare: ObservedBatch = {
      batchId: 'batch_1',
      status: 'validating',
      errors: [],
      errorCount: 0,
      metadata: { batchdrop_intent: 'intent-1' },
    };
    expect(idsOf(await search(listOf([bare])))).toEqual(['batch_1']);
  });

  it('and counts although the list cannot be read to its end', async () => {
    const list = listOf([batch(3, 0), batch(2, 0, 'file-1'), batch(1, 0)]);
    const broken = {
      listBatches: (query: { after?: string; limit: number }) =>
        query.after === undefined ? list.listBatches(query) : Promise.reject(new RetryableError('HTTP 500')),
    };
    const found = await search(broken);
    expect(idsOf(found)).toEqual(['batch_2']);
    expect(found.gap?.message).toBe('HTTP 500');
  });
});

it('without a horizon the whole list is read', async () => {
  const list = listOf([batch(4, 0), batch(3, 1e6), batch(2, 2e6), batch(1, 3e6, 'file-1')]);
  const found = await findBatches(
    { api: Object.assign(Object.create(null), list) },
    { intentIds: new Set(), fileIds: new Set(['file-1']), horizon: undefined, account: 'org' },
  );
  expect(idsOf(found)).toEqual(['batch_1']);
});

it('a page without times does not end a search', async () => {
  const timeless = [4, 3, 2].map((n) => {
    const { createdAt: _, ...rest } = batch(n, 0);
    return rest;
  });
  expect(idsOf(await search(listOf([...timeless, batch(1, 0, 'file-1')])))).toEqual(['batch_1']);
});

describe('nothing is concluded from an absence when', () => {
  it('the list belongs to another account', async () => {
    expect(await gapOf(listOf([batch(1, 0, 'file-1')], 2, 'another'))).toContain('another account');
  });

  it('the account changes from one page to the next', async () => {
    let pages = 0;
    const list = listOf([batch(3, 0), batch(2, 0), batch(1, 0, 'file-1')]);
    const changing = {
      async listBatches(query: { after?: string; limit: number }) {
        pages += 1;
        return { ...(await list.listBatches(query)), account: pages === 1 ? 'org' : 'another' };
      },
    };
    expect(await gapOf(changing)).toContain('another account');
  });

  it('the list returns the same page again', async () => {
    const stuck = { listBatches: async () => batchPage([batch(1, 0)], true, 'org') };
    expect(await gapOf(stuck)).toContain('cannot be continued');
  });

  it('a page is empty and has_more is true', async () => {
    const empty = { listBatches: async () => ({ batches: [], hasMore: true, account: 'org' }) };
    expect(await gapOf(empty)).toContain('cannot be continued');
  });

  it('the list has no end', async () => {
    let n = 0;
    const endless = {
      async listBatches() {
        n += 1;
        return batchPage([batch(n, 0)], true, 'org');
      },
    };
    expect(await gapOf(endless)).toContain('more than 500 pages');
    expect(n).toBe(500);
  });

  it('a page cannot be read', async () => {
    const down = { listBatches: () => Promise.reject(new RetryableError('HTTP 500')) };
    expect(await gapOf(down)).toBe('HTTP 500');
  });
});
