import { describe, expect, it } from 'vitest';
import { replaceJob } from '../../../functions/intake/replace-job.ts';
import { jobInHand } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import { withoutLease } from '../../../functions/shared/lifecycle/lease.ts';
import { aBatch, aJob, aPart, type JobFields, NOON, type PartFields } from '../../contracts/samples.ts';
import { HOUR, SmallWorld } from '../small-world.ts';

const NEWER = 'newernewernewernewernewern';
const UNTIL = NOON + HOUR;
const plan = (parts: number) => ({ planId: aPart().planId, parts, rows: 3, groups: 1 });
const SENT = { id: 'i', at: NOON };

/** Replaces a job with these fields and parts. */
async function replaced(fields: JobFields, ...parts: PartFields[]) {
  const world = new SmallWorld();
  const earlier = aJob(fields);
  await world.ledger.createJob(earlier);
  for (const [at, part] of parts.entries()) await world.ledger.createPart(aPart({ number: at + 1, ...part }));
  const leased = withoutLease(jobInHand(world.ports, aJob({ jobId: NEWER })), UNTIL);
  const isReplaced = await replaceJob(world.ports, leased, earlier);
  return { isReplaced, job: world.job(earlier.jobId), parts: world.ledger.parts(), now: world.clock.now() };
}

describe('an earlier job is replaced', () => {
  it.each<[string, JobFields, PartFields[]]>([
    ['is not planned', { status: 'received' }, []],
    ['is held', { status: 'unapproved' }, []],
    ['is planned, and not dispatched', { status: 'accepted', plan: plan(1), onlyPart: aPart() as never }, []],
    [
      'has sent nothing',
      { status: 'accepted', plan: plan(3) },
      [{}, { phase: 'ready' }, { waiting: { for: 'account', since: NOON } }],
    ],
  ])('if it %s', async (_, fields, given) => {
    const { isReplaced, job, parts, now } = await replaced(fields, ...given);
    expect(isReplaced).toBe(true);
    expect(job).toMatchObject({ cancelRequestedAt: now, supersededBy: NEWER });
    expect(parts.map((part) => part.cancelRequestedAt)).toEqual(given.map(() => now));
  });

  it.each<[string, JobFields, PartFields[]]>([
    ['is cancelled', { status: 'cancelled' }, []],
    [
      'has a cancel request',
      { status: 'accepted', plan: plan(1), cancelRequestedAt: 7 },
      [{ phase: 'uploading', intent: SENT }],
    ],
    ['has a cancel request, and is not planned', { status: 'received', cancelRequestedAt: 7 }, []],
  ])('without a change if it %s', async (_, fields, given) => {
    const { isReplaced, job } = await replaced(fields, ...given);
    expect(isReplaced).toBe(true);
    expect(job).not.toHaveProperty('supersededBy');
  });

  it('if an earlier try of its replacement has cancelled one of its parts', async () => {
    const ended = { as: 'cancelled', reason: { code: 'c', message: 'm' } } as const;
    const cancelled: PartFields = { ended, cancelRequestedAt: 7 };
    const { isReplaced, job, parts } = await replaced({ status: 'accepted', plan: plan(2) }, cancelled, {});
    expect(isReplaced).toBe(true);
    expect(job.supersededBy).toBe(NEWER);
    expect(parts.map((part) => part.cancelRequestedAt)).toEqual([7, expect.any(Number)]);
  });
});

describe('an earlier job goes on', () => {
  it.each<[string, JobFields, PartFields[]]>([
    ['has sent a part', { status: 'submitted', plan: plan(1) }, [{ batch: aBatch() }]],
    ['is completed', { status: 'completed' }, []],
    [
      'may have sent a part',
      { status: 'accepted', plan: plan(2) },
      [{}, { phase: 'uploading', intent: SENT }],
    ],
    ['has run a part', { status: 'accepted', plan: plan(1) }, [{ phase: 'ready', attempt: 2 }]],
    ['has a part that is not written yet', { status: 'accepted', plan: plan(2) }, [{}]],
  ])('if it %s', async (_, fields, given) => {
    const { isReplaced, job, parts } = await replaced(fields, ...given);
    expect(isReplaced).toBe(false);
    expect(job).not.toHaveProperty('cancelRequestedAt');
    expect(parts.every((part) => part.cancelRequestedAt === undefined)).toBe(true);
  });
});
