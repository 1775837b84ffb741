import { expect, it } from 'vitest';
import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import {
  dueProjectionOf,
  nextPartStep,
  type PartStep,
  partDueAt,
  workerOf,
} from '../../../functions/shared/domain/next-step.ts';
import type { Part } from '../../../functions/shared/domain/part.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { aBatch, aPart, DELIVERED, NOON, type PartFields } from '../../contracts/samples.ts';

const HOUR = 3_600_000;
const PAST = NOON - HOUR;
const LATER = NOON + HOUR;
/** When each state is checked: at its write, up to the time `LATER` that its fields contain, and long after. */
const TIMES = [NOON, NOON + 1, LATER, LATER + 1, LATER + 24 * HOUR];

const INTENT = { id: 'i', at: PAST };
const UPLOADED = { ...INTENT, fileId: 'file-1' };
const SENT = { ...UPLOADED, sendBy: PAST };
const WAITING = { for: 'token_limit', since: PAST } as const;
const STALL = { code: 'create_uncertain', message: 'm' };
const ENDED = { as: 'cancelled', reason: { code: 'c', message: 'm' } } as const;
const LOST = { ...ENDED, as: 'lost' } as const;
const RESULTS_WAIT = { since: PAST, looks: 1, until: LATER, why: 'no file' };

/** Each phase, with every combination of its own fields. */
const PHASES: Record<Part['phase'], PartFields[]> = {
  planned: [{}, { waiting: WAITING }],
  waiting: [{ waiting: WAITING }, { waiting: WAITING, intent: UPLOADED }, { waiting: WAITING, intent: SENT }],
  ready: [{}],
  uploading: [{ intent: INTENT }],
  uploaded: [{ intent: UPLOADED }],
  creating: [PAST, NOON, LATER].flatMap((sendBy) =>
    [{}, { foundNothingAt: PAST }, { foundNothingAt: LATER }, { refused: true as const }].map((found) => ({
      intent: { ...SENT, sendBy, ...found },
    })),
  ),
  stalled: [{ stalled: STALL }, { stalled: STALL, adopt: { batchId: 'batch_2' } }],
  running: ['validating', 'in_progress', 'finalizing', 'cancelling', 'pondering'].map((status) => ({
    intent: SENT,
    batch: aBatch({ status }),
  })),
  requeued: [{ intent: SENT, batch: aBatch({ status: 'failed' }), waiting: WAITING }],
  retrying: [{ intent: SENT, batch: aBatch({ status: 'failed' }) }],
  batch_ended: [
    ...['completed', 'failed', 'expired', 'cancelled'].map((status) => ({
      intent: SENT,
      batch: aBatch({ status }),
    })),
    ...[{}, { releasedAt: PAST - 1 }, { releasedAt: NOON }].map((release) => ({
      intent: SENT,
      batch: aBatch({ status: 'completed' }),
      resultsWait: RESULTS_WAIT,
      ...release,
    })),
  ],
  ended: [{ ended: ENDED }, { ended: LOST, intent: SENT, batch: aBatch({ status: 'in_progress' }) }],
  delivered: [
    { intent: SENT, batch: aBatch({ status: 'completed' }), delivered: DELIVERED },
    { ended: ENDED, delivered: DELIVERED },
  ],
};

const orNot = (...fields: PartFields[]): PartFields[] => [{}, ...fields];

/** Every combination of the fields that any phase may have. */
function* surroundings(): Generator<PartFields> {
  const second = (cancelAt: number) => ({ openSecondBatches: [{ batchId: 'batch_9', cancelAt }] });
  for (const cancel of orNot({ cancelRequestedAt: PAST }))
    for (const backoff of orNot({ backoffUntil: PAST }, { backoffUntil: LATER }))
      for (const lease of orNot(
        { lease: { holder: 'h', until: PAST } },
        { lease: { holder: 'h', until: LATER } },
      ))
        for (const dispatched of orNot({ dispatchedUntil: PAST }, { dispatchedUntil: LATER }))
          for (const tries of orNot({ tries: MAX_TRIES }))
            for (const seconds of orNot(second(PAST), second(LATER)))
              yield { ...cancel, ...backoff, ...lease, ...dispatched, ...tries, ...seconds };
}

/** For a part with a batch: its newest status is published or not, and its cancel was sent to the API or not. */
const outboxes = ({ batch }: PartFields): PartFields[] =>
  batch
    ? [1, 2].flatMap((rev) =>
        orNot({ cancelSentAt: PAST }, { cancelSentAt: NOON }).map((sent) => ({
          rev,
          publishedRev: 1,
          ...sent,
        })),
      )
    : [{}];

function* states(): Generator<Part> {
  for (const [phase, shapes] of Object.entries(PHASES) as [Part['phase'], PartFields[]][])
    for (const shape of shapes)
      for (const outbox of outboxes(shape))
        for (const around of surroundings()) yield aPart({ ...around, ...shape, ...outbox, phase });
}

const isWork = (step: PartStep) => step.do !== 'nothing' && step.do !== 'wait';

/** Yields every disagreement between the part's phase, next steps, due time and projection. */
function* disagreements(part: Part): Generator<string> {
  const steps = TIMES.map((now) => nextPartStep(part, now, false));
  const [first] = steps;
  const dueAt = partDueAt(part, NOON);
  const { open, waits } = dueProjectionOf(part);
  if (!first) return;

  // Due time and steps.
  if ((dueAt === undefined) !== steps.every(({ do: step }) => step === 'nothing'))
    yield 'it is due though nothing is left to do, or never due though something is';
  const workAt = TIMES.find((now) => isWork(nextPartStep(part, now, false)));
  if (dueAt !== undefined && workAt !== undefined && dueAt > Math.max(workAt, part.dispatchedUntil ?? 0))
    yield 'it becomes due later than its next step';
  if (dueAt !== undefined && first.do === 'wait' && dueAt !== first.until)
    yield 'it waits but is due at another time';

  // Projection and steps: whatever the time, paused or not.
  const anyTime = [...steps, ...TIMES.map((now) => nextPartStep(part, now, true))].map((step) => step.do);
  if (open && !anyTime.every((step) => step === 'observe'))
    yield 'the index says "only observe", the steps do not';
  if (waits && !anyTime.every((step) => step === 'await-admission'))
    yield 'the index says "only waits", the steps do not';
  if (!open && !part.lease && part.backoffUntil === undefined && !part.cancelRequestedAt)
    if (anyTime.every((step) => step === 'observe')) yield 'the steps say "only observe", the index does not';
  if (!waits && !part.lease && anyTime.every((step) => step === 'await-admission'))
    yield 'the steps say "only waits", the index does not';
  if ((open || waits) && dueAt === undefined) yield 'it is in the index but never due';

  // Phase and steps: each phase allows only its own steps.
  const may = [...OF_ANY_PHASE, ...STEPS_OF[part.phase]];
  if (part.phase === 'planned' && steps.some(isWork)) yield 'a planned part has work';
  const cancelAt = part.openSecondBatches?.[0]?.cancelAt ?? Number.POSITIVE_INFINITY;
  for (const [at, now] of TIMES.entries()) {
    const isCancelled = steps[at]?.do === 'cancel-second-batches';
    if (part.phase !== 'planned' && isCancelled !== cancelAt <= now)
      yield 'a second batch is cancelled too late or too early';
  }
  for (const { do: step } of steps)
    if (!may.includes(step)) yield `in phase ${part.phase} the next step is ${step}`;
  if (part.phase === 'running' && hasEnded(part.batch.status)) yield 'a running batch has ended';
  if (workerOf(first) === 'submit' && part.cancelRequestedAt !== undefined && part.phase !== 'creating')
    yield 'a cancelled part is submitted';
}

/** The steps that are possible in a phase, besides those that are possible in any phase. */
const STEPS_OF: Record<Part['phase'], PartStep['do'][]> = {
  planned: [],
  waiting: ['await-admission', 'end'],
  ready: ['begin', 'end'],
  uploading: ['upload', 'end'],
  uploaded: ['create', 'end'],
  creating: ['search', 'abandon'],
  stalled: ['report-stall', 'adopt', 'end'],
  running: ['observe', 'cancel'],
  requeued: ['await-admission', 'deliver'],
  retrying: ['retry', 'deliver'],
  batch_ended: ['deliver'],
  ended: ['deliver'],
  delivered: [],
};

const OF_ANY_PHASE: PartStep['do'][] = ['nothing', 'wait', 'publish', 'cancel-second-batches'];

it('phase, next step, due time and index agree in every state of a part', () => {
  const found = new Map<string, Part>();
  const seen = new Map<string, number>();
  let examined = 0;
  for (const part of states()) {
    examined += 1;
    for (const time of TIMES) {
      const step = nextPartStep(part, time, false).do;
      seen.set(step, (seen.get(step) ?? 0) + 1);
    }
    for (const wrong of disagreements(part)) found.set(wrong, part);
  }
  expect([...found]).toEqual([]);
  expect(examined).toBe(STATES);
  const every: PartStep['do'][] = [
    'nothing',
    'wait',
    'publish',
    'await-admission',
    'begin',
    'upload',
    'create',
    'search',
    'abandon',
    'observe',
    'cancel',
    'end',
    'retry',
    'cancel-second-batches',
    'report-stall',
    'adopt',
    'deliver',
  ];
  expect([...seen.keys()].sort()).toEqual([...every].sort());
});

/** 24 shapes without a batch, and 16 with a batch and 6 outboxes each, in 324 surroundings. */
const STATES = 324 * (24 + 16 * 6);

it('a release ends the wait for the next check of the results, but no other backoff', () => {
  const part = aPart({
    phase: 'batch_ended',
    intent: SENT,
    batch: aBatch({ status: 'completed' }),
    rev: 1,
    publishedRev: 1,
    resultsWait: RESULTS_WAIT,
    backoffUntil: LATER,
  });
  expect(nextPartStep(part, NOON, false)).toEqual({ do: 'wait', until: LATER });
  expect(nextPartStep({ ...part, releasedAt: NOON }, NOON, false)).toEqual({ do: 'deliver' });
  expect(nextPartStep({ ...part, releasedAt: PAST - 1 }, NOON, false)).toEqual({ do: 'wait', until: LATER });
  const other = { ...part, releasedAt: NOON, backoffUntil: LATER + 1 };
  expect(nextPartStep(other, NOON, false)).toEqual({ do: 'wait', until: LATER + 1 });
});
