import { expect, it } from 'vitest';
import { secondBatchSearchFrom } from '../../../functions/deliver/second-batch-search.ts';
import { wholePart } from '../../../functions/shared/domain/spending/past-attempts.ts';
import { LATE_BATCH_SEARCH_AFTER_MS } from '../../../functions/shared/domain/timing.ts';
import { aPart, NOON } from '../../contracts/samples.ts';

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
