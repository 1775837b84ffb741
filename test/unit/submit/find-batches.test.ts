import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { findBatches } from '../../../functions/shared/lifecycle/find-batches.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';
import { batchPage } from '../../fakes/batch-page.ts';

const MINUTE = 60_000;

interface Listing {
  asked: ({ after?: string } | undefined)[];
  listBatches(query: { after?: string; limit: number }): Promise<BatchPage>;
}

/** A list, newest first, in pages of `pageSize`. */
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
    { fileIds: new Set(['file-1', 'file-2']), since: NOON, account },
  );

describe('a search', () => {
  it('finds every batch on the files, oldest first, whatever other batches are between them', async () => {
    const list = [batch(5, 0), batch(4, 1, 'file-2'), batch(3, 2), batch(2, 3, 'file-1'), batch(1, 4)];
    expect((await search(listOf(list))).map(({ batchId }) => batchId)).toEqual(['batch_2', 'batch_4']);
  });

  it('orders two batches of the same second by id, so that every search picks the same one', async () => {
    const list = [batch(2, 1, 'file-1'), batch(1, 1, 'file-1')];
    expect((await search(listOf(list))).map(({ batchId }) => batchId)).toEqual(['batch_1', 'batch_2']);
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

  it('reads another page when the last one ends exactly 15 minutes before the intent', async () => {
    const list = listOf([batch(4, 15), batch(3, 15), batch(2, 15, 'file-1'), batch(1, 15)]);
    expect((await search(list)).map(({ batchId }) => batchId)).toEqual(['batch_2']);
  });

  it('of an empty list finds nothing', async () => {
    expect(await search(listOf([]))).toEqual([]);
  });

  it('accepts any account when the intent names none', async () => {
    const list = listOf([batch(1, 0, 'file-1')], 2, 'whoever');
    const found = await findBatches(
      { api: Object.assign(Object.create(null), list) },
      { fileIds: new Set(['file-1']), since: NOON, account: undefined },
    );
    expect(found).toHaveLength(1);
  });
});

describe('a search fails, and nothing is concluded, when', () => {
  it('the list belongs to another account', async () => {
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

  it('the list returns the same page again', async () => {
    const stuck = { listBatches: async () => batchPage([batch(1, 0)], true, 'org') };
    await expect(search(stuck)).rejects.toThrow('cannot be continued');
  });

  it('a page is empty and has_more is true', async () => {
    const empty = { listBatches: async () => ({ batches: [], hasMore: true, account: 'org' }) };
    await expect(search(empty)).rejects.toThrow(RetryableError);
  });

  it('the list has no end', async () => {
    let n = 0;
    const endless = {
      async listBatches() {
        n += 1;
        return batchPage([batch(n, 0)], true, 'org');
      },
    };
    await expect(search(endless)).rejects.toThrow('more than 500 pages');
    expect(n).toBe(500);
  });

  it('a page cannot be read', async () => {
    const down = { listBatches: () => Promise.reject(new RetryableError('HTTP 500')) };
    await expect(search(down)).rejects.toThrow('HTTP 500');
  });
});
