import { describe, expect, it } from 'vitest';
import type { PartIn } from '../../../functions/shared/domain/part.ts';
import {
  batchesOf,
  endOfPart,
  phaseAfter,
  waitingAfterRefusal,
  waitingPart,
  withCancelRequest,
} from '../../../functions/shared/domain/part-end.ts';
import { wholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { aBatch, aPart, DELIVERED, NOON, type PartFields } from '../../contracts/samples.ts';

const MINUTE = 60_000;
const LATER = NOON + MINUTE;
const SENT = { id: 'i', at: NOON, fileId: 'file-1', sendBy: NOON };
const UPLOADED = { id: 'i', at: NOON, fileId: 'file-1' };
const LIMIT = 'Enqueued token limit reached for gpt-4o-mini. Limit: 90,000 enqueued tokens.';
const REFUSED = aBatch({
  status: 'failed',
  errors: [{ code: 'token_limit_exceeded', message: LIMIT, param: null, line: null }],
});
const stateOf = (batch: typeof REFUSED) => ({
  intent: SENT,
  batch,
  previousStatus: null,
  rev: 1,
  publishedRev: 1,
});

describe('a part ended', () => {
  const reason = { code: 'c', message: 'm' };
  it.each<[string | undefined, string, PartFields]>([
    ['completed', 'as its batch did', { batch: aBatch({ status: 'completed' }) }],
    ['lost', 'as itself, whatever its batch did', { batch: aBatch(), ended: { as: 'lost', reason } }],
    ['failed', 'as a refused batch did', { batch: REFUSED }],
    [
      'cancelled',
      'as cancelled, if only a cancel kept a refused batch from running later',
      { batch: REFUSED, cancelRequestedAt: 7 },
    ],
    [
      'completed',
      'as its batch did, in spite of a cancel',
      { batch: aBatch({ status: 'completed' }), cancelRequestedAt: 7 },
    ],
    [undefined, 'in no way yet', { phase: 'ready' }],
  ])('as %s: %s', (end, _, fields) => {
    expect(endOfPart(aPart(fields))).toBe(end);
  });
});

it('a cancel request ends the backoff of a part, unless the part has ended or has one', () => {
  expect(withCancelRequest(aPart({ phase: 'ready', backoffUntil: 9, tries: 3 }), 7)).toEqual(
    aPart({ phase: 'ready', cancelRequestedAt: 7, tries: 3 }),
  );
  expect(withCancelRequest(aPart({ phase: 'ready', cancelRequestedAt: 5 }), 7)).toBeUndefined();
  expect(withCancelRequest(aPart({ batch: aBatch(), delivered: DELIVERED }), 7)).toBeUndefined();
  expect(
    withCancelRequest(aPart({ ended: { as: 'failed', reason: { code: 'c', message: 'm' } } }), 7),
  ).toBeUndefined();
});

it('the batches of a part are those that ran, oldest first', () => {
  const ran = ['b1', 'b2'].map((batchId) => ({ batch: aBatch({ batchId }), intent: SENT, rows: 1 }));
  const part = aPart({ batch: aBatch({ batchId: 'b4' }), ran, earlierBatchIds: ['b1', 'b2', 'b3'] });
  expect(batchesOf(wholePart(part, [])).map(({ batchId }) => batchId)).toEqual(['b1', 'b2', 'b4']);
  expect(batchesOf(wholePart(aPart({ phase: 'ready', ran }), []))).toHaveLength(2);
});

describe('the phase of a part with a batch', () => {
  it('follows the status of the batch', () => {
    expect(phaseAfter(aPart(), stateOf(aBatch()), NOON).phase).toBe('running');
    expect(phaseAfter(aPart(), stateOf(aBatch({ status: 'completed' })), NOON).phase).toBe('batch_ended');
    expect(phaseAfter(aPart(), stateOf(aBatch({ status: 'failed' })), NOON).phase).toBe('batch_ended');
  });

  it('is that of a wait, if the API refused the batch for now and no cancel was requested', () => {
    const limit = { counts: 'tokens', limit: 90_000, name: 'gpt-4o-mini' };
    expect(
      phaseAfter(aPart({ admission: { at: NOON, alone: true } }), stateOf(REFUSED), LATER, 3),
    ).toMatchObject({
      ...{
        phase: 'requeued',
        tokenLimitRejections: 1,
        obstacle: { for: 'token_limit', since: LATER, said: LIMIT },
      },
      waiting: {
        ...{ for: 'token_limit', since: LATER, alone: true, position: 3 },
        refused: { sentAt: NOON, uploadBytes: 1_190, nth: 1, said: LIMIT, limit },
      },
    });
    expect(phaseAfter(aPart({ cancelRequestedAt: 7 }), stateOf(REFUSED), LATER).phase).toBe('batch_ended');
  });
});

describe('a wait after a refusal', () => {
  const uploading = (fields: PartFields = {}) =>
    aPart({ phase: 'uploading', intent: UPLOADED, ...fields }) as PartIn<'uploading'>;
  const refused = { sentAt: NOON, operation: 'upload', said: 'No.' } as const;

  it('for the token limit lasts five minutes or a little more, and twice as long each time, up to an hour', () => {
    const minutes = [0, 1, 2, 3, 4, 9].map((tokenLimitRejections) => {
      const { waiting } = waitingAfterRefusal(
        uploading({ tokenLimitRejections }),
        'token_limit',
        refused,
        NOON,
      );
      return ((waiting?.until ?? 0) - NOON) / MINUTE;
    });
    for (const [at, shortest] of [5, 10, 20, 40, 60, 60].entries()) {
      expect(minutes[at]).toBeGreaterThanOrEqual(shortest);
      expect(minutes[at]).toBeLessThan(shortest + Math.min(shortest / 2, 20));
    }
  });

  it('for the token limit differs from part to part, and is always the same for one', () => {
    const until = (number: number) =>
      waitingAfterRefusal(uploading({ number }), 'token_limit', refused, NOON).waiting?.until;
    expect(new Set(Array.from({ length: 20 }, (_, nth) => until(nth))).size).toBe(20);
    expect(until(7)).toBe(until(7));
  });

  it('for the account lasts as long as its obstacle says, and counts no rejection', () => {
    const obstacle = { for: 'account', since: NOON - 10 * MINUTE } as const;
    const part = waitingAfterRefusal(uploading({ obstacle }), 'account', refused, NOON);
    expect(part).toMatchObject({
      ...{ phase: 'waiting', tokenLimitRejections: 0, obstacle: { ...obstacle, said: 'No.' } },
      waiting: { for: 'account', since: NOON, until: NOON + 10 * MINUTE, refused: { ...refused, nth: 0 } },
    });
    const other = { for: 'storage', since: NOON - 10 * MINUTE } as const;
    expect(
      waitingAfterRefusal(uploading({ obstacle: other }), 'account', refused, NOON).obstacle?.since,
    ).toBe(NOON);
    const { said: _, ...silent } = refused;
    expect(waitingAfterRefusal(uploading(), 'account', silent, NOON).obstacle).toEqual({
      for: 'account',
      since: NOON,
    });
  });
});

describe('a part that waits for admission', () => {
  const waiting = { for: 'account', since: LATER } as const;
  const waits = (fields: PartFields) =>
    waitingPart(aPart({ ...fields, admission: { at: NOON }, backoffUntil: 9 }) as PartIn<'ready'>, waiting);

  it('keeps no intent without a file', () => {
    expect(waits({ phase: 'ready' })).toEqual(aPart({ phase: 'waiting', waiting }));
    expect(waits({ phase: 'uploading', intent: { id: 'i', at: NOON } })).toEqual(
      aPart({ phase: 'waiting', waiting }),
    );
  });

  it('keeps its uploaded file', () => {
    expect(waits({ phase: 'uploaded', intent: UPLOADED })).toEqual(
      aPart({ phase: 'waiting', waiting, intent: UPLOADED }),
    );
  });

  it('has a create that counts as refused, if one was sent', () => {
    const intent = { ...SENT, refused: true as const, refusedAt: LATER };
    expect(waits({ phase: 'creating', intent: SENT })).toEqual(aPart({ phase: 'waiting', waiting, intent }));
  });
});
