import { describe, expect, it } from 'vitest';
import { BatchListIndex, endOf } from '../../../functions/poll/observation/batch-list-index.ts';
import type { OpenBatch } from '../../../functions/shared/domain/open-batch.ts';
import { without } from '../../../functions/shared/domain/without.ts';
import type { BatchPage } from '../../../functions/shared/ports/ports.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';
import { batchPage } from '../../fakes/batch-page.ts';

const at = (seconds: number) => NOON - seconds * 1_000;
const any = () => true;

/** Our open batches, of which each is so many seconds old. */
const open = (...ages: number[]): OpenBatch[] =>
  ages.map((age, nth) => ({
    ...{
      batchId: `ours_${nth}`,
      createdAt: at(age),
      status: 'validating',
      model: 'm',
      uploadBytes: 1,
      jobCreatedAt: 0,
    },
  }));

/** A page of batches of these ages. */
const page = (...ages: number[]): BatchPage =>
  batchPage(
    ages.map((age) => aBatch({ batchId: `listed_${age}`, createdAt: at(age) })),
    true,
    'org',
  );

const place = (age: number) => ({ batchId: 'p', createdAt: at(age) });

describe('the end of a page', () => {
  it('is after its last batch with a time', () => {
    expect(endOf(page(1, 2, 3))).toMatchObject({ createdAt: at(3) });
    const undated = batchPage(
      [aBatch({ batchId: 'a', createdAt: at(1) }), without(aBatch({ batchId: 'b' }), 'createdAt')],
      true,
      'org',
    );
    expect(endOf(undated)).toMatchObject({ createdAt: at(1) });
    expect(endOf(batchPage([], false, 'org'))).toBeUndefined();
  });
});

describe('the first of our batches that is not newer', () => {
  it.each([
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 3],
    [9, 4],
  ])('than %i seconds is number %i', (age, index) => {
    expect(new BatchListIndex(open(1, 3, 3, 5)).firstAt(at(age))).toBe(index);
  });
});

describe('the nearest position before a batch', () => {
  it('is after the next newer batch of ours', () => {
    const list = new BatchListIndex(open(1, 2, 3, 3));
    expect(list.placeBefore(2, any)).toMatchObject({ batchId: 'ours_1' });
    expect(list.placeBefore(3, any)).toMatchObject({ batchId: 'ours_1' }); // of the same second: it may be before
    expect(list.placeBefore(0, any)).toBeUndefined();
  });

  it('is not after one that may not be named', () => {
    const list = new BatchListIndex(open(1, 2, 3));
    expect(list.placeBefore(2, (index) => index !== 1)).toMatchObject({ batchId: 'ours_0' });
    expect(list.placeBefore(2, () => false)).toBeUndefined();
  });

  it('is the end of a page, if that is nearer', () => {
    const list = new BatchListIndex(open(10, 50));
    list.learn(page(0, 20), 1);
    list.learn(page(25, 30), 0);
    list.learn(page(55, 60), 0);
    expect(list.placeBefore(1, any)).toMatchObject({ createdAt: at(30) });
    const nearer = new BatchListIndex(open(10, 35, 50));
    nearer.learn(page(25, 30), 0);
    expect(nearer.placeBefore(2, any)).toMatchObject({ batchId: 'ours_1' });
    expect(new BatchListIndex(open(10)).placeBefore(0, any)).toBeUndefined();
  });
});

describe('the distance to a batch of ours', () => {
  it('is at least the number of our batches up to it', () => {
    const list = new BatchListIndex(open(1, 2, 3, 4));
    expect(list.distance(place(0), 0)).toBe(1);
    expect(list.distance(place(0), 3)).toBe(4);
    expect(list.distance(place(1), 3)).toBe(3); // the batch at the place is behind us
  });

  it('is estimated by how many batches of all programs there were per second', () => {
    const list = new BatchListIndex(open(20, 30));
    list.learn(page(0, 1, 2, 3, 4, 5, 6, 7, 8, 10), 0); // ten in ten seconds
    expect(list.distance(place(10), 0)).toBe(10);
    expect(list.distance(place(10), 1)).toBe(20);
  });

  it('is estimated by the share of ours where nearly all are ours, whatever their times are', () => {
    const list = new BatchListIndex(open(500, 600, 700));
    const dense = page(0, 1, 2, 3, 4, 5, 6, 7, 8, 10);
    list.learn(dense, 9);
    expect(list.distance(place(10), 2)).toBeCloseTo(3 / 0.9);
    const sparse = new BatchListIndex(open(500, 600, 700));
    sparse.learn(dense, 8);
    expect(sparse.distance(place(10), 2)).toBe(690);
  });

  it('is estimated from the nearest page', () => {
    const list = new BatchListIndex(open(150));
    list.learn(page(0, 10), 0); // two in ten seconds
    list.learn(page(180, 181, 182, 183, 190), 0); // five in ten seconds
    expect(list.distance(place(90), 0)).toBe(0.2 * 60);
    expect(list.distance(place(110), 0)).toBe(0.5 * 40);
  });

  it('learns nothing from a page without times', () => {
    const list = new BatchListIndex(open(20));
    list.learn(batchPage([without(aBatch({ batchId: 'b' }), 'createdAt')], true, 'org'), 0);
    list.learn(batchPage([], false, 'org'), 0);
    expect(list.distance(place(0), 0)).toBe(1);
  });
});
