import { describe, expect, it } from 'vitest';
import { recordCancel } from '../../../functions/cancel/record-cancel.ts';
import type { CancelRequest } from '../../../functions/shared/contract/messages/cancel-request.ts';
import {
  aBatch,
  aJob,
  aPart,
  DELIVERED,
  type JobFields,
  NOON,
  type PartFields,
} from '../../contracts/samples.ts';
import { SmallWorld } from '../small-world.ts';

const { jobId, planId } = aPart();
const plan = (parts: number) => ({ planId, parts, rows: 3, groups: 1 });
const INTENT = { id: 'i', at: NOON, fileId: 'file-1' };

/** Records a cancel of a job with these fields and parts. `pointer`: the batch that names its first part. */
async function cancelled(
  request: CancelRequest,
  job: JobFields,
  parts: PartFields[] = [],
  pointer = 'batch_1',
) {
  const world = new SmallWorld();
  await world.ledger.createJob(aJob(job));
  for (const [at, part] of parts.entries()) await world.ledger.createPart(aPart({ number: at + 1, ...part }));
  if (parts.length > 0) await world.ledger.putBatchPointer(pointer, { jobId, planId, number: 1 });
  const { outcome, status, message, parts: toAdvance } = await recordCancel(world.ports, request, NOON);
  const { cancelRequestedAt, lastCancel } = world.job(jobId);
  return {
    recorded: { outcome, status, message, parts: toAdvance.length },
    job: { cancelRequestedAt, lastCancel },
    requests: world.ledger.parts().map((part) => part.cancelRequestedAt),
    now: world.clock.now(),
  };
}

describe('a cancel of a batch', () => {
  const cancel = (part: PartFields, pointer?: string) =>
    cancelled({ batchId: pointer ?? 'batch_1' }, { status: 'submitted', plan: plan(1) }, [part], pointer);

  it.each<[string, PartFields, string]>([
    ['runs', { batch: aBatch({ status: 'in_progress' }) }, 'cancel batch_1: recorded'],
    [
      'has ended, and its results are not stored yet',
      { batch: aBatch({ status: 'completed' }) },
      'cancel batch_1: recorded; it is already completed, and none of its rows runs again',
    ],
  ])('that %s is requested, and noted on its job', async (_, part, message) => {
    const { recorded, job, requests, now } = await cancel(part);
    expect(recorded).toEqual({ outcome: 'requested', status: part.batch?.status, message, parts: 1 });
    expect(requests).toEqual([now]);
    expect(job).toEqual({ lastCancel: { at: NOON, outcome: 'requested', message } });
  });

  it('that is delivered comes too late', async () => {
    const { recorded, requests } = await cancel({
      batch: aBatch({ status: 'completed' }),
      delivered: DELIVERED,
    });
    const message = 'cancel batch_1: already completed';
    expect(recorded).toEqual({ outcome: 'too_late', status: 'completed', message, parts: 0 });
    expect(requests).toEqual([undefined]);
  });

  const ran = [{ batch: aBatch({ batchId: 'batch_0', status: 'expired' }), intent: INTENT, rows: 3 }];
  it.each<[string, PartFields, string]>([
    [
      'runs again',
      { batch: aBatch(), ran },
      'already expired; rows that did not succeed may run again as batch_1: to stop them, cancel job',
    ],
    [
      'runs again soon',
      { phase: 'ready', ran },
      'already expired; rows that did not succeed may run again soon: to stop them, cancel job',
    ],
    ['was rejected for the token limit', { batch: aBatch() }, 'already failed; rows'],
    ['is over', { batch: aBatch({ status: 'completed' }), delivered: DELIVERED, ran }, 'already expired'],
  ])('that was an earlier one of a part that %s comes too late', async (_, part, message) => {
    const { recorded, requests } = await cancel(part, 'batch_0');
    expect(recorded.outcome).toBe('too_late');
    expect(recorded.message.startsWith(`cancel batch_0: ${message}`)).toBe(true);
    expect(recorded.message.endsWith(part.delivered ? 'expired' : jobId)).toBe(true);
    expect(requests).toEqual([undefined]);
  });

  it('that this Batchdrop does not know has no effect', async () => {
    const { recorded } = await cancelled({ batchId: 'batch_9' }, { status: 'submitted' });
    const message = 'cancel batch_9: this Batchdrop has no such batch';
    expect(recorded).toEqual({ outcome: 'unknown', status: null, message, parts: 0 });
  });
});

describe('a cancel of a job', () => {
  it('is requested of the job and of each part, and each part is advanced', async () => {
    const parts: PartFields[] = [
      { phase: 'ready' },
      { batch: aBatch() },
      { batch: aBatch(), delivered: DELIVERED },
    ];
    const { recorded, job, requests, now } = await cancelled(
      { jobId },
      { status: 'submitted', plan: plan(3) },
      parts,
    );
    const message = `cancel ${jobId}: recorded for 3 part(s)`;
    expect(recorded).toEqual({ outcome: 'requested', status: 'submitted', message, parts: 3 });
    expect(job).toEqual({ cancelRequestedAt: now, lastCancel: { at: NOON, outcome: 'requested', message } });
    expect(requests).toEqual([now, now, undefined]);
  });

  it('keeps the time of an earlier request', async () => {
    const { job } = await cancelled({ jobId }, { status: 'accepted', plan: plan(1), cancelRequestedAt: 7 }, [
      { phase: 'ready' },
    ]);
    expect(job).toMatchObject({ cancelRequestedAt: 7, lastCancel: { outcome: 'requested' } });
  });

  it.each<[string, JobFields, string]>([
    ['is not planned yet', { status: 'received' }, `cancel ${jobId}: recorded for 0 part(s)`],
    ['is held', { status: 'unapproved' }, `cancel ${jobId}: recorded for 1 part(s); nothing was sent for it`],
  ])('that %s is requested of the job alone', async (_, fields, message) => {
    const { recorded, job, now } = await cancelled({ jobId }, fields);
    expect(recorded).toEqual({ outcome: 'requested', status: fields.status, message, parts: 0 });
    expect(job.cancelRequestedAt).toBe(now);
  });

  it('that is over comes too late, which is noted on the job', async () => {
    const { recorded, job } = await cancelled({ jobId }, { status: 'completed' });
    const message = `cancel ${jobId}: already completed`;
    expect(recorded).toEqual({ outcome: 'too_late', status: 'completed', message, parts: 0 });
    expect(job).toEqual({ lastCancel: { at: NOON, outcome: 'too_late', message } });
  });

  it('that joined another one cancels that one', async () => {
    const world = new SmallWorld();
    await world.ledger.createJob(aJob({ status: 'joined', joinedJobId: 'other' }));
    await world.ledger.createJob(aJob({ jobId: 'other' }));
    expect(await recordCancel(world.ports, { jobId }, NOON)).toMatchObject({
      outcome: 'requested',
      job: { ref: 'other' },
    });
    expect(world.job('other').cancelRequestedAt).toBe(world.clock.now());
    expect(world.job(jobId)).not.toHaveProperty('lastCancel');
  });

  it('that does not exist has no effect', async () => {
    const { recorded } = await cancelled({ jobId: 'none' }, {});
    expect(recorded).toEqual({
      outcome: 'unknown',
      status: null,
      message: 'cancel none: no such job',
      parts: 0,
    });
  });

  it('is repeated while the ledger does not show all of its parts', async () => {
    const job = { status: 'submitted', plan: plan(2) } as const;
    await expect(cancelled({ jobId }, job, [{ phase: 'ready' }])).rejects.toThrow(
      'the ledger has 1 of its 2 parts',
    );
  });
});

describe('a cancel of a key', () => {
  const KEY = { bucket: 'b', key: 'k' };
  const uploadedAt = (id: string, lastModified: number, previousJobId?: string) =>
    aJob({
      jobId: id,
      request: { ...aJob().request, lastModified },
      ...(previousJobId === undefined ? {} : { previousJobId }),
    });

  async function cancelledAt(sentAt: number) {
    const world = new SmallWorld();
    await world.ledger.createJob(uploadedAt('first', NOON));
    await world.ledger.createJob(uploadedAt('second', NOON + 60_000, 'first'));
    await world.ledger.replaceKeyPointer({ ...KEY, version: 0, newest: { jobId: 'second' } });
    const { outcome } = await recordCancel(world.ports, KEY, sentAt);
    const requested = ['first', 'second'].filter((id) => world.job(id).cancelRequestedAt !== undefined);
    return { outcome, requested, cancels: (await world.ledger.readKeyPointer('b', 'k'))?.cancels };
  }

  it.each([
    ['after both versions', NOON + 90_000, ['second']],
    ['when the second version was uploaded', NOON + 60_000, ['second']],
    ['before that', NOON + 59_999, ['first']],
  ])('that was sent %s cancels the version that was the newest', async (_, sentAt, requested) => {
    expect(await cancelledAt(sentAt)).toEqual({ outcome: 'requested', requested, cancels: [sentAt] });
  });

  it('that was sent before the first version is remembered', async () => {
    expect(await cancelledAt(NOON - 1)).toEqual({
      outcome: 'remembered',
      requested: [],
      cancels: [NOON - 1],
    });
  });

  it('of which there is no file yet is remembered', async () => {
    const world = new SmallWorld();
    expect(await recordCancel(world.ports, KEY, NOON)).toMatchObject({
      outcome: 'remembered',
      status: null,
      parts: [],
    });
    expect(await world.ledger.readKeyPointer('b', 'k')).toMatchObject({ ...KEY, cancels: [NOON] });
  });
});
