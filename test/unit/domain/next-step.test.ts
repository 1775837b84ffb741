import { describe, expect, it } from 'vitest';
import {
  jobDueAt,
  nextJobStep,
  nextPartStep,
  type PartStep,
  partDueAt,
} from '../../../functions/shared/domain/next-step.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import {
  backoffAfter,
  CANCEL_AGAIN_MS,
  MAX_TRIES,
  PAUSE_CHECK_MS,
  SETTLING_MS,
  tokenLimitBackoff,
} from '../../../functions/shared/domain/timing.ts';
import {
  aBatch,
  aJob,
  aPart,
  DELIVERED,
  type JobFields,
  NOON,
  type PartFields,
} from '../../contracts/samples.ts';

const PLANNED = { id: 'i', at: NOON };
const UPLOADED = { ...PLANNED, fileId: 'file-1', account: 'org', crc32: '0000abcd' };
const SENT = { ...UPLOADED, sendBy: NOON };
const published = { rev: 1, publishedRev: 1 };
const open = { ...published, intent: SENT, batch: aBatch({ status: 'in_progress' }) };
const failed = { ...published, intent: SENT, batch: aBatch({ status: 'failed' }) };
const wish = { cancelRequestedAt: NOON };
const later = NOON + 1000;
const ABANDONED = [{ intentId: 'i0', fileId: 'file-0', at: NOON }];
const WAITING = { for: 'token_limit', since: NOON } as const;
const LEASE = { holder: 'h', until: later };

/** What would be planned is ready instead. */
function aDispatchedPart(fields: PartFields): Part {
  const part = aPart(fields);
  return part.phase === 'planned' ? aPart({ ...fields, phase: 'ready' }) : part;
}

const STEPS: [string, PartFields, PartStep][] = [
  ['is not dispatched yet: nothing', {}, { do: 'nothing' }],
  ['is new: begin', {}, { do: 'begin' }],
  ['has an intent: upload', { intent: PLANNED }, { do: 'upload' }],
  ['has a file: create', { intent: UPLOADED }, { do: 'create' }],
  ['waits: not before its time', { backoffUntil: later }, { do: 'wait', until: later }],
  ['has waited until now: begin', { backoffUntil: NOON }, { do: 'begin' }],
  ['is leased: wait for the end of the lease', { lease: LEASE }, { do: 'wait', until: later }],
  ['has a lease that has just run out: begin', { lease: { ...LEASE, until: NOON } }, { do: 'begin' }],
  ['is cancelled before anything was sent', { ...wish, intent: UPLOADED }, { do: 'end', as: 'cancelled' }],
  ['is cancelled while it waits', { ...wish, backoffUntil: later }, { do: 'end', as: 'cancelled' }],
  ['has used up its tries', { tries: MAX_TRIES }, { do: 'end', as: 'failed' }],
  ['has a try left', { tries: MAX_TRIES - 1 }, { do: 'begin' }],
  ['is cancelled and out of tries: cancelled', { ...wish, tries: 99 }, { do: 'end', as: 'cancelled' }],
  ['may have a batch: look', { intent: SENT }, { do: 'search' }],
  ['may have a batch, cancelled: look all the same', { ...wish, intent: SENT }, { do: 'search' }],
  ['may have a batch, out of tries: look all the same', { intent: SENT, tries: 99 }, { do: 'search' }],
  [
    'has ended without a batch: deliver',
    { ended: { as: 'failed', reason: { code: 'c', message: 'm' } } },
    { do: 'deliver' },
  ],
  ['has an unpublished batch: publish', { intent: SENT, batch: aBatch(), rev: 1 }, { do: 'publish' }],
  ['publishes though it is leased', { batch: aBatch(), rev: 1, lease: LEASE }, { do: 'publish' }],
  ['publishes though it waits', { batch: aBatch(), rev: 1, backoffUntil: later }, { do: 'publish' }],
  ['cancels before it publishes', { ...wish, batch: aBatch(), rev: 1 }, { do: 'cancel' }],
  ['cancels though it is leased', { ...open, ...wish, lease: LEASE }, { do: 'cancel' }],
  [
    'cancels, but not while it waits',
    { ...open, ...wish, backoffUntil: later },
    { do: 'wait', until: later },
  ],
  ['is open: observe', open, { do: 'observe' }],
  ['is open and waits', { ...open, backoffUntil: later }, { do: 'wait', until: later }],
  ['has told the API of the cancel: observe', { ...open, ...wish, cancelSentAt: NOON }, { do: 'observe' }],
  [
    'told it ten minutes ago: cancel again',
    { ...open, ...wish, cancelSentAt: NOON - CANCEL_AGAIN_MS },
    { do: 'cancel' },
  ],
  [
    'told it almost ten minutes ago',
    { ...open, ...wish, cancelSentAt: NOON - CANCEL_AGAIN_MS + 1 },
    { do: 'observe' },
  ],
  [
    'is cancelling: observe',
    { ...open, ...wish, batch: aBatch({ status: 'cancelling' }) },
    { do: 'observe' },
  ],
  [
    'is in a status nobody knows: observe',
    { ...open, batch: aBatch({ status: 'pondering' }) },
    { do: 'observe' },
  ],
  ['has completed: deliver', { ...open, batch: aBatch({ status: 'completed' }) }, { do: 'deliver' }],
  ['has failed: deliver', failed, { do: 'deliver' }],
  ['has failed for a passing reason: retry', { ...failed, phase: 'retrying' }, { do: 'retry' }],
  [
    'waits to be tried again',
    { ...failed, phase: 'retrying', backoffUntil: later },
    { do: 'wait', until: later },
  ],
  ['waits for room before its first attempt', { waiting: WAITING }, { do: 'await-admission' }],
  ['was put back and waits for room', { ...failed, waiting: WAITING }, { do: 'await-admission' }],
  ['was put back and is told first', { ...failed, publishedRev: 0, waiting: WAITING }, { do: 'publish' }],
  ['is cancelled while it waits for room', { ...wish, waiting: WAITING }, { do: 'end', as: 'cancelled' }],
  [
    'was to be tried again and is cancelled: deliver',
    { ...failed, ...wish, phase: 'retrying' },
    { do: 'deliver' },
  ],
  ['has abandoned files: sweep', { ...failed, abandoned: ABANDONED }, { do: 'cancel-late-batches' }],
  ['has swept: deliver', { ...failed, abandoned: ABANDONED, lateBatchesCancelled: true }, { do: 'deliver' }],
  ['is delivered: nothing', { ...failed, delivered: DELIVERED }, { do: 'nothing' }],
  ['is delivered and unpublished: publish', { ...failed, rev: 2, delivered: DELIVERED }, { do: 'publish' }],
];

describe('a part that', () => {
  it.each(STEPS)('%s', (name, differences, step) => {
    const part = name.startsWith('is not dispatched') ? aPart(differences) : aDispatchedPart(differences);
    expect(nextPartStep(part, NOON, false)).toEqual(step);
  });

  it.each<[string, number, number, PartStep['do']]>([
    ['sent last', NOON, NOON - 1, 'abandon'],
    ['sent last, a millisecond ago', NOON + 1, NOON - 1, 'search'],
    ['found nothing last', NOON - 1, NOON, 'abandon'],
    ['found nothing a millisecond too late', NOON - 1, NOON + 1, 'search'],
  ])('may have a batch is given up a settling time after both: %s', (_, sendBy, foundNothingAt, step) => {
    const part = aPart({ intent: { ...SENT, sendBy, foundNothingAt } });
    expect(nextPartStep(part, NOON + SETTLING_MS, false)).toEqual({ do: step });
  });

  it.each<[string, PartFields, boolean]>([
    ['has nothing sent', {}, true],
    ['has a file', { intent: UPLOADED }, true],
    ['is to be tried again', { ...failed, phase: 'retrying' }, true],
    ['may have a batch', { intent: SENT }, false],
    ['has an open batch', open, false],
    ['has an ended batch', failed, false],
    ['is cancelled', wish, false],
    ['has its last status to publish', { batch: aBatch(), rev: 1 }, false],
  ])('%s is held back by a pause: %s', (_, differences, waitsFor) => {
    const part = aDispatchedPart(differences);
    const step = nextPartStep(part, NOON, true);
    if (waitsFor) expect(step).toEqual({ do: 'wait', until: NOON + PAUSE_CHECK_MS });
    else expect(step).toEqual(nextPartStep(part, NOON, false));
  });
});

const PLAN = { planId: 'p', parts: 1, rows: 3, groups: 1 };

describe('a job that', () => {
  it.each<[string, JobFields, ReturnType<typeof nextJobStep>]>([
    ['has arrived: intake', {}, { do: 'intake' }],
    ['waits', { backoffUntil: later }, { do: 'wait', until: later }],
    ['is leased', { lease: LEASE }, { do: 'wait', until: later }],
    ['is cancelled before it was read', wish, { do: 'end-unread' }],
    ['is cancelled while it waits', { ...wish, backoffUntil: later }, { do: 'end-unread' }],
    [
      'is cancelled while it is read: once the lease is over',
      { ...wish, lease: LEASE },
      { do: 'wait', until: later },
    ],
    ['cannot be read: intake ends it, and looks for cancels first', { tries: MAX_TRIES }, { do: 'intake' }],
    ['has an unpublished status', { status: 'accepted', rev: 1, lease: LEASE }, { do: 'publish' }],
    ['is accepted: hand out', { status: 'accepted', plan: PLAN, ...published }, { do: 'dispatch-parts' }],
    [
      'is handed out: check its parts',
      { status: 'accepted', partsDispatched: true, ...published },
      { do: 'check-parts' },
    ],
    [
      'is submitted before it was handed out: hand out',
      { status: 'submitted', ...published },
      { do: 'dispatch-parts' },
    ],
    [
      'is submitted: check its parts',
      { status: 'submitted', partsDispatched: true, ...published },
      { do: 'check-parts' },
    ],
    [
      'is submitted and waits',
      { status: 'submitted', ...published, backoffUntil: later },
      { do: 'wait', until: later },
    ],
    ['has completed: clean', { status: 'completed', plan: PLAN, ...published }, { do: 'clean-up' }],
    ['has failed unread: nothing', { status: 'failed', ...published }, { do: 'nothing' }],
    [
      'is clean: nothing',
      { status: 'completed', plan: PLAN, cleanedUp: true, ...published },
      { do: 'nothing' },
    ],
    ['is rejected: nothing', { status: 'rejected', ...published }, { do: 'nothing' }],
    ['has joined another: nothing', { status: 'joined', ...published }, { do: 'nothing' }],
  ])('%s', (_, differences, step) => {
    expect(nextJobStep(aJob(differences), NOON)).toEqual(step);
  });
});

describe('what is left to do', () => {
  const handed = { dispatchedUntil: later };
  it.each<[string, PartFields, number | undefined]>([
    ['nothing is never due', {}, undefined],
    ['a wait is due at its end', { phase: 'ready', backoffUntil: later }, later],
    ['a step is due now', { phase: 'ready' }, NOON],
    ['a step with a message under way is due when patience ends', { phase: 'ready', ...handed }, later],
    ['a message of long ago does not count', { phase: 'ready', dispatchedUntil: NOON - 1 }, NOON],
    ['observing does not wait for messages', { ...open, ...handed }, NOON],
    ['publishing does not wait for messages', { batch: aBatch(), rev: 1, ...handed }, NOON],
    ['cancelling does not wait for messages', { ...open, ...wish, ...handed }, NOON],
  ])('%s', (_, differences, dueAt) => {
    expect(partDueAt(aPart(differences), NOON)).toBe(dueAt);
  });

  it('in a job is due in the same way', () => {
    expect(jobDueAt(aJob(), NOON)).toBe(NOON);
    expect(jobDueAt(aJob(handed), NOON)).toBe(later);
    expect(jobDueAt(aJob({ status: 'joined' }), NOON)).toBeUndefined();
  });
});

describe('pauses', () => {
  it('between tries double up to half an hour', () => {
    expect([1, 2, 3, 7, 8, 14].map((tries) => backoffAfter(tries) / 1000)).toEqual([
      15, 30, 60, 960, 1800, 1800,
    ]);
  });

  it('for the token limit double up to 80 minutes', () => {
    const pauses = (fraction: number) => [1, 2, 4, 5, 99].map((n) => tokenLimitBackoff(n, fraction) / 60_000);
    expect(pauses(0)).toEqual([5, 10, 40, 60, 60]);
    expect(pauses(1)).toEqual([7.5, 15, 60, 80, 80]);
  });
});
