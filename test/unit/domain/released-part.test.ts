import { describe, expect, it } from 'vitest';
import {
  beginsAgainByItself,
  releasedPart,
} from '../../../functions/shared/domain/spending/unresolved-creates.ts';
import { aBatch, aPart, NOON, type PartFields } from '../../contracts/samples.ts';

const LATER = NOON + 1;
const STALLED = { code: 'create_uncertain', message: 'm' };
const ENDED = aBatch({ status: 'completed' });
const RESULTS_WAIT = { since: NOON, looks: 3, until: LATER, why: 'w' };

describe('a part that a person releases', () => {
  it('begins again if it is stalled, without what its stall left behind', () => {
    const stalled: PartFields = {
      ...{ phase: 'stalled', stalled: STALLED, stallPublished: true, adopt: { batchId: 'batch_9' } },
      ...{ backoffUntil: LATER, dispatchedUntil: LATER, releases: 1, tries: 5 },
    };
    const ready = { phase: 'ready', releases: 2, releasedAt: LATER, tries: 0 } as const;
    expect(releasedPart(aPart(stalled), LATER)).toEqual(aPart(ready));
  });

  it('is delivered with the results that it has if they do not agree', () => {
    const waits = { batch: ENDED, resultsWait: RESULTS_WAIT };
    const part = aPart({ ...waits, backoffUntil: LATER, dispatchedUntil: LATER });
    expect(releasedPart(part, LATER)).toEqual(aPart({ ...waits, releasedAt: LATER }));
  });

  it.each<[string, PartFields]>([
    ['has results that are not delivered yet', { batch: ENDED }],
    ['runs', { batch: aBatch() }],
    ['waits', { waiting: { for: 'account', since: NOON } }],
    ['is ready', { phase: 'ready' }],
  ])('stays as it is if it waits for no person: it %s', (_, fields) => {
    expect(releasedPart(aPart(fields), LATER)).toBeUndefined();
  });
});

it('a part with an unresolved create begins again by itself, until a person releases it', () => {
  const abandoned = [{ intentId: 'i', at: NOON - 9, fileId: 'file-1', givenUpAt: NOON }];
  expect(beginsAgainByItself(aPart())).toBe(false);
  expect(beginsAgainByItself(aPart({ abandoned }))).toBe(true);
  expect(beginsAgainByItself(aPart({ abandoned, releasedAt: NOON - 1 }))).toBe(true);
  expect(beginsAgainByItself(aPart({ abandoned, releasedAt: NOON }))).toBe(false);
});
