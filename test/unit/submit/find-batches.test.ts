import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { findBatches } from '../../../functions/shared/lifecycle/find-batches.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';

const MINUTE = 60_000;

interface Listing {
  asked: ({ after?: string } | undefined)[];
  listBatches(query: { after?: string; limit: number }): Promise<BatchPage>;
}

/** A list, newest first, in pages of so many. */
function listOf(batches: ObservedBatch[], pageSize = 2, account = 'org'): Listing {
  const asked: Listing['asked'] = [];
  return {
    asked,
    async listBatches({ after }) {
      asked.push(after === undefined ? {} : { after });
      const from = after === undefined ? 0 : batches.findIndex(({ batchId }) => batchId === after) + 1;
      const page = batches.slice(from, from + pageSize);
      return { batches: page, hasMore: from + pageSize < batches.length, account };
    },
  };
}

const batch = (n: number, minutesAgo: number, inputFileId = 'file-other') =>
  aBatch({ batchId: `batch_${n}`, createdAt: NOON - minutesAgo * MINUTE, inputFileId });
const search = (api: Pick<Listing, 'listBatches'>, account: string | undefined = 'org') =>
  findBatches(
    // Only the list is asked.
    { api: Object.assign(Object.create(null), api) },
    { fileIds: new Set(['file-1', 'file-2']), since: NOON, account },
  );

describe('a search', () => {
  it('finds every batch on the files, the oldest first, whatever stands between them', async () => {
    const list = [batch(5, 0), batch(4, 1, 'file-2'), batch(3, 2), batch(2, 3, 'file-1'), batch(1, 4)];
    expect((await search(listOf(list))).map(({ batchId }) => batchId)).toEqual(['batch_2', 'batch_4']);
  });

  it('tells two of the same second apart by their ids, so that everybody takes the same', async () => {
    const list = [batch(2, 1, 'file-1'), batch(1, 1, 'file-1')];
    expect((await search(listOf(list))).map(({ batchId }) => batchId)).toEqual(['batch_1', 'batch_2']);
  });

  it('goes back 15 minutes before the intent, and no page further', async () => {
    const list = listOf([
      batch(6, 0),
      batch(5, 14),
      batch(4, 16),
      batch(3, 17),
      batch(2, 18),
      batch(1, 19, 'file-1'),
    ]);
    expect(await search(list)).toEqual([]);
    expect(list.asked).toHaveLength(2);
    const near = listOf([
      batch(6, 0),
      batch(5, 1),
      batch(4, 2),
      batch(3, 15, 'file-1'),
      batch(2, 30),
      batch(1, 31),
    ]);
    expect((await search(near)).map(({ batchId }) => batchId)).toEqual(['batch_3']);
  });

  it('goes on while a page still holds one of exactly 15 minutes before', async () => {
    const list = listOf([batch(4, 15), batch(3, 15), batch(2, 15, 'file-1'), batch(1, 15)]);
    expect((await search(list)).map(({ batchId }) => batchId)).toEqual(['batch_2']);
  });

  it('of an empty list finds nothing', async () => {
    expect(await search(listOf([]))).toEqual([]);
  });

  it('takes any account when the intent names none', async () => {
    const list = listOf([batch(1, 0, 'file-1')], 2, 'whoever');
    const found = await findBatches(
      { api: Object.assign(Object.create(null), list) },
      { fileIds: new Set(['file-1']), since: NOON, account: undefined },
    );
    expect(found).toHaveLength(1);
  });
});

describe('a search is not over, and nothing is concluded, when', () => {
  it('another account answers', async () => {
    await expect(search(listOf([batch(1, 0, 'file-1')], 2, 'another'))).rejects.toThrow(RetryableError);
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
    await expect(search(changing)).rejects.toThrow(RetryableError);
  });

  it('the next page of the list repeats a batch', async () => {
    const stuck = { listBatches: async () => ({ batches: [batch(1, 0)], hasMore: true, account: 'org' }) };
    await expect(search(stuck)).rejects.toThrow('repeats a batch');
  });

  it('a page is empty and says that there is more', async () => {
    const empty = { listBatches: async () => ({ batches: [], hasMore: true, account: 'org' }) };
    await expect(search(empty)).rejects.toThrow(RetryableError);
  });

  it('the list has no end', async () => {
    let n = 0;
    const endless = {
      async listBatches() {
        n += 1;
        return { batches: [batch(n, 0)], hasMore: true, account: 'org' };
      },
    };
    await expect(search(endless)).rejects.toThrow('more than 500 pages');
    expect(n).toBe(500);
  });

  it('a page cannot be had', async () => {
    const down = { listBatches: () => Promise.reject(new RetryableError('HTTP 500')) };
    await expect(search(down)).rejects.toThrow('HTTP 500');
  });
});
