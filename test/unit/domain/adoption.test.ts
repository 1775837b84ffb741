import { describe, expect, it } from 'vitest';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { batchToAdopt } from '../../../functions/shared/domain/spending/batch-choice.ts';
import { searchHorizon } from '../../../functions/shared/domain/spending/search-horizon.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';
import { HOUR, MINUTE } from '../small-world.ts';

describe('of several batches of one intent, the one to adopt', () => {
  const counts = (completed: number) => ({ total: 3, completed, failed: 0 });
  /** From the best to the worst. */
  const ORDER: Partial<ObservedBatch>[] = [
    { status: 'expired', outputFileId: 'file-out' },
    { status: 'completed', counts: counts(0) },
    { status: 'in_progress' },
    { status: 'validating' },
    { status: 'cancelling' },
    { status: 'cancelled' },
    { status: 'failed' },
  ];

  it('has or may have results', () => {
    for (const [at, better] of ORDER.entries())
      for (const worse of ORDER.slice(at + 1)) {
        const batches = [aBatch({ ...worse, batchId: 'worse' }), aBatch({ ...better, batchId: 'better' })];
        expect({ better, worse, is: batchToAdopt(batches)?.batchId }).toEqual({
          better,
          worse,
          is: 'better',
        });
      }
  });

  it.each([
    [
      { status: 'failed', outputFileId: 'file-out' },
      { status: 'cancelled', counts: counts(1) },
    ],
    [{ status: 'in_progress' }, { status: 'finalizing' }],
    [{ status: 'finalizing' }, { status: 'in_progress' }],
    [{ status: 'validating' }, { status: 'pondering' }],
    [{ status: 'expired' }, { status: 'cancelled' }],
    [{ status: 'cancelled' }, { status: 'expired' }],
    [{ status: 'failed' }, { status: 'failed' }],
  ])('is the first of equal ones: %j', (first, second) => {
    const batches = [aBatch({ ...first, batchId: 'first' }), aBatch({ ...second, batchId: 'second' })];
    expect(batchToAdopt(batches)?.batchId).toBe('first');
  });

  it('is none if there is none', () => {
    expect(batchToAdopt([])).toBeUndefined();
  });
});

describe('a search for batches', () => {
  const began = (differences: object = {}) => ({
    at: NOON,
    uploadedAt: NOON + 1,
    answeredAt: NOON + 2,
    ...differences,
  });

  it.each([
    ['our time', {}, NOON],
    ["the file's creation", { uploadedAt: NOON - 7 }, NOON - 7],
    ["the API's time", { answeredAt: NOON - 9, uploadedAt: NOON - 7 }, NOON - 9],
    ['our time, even a day behind theirs', { uploadedAt: NOON + 24 * HOUR }, NOON],
  ])('goes back to 15 minutes before %s', (_, differences, from) => {
    expect(searchHorizon([began(differences)])).toBe(from - 15 * MINUTE);
  });

  it('goes back to the earliest of several intents', () => {
    expect(searchHorizon([began(), began({ at: NOON - 5 }), began()])).toBe(NOON - 5 - 15 * MINUTE);
  });

  it.each([
    ['is not known', { uploadedAt: undefined }],
    ['is no number', { answeredAt: Number.NaN }],
    ['is 0', { uploadedAt: 0 }],
    ['is more than a day ahead', { answeredAt: NOON + 24 * HOUR + 1 }],
  ])('reads the whole list if one of the times %s', (_, differences) => {
    expect(searchHorizon([began(), began(differences)])).toBeUndefined();
  });

  it('without intents reads the whole list', () => {
    expect(searchHorizon([])).toBeUndefined();
  });
});
