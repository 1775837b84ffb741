import { describe, expect, it } from 'vitest';
import { SecondSightings } from '../../../functions/poll/observation/second-sightings.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { without } from '../../../functions/shared/domain/without.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';

const open = (nth: number, more: object) => ({
  ...{
    batchId: `batch_${nth}`,
    createdAt: NOON,
    status: 'validating',
    model: 'm',
    uploadBytes: 1,
    jobCreatedAt: NOON,
  },
  ...more,
});
const OPEN = [
  open(1, { intentId: 'i1', fileId: 'file-1' }),
  open(2, { intentId: 'i2', fileId: 'file-2' }),
  open(3, {}),
];

/** Returns the second batches on a page, as `second of first`. */
const found = (...page: ObservedBatch[]) =>
  new SecondSightings(OPEN).on(page).map((one) => `${one.observed.batchId} of ${one.open.batchId}`);

const other = (differences: Partial<ObservedBatch>) =>
  aBatch({ batchId: 'batch_9', inputFileId: 'file-9', ...differences });
const OURS = aBatch({ batchId: 'batch_1', inputFileId: 'file-1', metadata: { batchdrop_intent: 'i1' } });

describe('a second batch on a page', () => {
  it('has an intent or a file of ours, and another id', () => {
    expect(found(OURS, other({ metadata: { batchdrop_intent: 'i1' } }))).toEqual(['batch_9 of batch_1']);
    expect(found(OURS, other({ inputFileId: 'file-1' }))).toEqual(['batch_9 of batch_1']);
  });

  it('belongs to its intent, whatever its file is', () => {
    const page = [OURS, other({ metadata: { batchdrop_intent: 'i0' }, inputFileId: 'file-1' })];
    expect(found(...page)).toEqual([]);
    const [second] = [aBatch({ batchId: 'batch_2' })];
    expect(
      found(OURS, second, other({ metadata: { batchdrop_intent: 'i2' }, inputFileId: 'file-1' })),
    ).toEqual(['batch_9 of batch_2']);
  });

  it('counts only if the page also shows our own batch', () => {
    expect(found(other({ inputFileId: 'file-1' }))).toEqual([]);
  });

  it('is neither our own batch nor one of others', () => {
    expect(found(OURS, aBatch({ batchId: 'batch_2', inputFileId: 'file-1' }))).toEqual([]);
    expect(found(OURS, other({}), without(other({}), 'inputFileId'))).toEqual([]);
  });
});
