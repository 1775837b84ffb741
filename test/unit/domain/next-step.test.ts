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
const cancelled = { cancelRequestedAt: NOON };
const later = NOON + 1000;
const STALLED: PartFields = { phase: 'stalled', stalled: { code: 'create_uncertain', message: 'm' } };
const ABANDONED = [{ intentId: 'i0', fileId: 'file-0', at: NOON }];
const WAITING = { for: 'token_limit', since: NOON } as const;
const LEASE = { holder: 'h', until: later };

/** Returns the part, in phase `ready` if it would be `planned`. */
function aDispatchedPart(fields: PartFields): Part {
  const part = aPart(fields);
  return part.phase === 'planned' ? aPart({ ...fields, phase: 'ready' }) : part;
}

const STEPS: [string, PartFields, PartStep][] = [
  ['is not dispatched yet: nothing', {}, { do: 'nothing' }],
  ['is ready: begin', {}, { do: 'begin' }],
  ['has an intent: upload', { intent: PLANNED }, { do: 'upload' }],
  ['has a file: create', { intent: UPLOADED }, { do: 'create' }],
  ['has a backoff: wait until its end', { backoffUntil: later }, { do: 'wait', until: later }],
  ['has a backoff that has just ended: begin', { backoffUntil: NOON }, { do: 'begin' }],
  ['is leased: wait for the end of the lease', { lease: LEASE }, { do: 'wait', until: later }],
  ['has a lease that has just expired: begin', { lease: { ...LEASE, until: NOON } }, { do: 'begin' }],
  ['is cancelled before submission: end', { ...cancelled, intent: UPLOADED }, { do: 'end', as: 'cancelled' }],
  [
    'is cancelled during a backoff: end',
    { ...cancelled, backoffUntil: later },
    { do: 'end', as: 'cancelled' },
  ],
  ['has used up its tries: end', { tries: MAX_TRIES }, { do: 'end', as: 'failed' }],
  ['has a try left: begin', { tries: MAX_TRIES - 1 }, { do: 'begin' }],
  [
    'is cancelled and has used up its tries: end as cancelled',
    { ...cancelled, tries: 99 },
    { do: 'end', as: 'cancelled' },
  ],
  ['may have a batch: search', { intent: SENT }, { do: 'search' }],
  ['may have a batch and is cancelled: search', { ...cancelled, intent: SENT }, { do: 'search' }],
  ['may have a batch and has used up its tries: search', { intent: SENT, tries: 99 }, { do: 'search' }],
  [
    'has ended without a batch: deliver',
    { ended: { as: 'failed', reason: { code: 'c', message: 'm' } } },
    { do: 'deliver' },
  ],
  ['has an unpublished batch: publish', { intent: SENT, batch: aBatch(), rev: 1 }, { do: 'publish' }],
  [
    'has an unpublished batch and a lease: publish',
    { batch: aBatch(), rev: 1, lease: LEASE },
    { do: 'publish' },
  ],
  [
    'has an unpublished batch and a backoff: publish',
    { batch: aBatch(), rev: 1, backoffUntil: later },
    { do: 'publish' },
  ],
  [
    'is cancelled and has an unpublished batch: cancel first',
    { ...cancelled, batch: aBatch(), rev: 1 },
    { do: 'cancel' },
  ],
  ['is cancelled and has a lease: cancel', { ...open, ...cancelled, lease: LEASE }, { do: 'cancel' }],
  [
    'is cancelled and has a batch and a backoff: wait until its end',
    { ...open, ...cancelled, backoffUntil: later },
    { do: 'wait', until: later },
  ],
  ['has an open batch: observe', open, { do: 'observe' }],
  [
    'has an open batch and a backoff: wait until its end',
    { ...open, backoffUntil: later },
    { do: 'wait', until: later },
  ],
  [
    'has sent the cancel to the API: observe',
    { ...open, ...cancelled, cancelSentAt: NOON },
    { do: 'observe' },
  ],
  [
    'sent the cancel ten minutes ago: cancel again',
    { ...open, ...cancelled, cancelSentAt: NOON - CANCEL_AGAIN_MS },
    { do: 'cancel' },
  ],
  [
    'sent the cancel almost ten minutes ago: observe',
    { ...open, ...cancelled, cancelSentAt: NOON - CANCEL_AGAIN_MS + 1 },
    { do: 'observe' },
  ],
  [
    'is cancelling: observe',
    { ...open, ...cancelled, batch: aBatch({ status: 'cancelling' }) },
    { do: 'observe' },
  ],
  [
    'has a batch of unknown status: observe',
    { ...open, batch: aBatch({ status: 'pondering' }) },
    { do: 'observe' },
  ],
  ['has completed: deliver', { ...open, batch: aBatch({ status: 'completed' }) }, { do: 'deliver' }],
  ['has failed: deliver', failed, { do: 'deliver' }],
  ['has failed with a temporary error: retry', { ...failed, phase: 'retrying' }, { do: 'retry' }],
  [
    'is to be retried after a backoff: wait until its end',
    { ...failed, phase: 'retrying', backoffUntil: later },
    { do: 'wait', until: later },
  ],
  [
    'waits for capacity before its first attempt: await admission',
    { waiting: WAITING },
    { do: 'await-admission' },
  ],
  [
    'was rejected for the token limit: await admission',
    { ...failed, waiting: WAITING },
    { do: 'await-admission' },
  ],
  [
    'was rejected for the token limit and is not published: publish first',
    { ...failed, publishedRev: 0, waiting: WAITING },
    { do: 'publish' },
  ],
  [
    'is cancelled while it waits for capacity: end',
    { ...cancelled, waiting: WAITING },
    { do: 'end', as: 'cancelled' },
  ],
  [
    'is to be retried and is cancelled: deliver',
    { ...failed, ...cancelled, phase: 'retrying' },
    { do: 'deliver' },
  ],
  ['has abandoned files: deliver', { ...failed, abandoned: ABANDONED }, { do: 'deliver' }],
  [
    'had a create refused temporarily: search',
    { intent: { ...SENT, foundNothingAt: 0, refused: true } },
    { do: 'search' },
  ],
  ['is stalled: report it', STALLED, { do: 'report-stall' }],
  [
    'is stalled and was reported: wait',
    { ...STALLED, backoffUntil: NOON + 1 },
    { do: 'wait', until: NOON + 1 },
  ],
  ['is stalled and has a batch to adopt: adopt', { ...STALLED, adopt: { batchId: 'b' } }, { do: 'adopt' }],
  ['is stalled and cancelled: end', { ...STALLED, ...cancelled }, { do: 'end', as: 'cancelled' }],
  [
    'has a second batch whose cancel is due: cancel it first',
    { ...failed, openSecondBatches: [{ batchId: 'b', cancelAt: NOON }] },
    { do: 'cancel-second-batches' },
  ],
  [
    'has a second batch whose cancel is due later: continue',
    { ...failed, openSecondBatches: [{ batchId: 'b', cancelAt: NOON + 1 }] },
    { do: 'deliver' },
  ],
  [
    'is delivered and has a second batch: wait',
    { ...failed, delivered: DELIVERED, openSecondBatches: [{ batchId: 'b', cancelAt: NOON + 1 }] },
    { do: 'wait', until: NOON + 1 },
  ],
  ['is delivered: nothing', { ...failed, delivered: DELIVERED }, { do: 'nothing' }],
  ['is delivered and unpublished: publish', { ...failed, rev: 2, delivered: DELIVERED }, { do: 'publish' }],
];

describe('a part that', () => {
  it.each(STEPS)('%s', (name, differences, step) => {
    const part = name.startsWith('is not dispatched') ? aPart(differences) : aDispatchedPart(differences);
    expect(nextPartStep(part, NOON, false)).toEqual(step);
  });

  it.each<[string, number, number, PartStep['do']]>([
    ['the create was later', NOON, NOON - 1, 'abandon'],
    ['the create was a millisecond too late', NOON + 1, NOON - 1, 'search'],
    ['the search was later', NOON - 1, NOON, 'abandon'],
    ['the search was a millisecond too late', NOON - 1, NOON + 1, 'search'],
  ])(
    'may have a batch is abandoned a settling time after its create and its last search: %s',
    (_, sendBy, foundNothingAt, step) => {
      const part = aPart({ intent: { ...SENT, sendBy, foundNothingAt } });
      expect(nextPartStep(part, NOON + SETTLING_MS, false)).toEqual({ do: step });
    },
  );

  it.each<[string, PartFields, boolean]>([
    ['is not submitted', {}, true],
    ['has a file', { intent: UPLOADED }, true],
    ['is to be retried', { ...failed, phase: 'retrying' }, true],
    ['may have a batch', { intent: SENT }, false],
    ['has an open batch', open, false],
    ['has an ended batch', failed, false],
    ['is cancelled', cancelled, false],
    ['has its last status to publish', { batch: aBatch(), rev: 1 }, false],
  ])('%s waits during a pause: %s', (_, differences, waits) => {
    const part = aDispatchedPart(differences);
    const step = nextPartStep(part, NOON, true);
    if (waits) expect(step).toEqual({ do: 'wait', until: NOON + PAUSE_CHECK_MS });
    else expect(step).toEqual(nextPartStep(part, NOON, false));
  });
});

const PLAN = { planId: 'p', parts: 1, rows: 3, groups: 1 };
const HOLD = { reason: { code: 'c', message: 'm' }, until: later };

describe('a job that', () => {
  it.each<[string, JobFields, ReturnType<typeof nextJobStep>]>([
    ['has arrived: intake', {}, { do: 'intake' }],
    ['has a backoff: wait until its end', { backoffUntil: later }, { do: 'wait', until: later }],
    ['is leased: wait for the end of the lease', { lease: LEASE }, { do: 'wait', until: later }],
    ['is cancelled before it was read: end it unread', cancelled, { do: 'end-unread' }],
    [
      'is cancelled during a backoff: end it unread',
      { ...cancelled, backoffUntil: later },
      { do: 'end-unread' },
    ],
    [
      'is cancelled while it is read: wait for the end of the lease',
      { ...cancelled, lease: LEASE },
      { do: 'wait', until: later },
    ],
    ['cannot be read: intake checks for cancels, then ends it', { tries: MAX_TRIES }, { do: 'intake' }],
    ['has an unpublished status: publish', { status: 'accepted', rev: 1, lease: LEASE }, { do: 'publish' }],
    [
      'is held and not published: publish',
      { status: 'unapproved', rev: 1, hold: HOLD, approvedAt: NOON },
      { do: 'publish' },
    ],
    [
      'is held: wait for the end of its time',
      { status: 'unapproved', hold: HOLD, ...published },
      { do: 'wait', until: later },
    ],
    [
      'is held for too long: end it',
      { status: 'unapproved', hold: { ...HOLD, until: NOON }, ...published },
      { do: 'end-unapproved' },
    ],
    [
      'is approved: accept it',
      { status: 'unapproved', hold: HOLD, approvedAt: NOON, ...published },
      { do: 'accept' },
    ],
    [
      'is approved, and its time is over: accept it',
      { status: 'unapproved', hold: { ...HOLD, until: NOON }, approvedAt: NOON - 1, ...published },
      { do: 'accept' },
    ],
    [
      'is approved and cancelled: end it',
      { status: 'unapproved', hold: HOLD, approvedAt: NOON, ...cancelled, ...published },
      { do: 'end-unapproved' },
    ],
    [
      'is cancelled during a backoff, and held: end it',
      { status: 'unapproved', hold: HOLD, backoffUntil: later, ...cancelled, ...published },
      { do: 'end-unapproved' },
    ],
    ['is approved before it was read: intake', { approvedAt: NOON }, { do: 'intake' }],
    [
      'is accepted: dispatch its parts',
      { status: 'accepted', plan: PLAN, ...published },
      { do: 'dispatch-parts' },
    ],
    [
      'is dispatched: check its parts',
      { status: 'accepted', partsDispatched: true, ...published },
      { do: 'check-parts' },
    ],
    [
      'is submitted before it was dispatched: dispatch its parts',
      { status: 'submitted', ...published },
      { do: 'dispatch-parts' },
    ],
    [
      'is submitted: check its parts',
      { status: 'submitted', partsDispatched: true, ...published },
      { do: 'check-parts' },
    ],
    [
      'is submitted and has a backoff: wait until its end',
      { status: 'submitted', ...published, backoffUntil: later },
      { do: 'wait', until: later },
    ],
    ['has completed: clean up', { status: 'completed', plan: PLAN, ...published }, { do: 'clean-up' }],
    ['has failed unread: clean up', { status: 'failed', ...published }, { do: 'clean-up' }],
    [
      'is cleaned up: nothing',
      { status: 'completed', plan: PLAN, cleanedUp: true, ...published },
      { do: 'nothing' },
    ],
    ['is rejected: clean up', { status: 'rejected', ...published }, { do: 'clean-up' }],
    ['has joined another: clean up', { status: 'joined', ...published }, { do: 'clean-up' }],
  ])('%s', (_, differences, step) => {
    expect(nextJobStep(aJob(differences), NOON)).toEqual(step);
  });
});

describe('the due time', () => {
  const dispatched = { dispatchedUntil: later };
  it.each<[string, PartFields, number | undefined]>([
    ['is undefined without a next step', {}, undefined],
    ['is the end of a backoff', { phase: 'ready', backoffUntil: later }, later],
    ['is now for a next step', { phase: 'ready' }, NOON],
    ['is dispatchedUntil for a step with a message in flight', { phase: 'ready', ...dispatched }, later],
    ['is now after dispatchedUntil', { phase: 'ready', dispatchedUntil: NOON - 1 }, NOON],
    ['is now for an observation, whatever message is in flight', { ...open, ...dispatched }, NOON],
    [
      'is now for a publication, whatever message is in flight',
      { batch: aBatch(), rev: 1, ...dispatched },
      NOON,
    ],
    ['is now for a cancel, whatever message is in flight', { ...open, ...cancelled, ...dispatched }, NOON],
  ])('%s', (_, differences, dueAt) => {
    expect(partDueAt(aPart(differences), NOON)).toBe(dueAt);
  });

  it('of a job follows the same rules', () => {
    expect(jobDueAt(aJob(), NOON)).toBe(NOON);
    expect(jobDueAt(aJob(dispatched), NOON)).toBe(later);
    expect(jobDueAt(aJob({ status: 'joined', cleanedUp: true }), NOON)).toBeUndefined();
  });
});

describe('backoffs', () => {
  it('between tries double up to half an hour', () => {
    expect([1, 2, 3, 7, 8, 14].map((tries) => backoffAfter(tries) / 1000)).toEqual([
      15, 30, 60, 960, 1800, 1800,
    ]);
  });

  it('for the token limit double up to 80 minutes', () => {
    const backoffs = (fraction: number) =>
      [1, 2, 4, 5, 99].map((n) => tokenLimitBackoff(n, fraction) / 60_000);
    expect(backoffs(0)).toEqual([5, 10, 40, 60, 60]);
    expect(backoffs(1)).toEqual([7.5, 15, 60, 80, 80]);
  });
});
