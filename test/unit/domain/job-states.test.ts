import { expect, it } from 'vitest';
import type { Job } from '../../../functions/shared/domain/job.ts';
import { jobDueAt, nextJobStep } from '../../../functions/shared/domain/next-step.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { aJob, type JobFields, NOON } from '../../contracts/samples.ts';

const HOUR = 3_600_000;
const [PAST, LATER] = [NOON - HOUR, NOON + HOUR];
/** When each state is checked: at its write, while the fields set to `LATER` last, and long after. */
const TIMES = [NOON, NOON + 1, LATER, LATER + 1, LATER + 24 * HOUR];

const RESULTS = { rows: { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 } };
const CLEAN_UPS: JobFields[] = [{}, { secondCleanUpAt: LATER }, { cleanedUp: true }];
const REASON = { code: 'c', message: 'm' };

/** Each status with every shape its own fields may have. */
const STATUSES: Record<Job['status'], JobFields[]> = {
  received: [{}],
  unapproved: [PAST, NOON, LATER].map((until) => ({ hold: { reason: REASON, until } })),
  accepted: [{}, { partsDispatched: true }],
  submitted: [{}, { partsDispatched: true }],
  completed: CLEAN_UPS.map((fields) => ({ ...RESULTS, ...fields })),
  expired: CLEAN_UPS.map((fields) => ({ ...RESULTS, ...fields })),
  failed: CLEAN_UPS,
  cancelled: CLEAN_UPS,
  rejected: CLEAN_UPS,
  joined: CLEAN_UPS,
};

/** Fields that a job in any status may have, or not. */
const OPTIONS: JobFields[][] = [
  [
    { rev: 1, publishedRev: 1 },
    { rev: 1, publishedRev: 0 },
  ],
  [{}, { approvedAt: PAST }],
  [{}, { cancelRequestedAt: PAST }, { cancelRequestedAt: PAST, supersededBy: 'otherjobotherjobotherjobot' }],
  [{}, { lease: { holder: 'h', until: PAST } }, { lease: { holder: 'h', until: LATER } }],
  [{}, { backoffUntil: PAST }, { backoffUntil: LATER }],
  [{}, { dispatchedUntil: PAST }, { dispatchedUntil: LATER }],
  [{}, { tries: MAX_TRIES }],
];

function* everyJob(): Generator<Job> {
  for (const [status, shapes] of Object.entries(STATUSES) as [Job['status'], JobFields[]][])
    for (const shape of shapes)
      for (const options of OPTIONS.reduce<JobFields[]>(
        (all, choices) => all.flatMap((known) => choices.map((choice) => ({ ...known, ...choice }))),
        [{}],
      ))
        yield aJob({ status, ...shape, ...options });
}

it('in every state, the due index has a job no later than its next step, and for ever what is not done', () => {
  let states = 0;
  const late: string[] = [];
  for (const job of everyJob()) {
    states += 1;
    const dueAt = jobDueAt(job, NOON);
    const isDone = nextJobStep(job, NOON).do === 'nothing';
    if (isDone !== (dueAt === undefined)) late.push(`${JSON.stringify(job)} is due ${dueAt}`);
    // A job whose time is not come does not need to be served before.
    for (const now of TIMES) {
      const step = nextJobStep(job, now);
      const isServed = dueAt !== undefined && dueAt <= Math.max(now, job.dispatchedUntil ?? now);
      if (step.do !== 'wait' && step.do !== 'nothing' && !isServed)
        late.push(`${JSON.stringify(job)}: ${step.do} at ${now}, due ${dueAt}`);
    }
  }
  expect(states).toBeGreaterThan(10_000);
  expect(late).toEqual([]);
});

it('in no state is anything dispatched for a job that is held, and only an approval lets it go', () => {
  const steps = new Map<string, number>();
  const wrong: string[] = [];
  for (const job of everyJob()) {
    if (job.status !== 'unapproved') continue;
    for (const now of TIMES) {
      const step = nextJobStep(job, now).do;
      steps.set(step, (steps.get(step) ?? 0) + 1);
      const isCancelled = job.cancelRequestedAt !== undefined;
      const isWrong =
        (step === 'accept' && (job.approvedAt === undefined || isCancelled)) ||
        (step === 'end-unapproved' && !isCancelled && (job.approvedAt !== undefined || job.hold.until > now));
      if (isWrong) wrong.push(`${JSON.stringify(job)}: ${step} at ${now}`);
    }
  }
  expect(wrong).toEqual([]);
  expect([...steps.keys()].sort()).toEqual(['accept', 'end-unapproved', 'publish', 'wait']);
  for (const count of steps.values()) expect(count).toBeGreaterThan(100);
});
