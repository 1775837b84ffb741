import { describe, expect, it } from 'vitest';
import { NotAllowed, RetryableError } from '../../../../functions/shared/domain/errors.ts';
import { waitingPartOf } from '../../../../functions/shared/domain/waiting/admission-queue.ts';
import {
  admittedPart,
  fitsAdmission,
  hasMoreRows,
} from '../../../../functions/shared/domain/waiting/admitted-part.ts';
import {
  type MetObstacle,
  obstacleBackoff,
  obstacleIn,
} from '../../../../functions/shared/domain/waiting/obstacle.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../../contracts/samples.ts';

const MINUTE = 60_000;
const WAITING = { for: 'account', since: NOON } as const;
const UPLOADED = { id: 'i', at: NOON, fileId: 'file-1' };
const SLICE = { end: 2, rows: 2, uploadBytes: 800 };

describe('an admitted part', () => {
  const admission = { at: NOON + 1 };
  const admitted = (fields: PartFields) => {
    const part = aPart(fields);
    if (part.phase !== 'waiting' && part.phase !== 'requeued') throw new Error(`it is ${part.phase}`);
    return admittedPart(part, admission);
  };

  it('begins, with a slice of its own, if nothing was uploaded', () => {
    const ready = aPart({ phase: 'ready', admission });
    expect(admitted({ phase: 'waiting', waiting: WAITING, slice: SLICE })).toEqual(ready);
  });

  it('keeps its uploaded file, and the slice in it', () => {
    const uploaded = aPart({ phase: 'uploaded', intent: UPLOADED, slice: SLICE, admission });
    expect(admitted({ phase: 'waiting', waiting: WAITING, intent: UPLOADED, slice: SLICE })).toEqual(
      uploaded,
    );
  });

  it('searches for the batch of a create that was refused', () => {
    const intent = { ...UPLOADED, sendBy: NOON, refused: true as const };
    expect(admitted({ phase: 'waiting', waiting: WAITING, intent })).toEqual(
      aPart({ phase: 'creating', intent, admission }),
    );
  });

  it('is tried again with its batch, if the API rejected that', () => {
    const batch = aBatch({ status: 'failed' });
    expect(admitted({ batch, waiting: WAITING })).toEqual(aPart({ phase: 'retrying', batch, admission }));
  });
});

describe('the rows of an attempt', () => {
  const part = (differences: PartFields = {}) => aPart({ rows: 3, uploadBytes: 1_190, ...differences });

  it.each([
    [undefined, true],
    [{ uploadBytes: 1_190 }, true],
    [{ uploadBytes: 1_189 }, false],
    [{ uploadBytes: 1_190, rows: 3 }, true],
    [{ uploadBytes: 1_190, rows: 2 }, false],
  ])('fit an admission of %j: %s', (atMost, expected) => {
    expect(fitsAdmission(part(), { at: NOON, ...(atMost && { atMost }) })).toBe(expected);
  });

  it('fit any admission if there is one row, and those of a slice if the slice fits', () => {
    expect(fitsAdmission(part({ rows: 1 }), { at: NOON, atMost: { uploadBytes: 1 } })).toBe(true);
    expect(fitsAdmission(part({ slice: SLICE }), { at: NOON, atMost: { uploadBytes: 800 } })).toBe(true);
    expect(fitsAdmission(part({ slice: SLICE }), { at: NOON, atMost: { uploadBytes: 799 } })).toBe(false);
  });

  it('are followed by others if a slice has fewer than remain', () => {
    expect(hasMoreRows(part())).toBe(false);
    expect(hasMoreRows(part({ slice: SLICE }))).toBe(true);
    expect(hasMoreRows(part({ slice: { ...SLICE, rows: 3 } }))).toBe(false);
  });

  it('decide about the place in the queue, with what the part has besides', () => {
    const facts = { share: { group: 'a' }, group: 'g', approvedAt: 7 } as unknown as PartFields;
    const waiting = part({ phase: 'waiting', waiting: WAITING });
    const all = part({ phase: 'waiting', waiting: WAITING, slice: SLICE, ...facts });
    if (waiting.phase !== 'waiting' || all.phase !== 'waiting') throw new Error('they do not wait');
    const { jobId, planId, model } = waiting;
    const entry = { jobId, planId, number: 1, jobCreatedAt: NOON, model, waiting: WAITING };
    expect(waitingPartOf(waiting)).toEqual({ ...entry, rows: 3, uploadBytes: 1_190 });
    expect(waitingPartOf(all)).toEqual({ ...entry, ...facts, rows: 2, uploadBytes: 800, isSlice: true });
  });
});

describe('an obstacle', () => {
  const refusal = (waitsFor: MetObstacle['for'], said?: string) =>
    new RetryableError('ours', { waitsFor, ...(said === undefined ? {} : { said }) } as object);

  it('is what the failure says, or our words, or a wait for the account if the key is refused', () => {
    expect(obstacleIn(refusal('storage', 'Full.'), undefined, NOON)).toEqual({
      for: 'storage',
      since: NOON,
      said: 'Full.',
    });
    expect(obstacleIn(refusal('storage'), undefined, NOON)?.said).toBe('ours');
    expect(obstacleIn(new NotAllowed('401'), undefined, NOON)).toEqual({
      for: 'account',
      since: NOON,
      said: '401',
    });
    expect(obstacleIn(refusal('storage', `${'x'.repeat(499)}😀`), undefined, NOON)?.said).toBe(
      `${'x'.repeat(499)}\ufffd`,
    );
  });

  it('is none for a failure that counts', () => {
    for (const failure of [
      new RetryableError('x'),
      new RetryableError('x', { afterSeconds: 1 }),
      new Error('x'),
    ])
      expect(obstacleIn(failure, undefined, NOON)).toBeUndefined();
  });

  it('began when the item first met it, and anew if it met another one', () => {
    const before = { for: 'storage', since: NOON - 9 } as const;
    expect(obstacleIn(refusal('storage'), before, NOON)?.since).toBe(NOON - 9);
    expect(obstacleIn(refusal('unreachable'), before, NOON)?.since).toBe(NOON);
  });

  it.each([
    ['unreachable', 0, 15_000],
    ['unreachable', 60_000, 60_000],
    ['unreachable', 60 * MINUTE, 10 * MINUTE],
    ['account', 0, 2 * MINUTE],
    ['account', 60 * MINUTE, 30 * MINUTE],
    ['results', 5 * MINUTE, 5 * MINUTE],
    ['results', 600 * MINUTE, 60 * MINUTE],
  ] as const)('%s for %i ms is followed by a pause of %i ms', (reason, waited, pause) => {
    expect(obstacleBackoff({ for: reason, since: NOON - waited }, NOON)).toBe(pause);
  });
});
