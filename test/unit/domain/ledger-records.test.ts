import { describe, expect, it } from 'vitest';
import { delayOf, stalledReasonOf, withRun } from '../../../functions/shared/domain/ledger-records.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { aBatch, aJob, aPart, NOON } from '../../contracts/samples.ts';

const STALLED = { code: 'c', message: 'm' };
const USED_UP = { tries: MAX_TRIES, dueAt: NOON };

describe('an item is stalled', () => {
  it('if it is a part that waits for a person', () => {
    expect(stalledReasonOf(aPart({ phase: 'stalled', stalled: STALLED }))).toBe(STALLED);
  });

  it('if it has used up its tries and is still tried', () => {
    const part = aPart({ batch: aBatch(), stalled: STALLED, ...USED_UP });
    expect(stalledReasonOf(part)).toBe(STALLED);
    expect(stalledReasonOf({ ...part, tries: MAX_TRIES - 1 })).toBeUndefined();
    const job = aJob({ status: 'submitted', ...USED_UP });
    expect(stalledReasonOf(job)).toMatchObject({ code: 'tries_used_up' });
    expect(stalledReasonOf({ ...job, tries: MAX_TRIES - 1 })).toBeUndefined();
  });

  it('but not once nothing remains to do', () => {
    expect(stalledReasonOf(aJob({ status: 'submitted', tries: MAX_TRIES }))).toBeUndefined();
    expect(stalledReasonOf(aPart({ batch: aBatch(), stalled: STALLED, tries: MAX_TRIES }))).toBeUndefined();
  });

  it('but not if INTAKE will end it', () => {
    expect(stalledReasonOf(aJob({ status: 'received', ...USED_UP }))).toBeUndefined();
  });
});

describe('an item is delayed', () => {
  const obstacle = { for: 'account', since: NOON, said: 'Pay.' } as const;
  const delayed = { for: 'account', said: 'Pay.' };

  it('by the obstacle of its step', () => {
    expect(delayOf(aPart({ batch: aBatch(), obstacle, dueAt: NOON }))).toEqual(delayed);
    expect(delayOf(aJob({ obstacle, dueAt: NOON }))).toEqual(delayed);
    const silent = { for: 'account', since: NOON } as const;
    expect(delayOf(aJob({ obstacle: silent, dueAt: NOON }))?.said).toBe('no reason given');
  });

  it.each([
    ['it met none', aPart({ batch: aBatch(), dueAt: NOON })],
    ['nothing remains to do', aPart({ batch: aBatch(), obstacle })],
    ['it is stalled', aPart({ phase: 'stalled', stalled: STALLED, obstacle, dueAt: NOON })],
    ['it waits for admission', aPart({ waiting: { for: 'account', since: NOON }, obstacle, dueAt: NOON })],
  ])('but not if %s', (_, item) => {
    expect(delayOf(item)).toBeUndefined();
  });
});

it('a key remembers its 100 newest runs, and a run takes the place of those that it replaces', () => {
  const run = (jobId: string) => ({ jobId, size: 1, etag: jobId });
  const many = Array.from({ length: 100 }, (_, nth) => run(`j${nth}`));
  expect(withRun(many, run('new'), () => false)).toEqual([...many.slice(1), run('new')]);
  expect(withRun([run('a'), run('b'), run('c')], run('new'), ({ jobId }) => jobId === 'b')).toEqual(
    ['a', 'c', 'new'].map(run),
  );
});
