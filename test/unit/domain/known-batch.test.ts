import { describe, expect, it } from 'vitest';
import { knownBatch } from '../../../functions/shared/domain/known-batch.ts';
import { without } from '../../../functions/shared/domain/without.ts';
import { aBatch, NOON } from '../../contracts/samples.ts';

const SENT = { endpoint: '/v1/embeddings', inputFileId: 'file-sent', createdAt: NOON - 1 };

describe('the stored form of a batch', () => {
  it('has what was sent where the API omits it', () => {
    const observed = without(aBatch(), 'endpoint', 'inputFileId', 'createdAt');
    expect(knownBatch(observed, SENT)).toEqual(aBatch(SENT));
  });

  it('has what the API says, whatever was sent', () => {
    expect(knownBatch(aBatch(), SENT)).toEqual(aBatch());
  });

  it('has error texts of bounded length, cut between characters', () => {
    const error = (code: string, message: string, param: string | null) => ({
      code,
      message,
      param,
      line: 7,
    });
    const whole = error('c'.repeat(64), 'm'.repeat(300), null);
    const long = error('c'.repeat(65), `${'m'.repeat(298)}😀!`, 'p'.repeat(65));
    const { errors } = knownBatch(aBatch({ errors: [whole, long] }), SENT);
    expect(errors).toEqual([
      whole,
      error(`${'c'.repeat(63)}…`, `${'m'.repeat(298)}\ufffd…`, `${'p'.repeat(63)}…`),
    ]);
  });
});
