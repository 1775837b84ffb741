import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/approve/handler.ts';
import { NO_QUEUES } from '../../../functions/shared/adapters/sqs/no-queues.ts';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { dueProjectionOf } from '../../../functions/shared/domain/next-step.ts';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import { APPROVAL_EXPIRES_MS } from '../../../functions/shared/domain/timing.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, REQUESTS, row, SmallWorld } from '../small-world.ts';

const HOLD = { 'batchdrop-hold': 'yes' };
const DAY = 24 * HOUR;

/** A world with one job that is held. */
async function held(settings?: ConstructorParameters<typeof SmallWorld>[0], text = fileOf('r1', 'r2')) {
  const world = new SmallWorld(settings);
  const { jobId, event } = world.upload('a.jsonl', text, HOLD);
  await world.intake(event);
  return { world, jobId, event };
}

/** The outcomes of approvals that were published. */
function outcomesIn(world: SmallWorld): object[] {
  return world.bus
    .published()
    .flatMap(({ detailType, detail }) => (detailType === DETAIL_TYPE.approvalOutcome ? [detail.data] : []));
}

function nothingWasSent(world: SmallWorld): void {
  const { uploads, creates } = world.api.audit();
  expect({ uploads, creates }).toEqual({ uploads: [], creates: [] });
}

describe('a file with the instruction to hold it', () => {
  it('is checked and planned, and nothing is sent, however long it waits', async () => {
    const { world, jobId } = await held();
    await world.work();
    await world.pass(90);
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
    const [event] = world.bus.published();
    expect(event?.detail.data).toMatchObject({
      status: 'unapproved',
      previousStatus: null,
      plannedRows: 2,
      plannedParts: 1,
      reason: { code: 'hold_requested', message: 'its file came with x-amz-meta-batchdrop-hold: yes' },
      approveBy: new Date(world.job(jobId).createdAt + APPROVAL_EXPIRES_MS).toISOString(),
    });
  });

  it('is rejected like any other if it is not valid', async () => {
    const { world, jobId } = await held({}, 'nothing\n');
    expect(world.jobStatuses(jobId)).toEqual(['rejected']);
  });

  it('is not held with "no"', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1'), { 'batchdrop-hold': 'no' });
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('is served by POLL only when its time is over', async () => {
    const { world, jobId } = await held();
    expect(world.job(jobId).dueAt).toBe(world.job(jobId).createdAt + APPROVAL_EXPIRES_MS);
  });
});

describe('an approval', () => {
  it.each([
    ['one part', fileOf('r1', 'r2')],
    ['two parts', fileOfTwoParts()],
  ])('sends a job of %s at once, and it runs like any other', async (_, text) => {
    const { world, jobId } = await held({}, text);
    await world.approve(jobId);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted']);
    expect(world.queues.sent().every(({ to }) => to === 'submit')).toBe(true);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
    expect(world.job(jobId).rows).toMatchObject({ total: 2, succeeded: 2 });
    expect(world.job(jobId).history.map(({ status }) => status)).toEqual(world.jobStatuses(jobId));
    const at = world.job(jobId).approvedAt;
    expect(world.parts(jobId).every(({ approvedAt }) => approvedAt === at && at !== undefined)).toBe(true);
  });

  it('that arrives three times counts once', async () => {
    const { world, jobId } = await held();
    await world.approve(jobId);
    const { approvedAt } = world.job(jobId);
    for (const id of ['approval-1', 'approval-2']) {
      await world.pass(1);
      await world.approve(jobId, id);
    }
    await world.rest();
    await world.approve(jobId, 'approval-3');
    expect(world.job(jobId).approvedAt).toBe(approvedAt);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('before the file is read keeps the job from being held', async () => {
    let approve: (() => Promise<void>) | undefined;
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replaceKeyPointer(pointer) {
            const replaced = await ledger.replaceKeyPointer(pointer);
            await approve?.(); // the job exists, and its file is not read yet
            return replaced;
          },
        },
      }),
    });
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'), HOLD);
    approve = () => world.approve(jobId);
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('while the plan is committed keeps the job from being held, too', async () => {
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replaceJob(job) {
            if (job.status === 'unapproved' && job.rev === 1 && job.publishedRev === 0)
              await world.approve(job.jobId); // between INTAKE's read and its write, which is a conflict now
            return ledger.replaceJob(job);
          },
        },
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'), HOLD);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('before the event is on the bus is kept: the events come in order', async () => {
    let isDown = true;
    const refuses = ({ detailType }: OutgoingEvent) => isDown && detailType === DETAIL_TYPE.jobStatusChange;
    const { world, jobId } = await held({ refuses });
    await world.approve(jobId);
    expect(world.jobStatuses(jobId)).toEqual([]);
    isDown = false;
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
  });

  it('of which APPROVE dies after any of its writes takes effect when its message comes again', async () => {
    for (let survived = 0; survived < 12; survived += 1) {
      let left = Number.POSITIVE_INFINITY;
      const { world, jobId } = await held({
        replaced: ({ ledger }) => ({
          ledger: withFaults(ledger, (method) => {
            if (method.startsWith('replace') || method === 'createPart') left -= 1;
            return left < 0 ? { failBefore: new RetryableError('died') } : 'ok';
          }),
        }),
      });
      left = survived;
      await world.approve(jobId).catch(() => undefined);
      left = Number.POSITIVE_INFINITY;
      await world.approve(jobId);
      await world.rest();
      expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
      expect(world.api.audit().creates).toHaveLength(1);
    }
  });

  it('of a function that cannot send is sent on by POLL', async () => {
    const { world, jobId } = await held();
    await createHandler({ ...world.ports, queues: NO_QUEUES })({
      id: 'a',
      body: JSON.stringify({ jobId }),
      sentAt: 0,
    });
    expect(world.queues.sent()).toEqual([]);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
  });

  it('of a job that is not known changes nothing, and the log says so', async () => {
    const world = new SmallWorld();
    await world.approve('k5mhx3q2vwn7tjzr4ydaf6bcgs');
    expect(world.ledger.jobs()).toEqual([]);
    expect(outcomesIn(world)).toEqual([
      {
        request: { jobId: 'k5mhx3q2vwn7tjzr4ydaf6bcgs' },
        outcome: 'unknown',
        status: null,
        message: 'approve k5mhx3q2vwn7tjzr4ydaf6bcgs: no such job',
      },
    ]);
    expect(world.log.lines.map(({ code }) => code)).toEqual(['approval_unknown']);
  });

  it('of a job that has ended changes nothing, and the log says so', async () => {
    const { world, jobId } = await held();
    await world.cancel({ jobId });
    await world.rest();
    const before = world.job(jobId);
    await world.approve(jobId);
    await world.rest();
    expect(world.job(jobId)).toEqual(before);
    nothingWasSent(world);
    expect(world.log.lines.map(({ code }) => code)).toContain('approval_too_late');
    expect(outcomesIn(world)).toMatchObject([
      { outcome: 'too_late', status: 'cancelled', message: `approve ${jobId}: already cancelled` },
    ]);
  });

  it('of a job that was never held is on its parts, also on those that wait', async () => {
    const world = new SmallWorld({ limits: { maxOpenBatches: 1 }, fate: () => ({ runningMs: HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.work();
    await world.pass(2);
    await world.approve(jobId);
    const { approvedAt } = world.job(jobId);
    expect(world.parts(jobId).map((part) => [part.phase, part.approvedAt])).toEqual([
      ['running', approvedAt],
      ['waiting', approvedAt],
    ]);
    const waits = world.parts(jobId).map((part) => dueProjectionOf(part).waits?.approvedAt);
    expect(waits).toEqual([undefined, approvedAt]); // POLL admits a part without reading it
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it.each([
    ['is not JSON', 'yes'],
    ['is no object', '"job"'],
    ['names a batch', '{"batchId":"batch_1"}'],
    ['has a field too many', '{"jobId":"k5mhx3q2vwn7tjzr4ydaf6bcgs","all":true}'],
    ['names a job that can be none', '{"jobId":"../x"}'],
  ])('that %s stays in the queue as evidence', async (_, body) => {
    const world = new SmallWorld();
    const handle = createHandler(world.ports);
    await expect(handle({ id: 'm', body, sentAt: 0 })).rejects.toMatchObject({ code: 'unreadable_message' });
  });
});

describe('a repeated event of S3', () => {
  it('does not let a job go that is held', async () => {
    const { world, jobId, event } = await held();
    for (let repeated = 0; repeated < 3; repeated += 1) {
      await world.intake(event);
      await world.intake(JSON.stringify({ jobId }));
      await world.work();
      await world.pass(10);
    }
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
  });

  it('does not hold an approved job again', async () => {
    const { world, jobId, event } = await held({ fate: () => ({ runningMs: HOUR }) });
    await world.approve(jobId);
    await world.intake(event);
    await world.work();
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
  });
});

describe('a job that is held and cancelled', () => {
  it.each([
    ['by job', (jobId: string) => ({ jobId })],
    ['by key', () => ({ bucket: REQUESTS, key: 'a.jsonl' })],
  ])('%s ends at once, with nothing sent and nothing left behind', async (_, named) => {
    const { world, jobId } = await held({}, fileOfTwoParts());
    world.clock.advance(MINUTE);
    await world.cancel(named(jobId));
    expect(world.outcomes()).toEqual(['requested']);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
    await world.rest();
    nothingWasSent(world);
    expect(world.job(jobId).reason).toEqual({
      code: 'cancelled',
      message: 'cancelled before it was approved: nothing was sent',
    });
    expect(world.results.objects().size).toBe(0);
    expect(world.job(jobId)).not.toHaveProperty('hold');
    expect(world.ledger.parts().every(({ expiresAt }) => expiresAt === world.job(jobId).expiresAt)).toBe(
      true,
    );
  });

  it('is not let go by an approval that comes later', async () => {
    let isDown = true; // the hold cannot be published, so that the cancel is recorded only
    const refuses = ({ detailType }: OutgoingEvent) => isDown && detailType === DETAIL_TYPE.jobStatusChange;
    const { world, jobId } = await held({ refuses });
    await world.cancel({ jobId });
    expect(world.job(jobId).status).toBe('unapproved');
    await world.approve(jobId);
    isDown = false;
    await world.rest();
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
    expect(world.job(jobId).approvedAt).toBeUndefined();
  });

  it('after its approval is cancelled like any job: each row is accounted for', async () => {
    const { world, jobId } = await held();
    await world.approve(jobId);
    await world.cancel({ jobId });
    await world.rest();
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'cancelled']);
    expect(world.job(jobId).rows).toMatchObject({ total: 2, cancelled: 2 });
  });

  it.each(['approval', 'cancel'])(
    'ends in one of two ways if both write at the same time, the %s first',
    async (first) => {
      let meanwhile: (() => Promise<void>) | undefined;
      const { world, jobId } = await held({
        replaced: ({ ledger }) => ({
          ledger: {
            ...ledger,
            async replaceJob(job) {
              const act = meanwhile;
              meanwhile = undefined;
              await act?.();
              return ledger.replaceJob(job);
            },
          },
        }),
      });
      const [one, other] = [() => world.approve(jobId), () => world.cancel({ jobId })];
      meanwhile = first === 'approval' ? one : other;
      await (first === 'approval' ? other() : one());
      await world.rest();
      nothingWasSent(world);
      const ends = { approval: ['unapproved', 'accepted', 'cancelled'], cancel: ['unapproved', 'cancelled'] };
      expect(world.jobStatuses(jobId)).toEqual(ends[first as keyof typeof ends]);
    },
  );
});

describe('a job that nobody approves', () => {
  it('is cancelled after seven days, loudly', async () => {
    const { world, jobId } = await held();
    const { createdAt } = world.job(jobId);
    world.clock.advance(createdAt + 7 * DAY - 1 - world.clock.now());
    await world.poll();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
    world.clock.advance(1);
    await world.rest();
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
    const by = new Date(createdAt + 7 * DAY).toISOString();
    expect(world.job(jobId).reason).toEqual({
      code: 'approval_expired',
      message: `nobody approved the job by ${by}: nothing was sent. It was held because its file came with x-amz-meta-batchdrop-hold: yes`,
    });
    expect(world.metrics.of('ApprovalsExpired')).toEqual([1]);
    expect(world.log.lines.filter(({ code }) => code === 'approval_expired')).toMatchObject([
      { level: 'error' },
    ]);
    expect(world.results.objects().size).toBe(0);
  });

  it('ends after the time that is set', async () => {
    const { world, jobId } = await held({ holds: { expiresAfterMs: 2 * HOUR } });
    await world.pass(119);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
    await world.pass(2);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
  });

  it('is accepted if its approval was recorded in time, although APPROVE died then', async () => {
    let left = Number.POSITIVE_INFINITY;
    const { world, jobId } = await held({
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method) => {
          if (method === 'replaceJob') left -= 1;
          return left < 0 ? { failBefore: new RetryableError('died') } : 'ok';
        }),
      }),
    });
    world.clock.advance(7 * DAY - MINUTE);
    left = 1;
    await expect(world.approve(jobId)).rejects.toThrow('died');
    left = Number.POSITIVE_INFINITY;
    expect(world.job(jobId)).toMatchObject({ status: 'unapproved', approvedAt: world.clock.now() });
    world.clock.advance(HOUR);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'accepted', 'submitted', 'completed']);
    expect(world.metrics.of('ApprovalsExpired')).toEqual([]);
  });
});

describe('the same bytes as those of a job that is held,', () => {
  it('dropped again in the same way, join it and do not let it go', async () => {
    const { world, jobId } = await held();
    const again = await world.drop('a.jsonl', fileOf('r1', 'r2'), HOLD);
    await world.work();
    await world.pass(30);
    nothingWasSent(world);
    expect(world.jobStatuses(again)).toEqual(['joined']);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
    await world.approve(jobId);
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('are not approved by an approval of the job that joined it', async () => {
    const { world, jobId } = await held();
    const again = await world.drop('a.jsonl', fileOf('r1', 'r2'), HOLD);
    await world.approve(again);
    await world.pass(5);
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved']);
    expect(outcomesIn(world)).toMatchObject([
      {
        outcome: 'too_late',
        status: 'joined',
        message: `approve ${again}: it joined job ${jobId}, which needs an approval of its own if it is held`,
      },
    ]);
  });

  it('dropped again without the instruction replace it: the first job is cancelled, not approved', async () => {
    const { world, jobId } = await held();
    const again = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
    expect(world.job(jobId).reason).toMatchObject({ code: 'superseded' });
    expect(world.job(jobId).approvedAt).toBeUndefined();
    expect(world.jobStatuses(again)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates.map(({ metadata }) => metadata.batchdrop_job)).toEqual([again]);
    await world.approve(jobId);
    await world.rest();
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('dropped again with other tags replace it, and are held in their turn', async () => {
    const { world, jobId } = await held();
    const again = await world.drop('a.jsonl', fileOf('r1', 'r2'), { ...HOLD, 'batch-team': 'search' });
    await world.pass(5);
    nothingWasSent(world);
    expect(world.jobStatuses(jobId)).toEqual(['unapproved', 'cancelled']);
    expect(world.jobStatuses(again)).toEqual(['unapproved']);
  });

  it('of an older version that comes late join it, and it stays held', async () => {
    const world = new SmallWorld();
    const older = world.upload('a.jsonl', fileOf('r1'));
    const newer = world.upload('a.jsonl', fileOf('r1'), HOLD);
    await world.intake(newer.event);
    await world.intake(older.event);
    await world.work();
    await world.pass(10);
    nothingWasSent(world);
    expect(world.jobStatuses(older.jobId)).toEqual(['joined']);
    expect(world.jobStatuses(newer.jobId)).toEqual(['unapproved']);
  });

  it('run anew once nobody has approved it in time', async () => {
    const { world } = await held({ holds: { expiresAfterMs: HOUR } });
    await world.pass(70);
    const again = await world.drop('a.jsonl', fileOf('r1', 'r2'), HOLD);
    expect(world.jobStatuses(again)).toEqual(['unapproved']);
    await world.approve(again);
    await world.rest();
    expect(world.jobStatuses(again).at(-1)).toBe('completed');
  });

  it('that wait and are dropped again with the instruction are held before anything is sent', async () => {
    const world = new SmallWorld();
    const first = await world.drop('a.jsonl', fileOf('r1'));
    const again = await world.drop('a.jsonl', fileOf('r1'), HOLD);
    await world.work();
    await world.pass(20);
    nothingWasSent(world);
    expect(world.jobStatuses(first).at(-1)).toBe('cancelled');
    expect(world.jobStatuses(again)).toEqual(['unapproved']);
  });
});

describe('with approveAbove', () => {
  const BOUNDED = { model: 'gpt-4o-mini', messages: [], max_tokens: 100 };

  it.each([
    ['may cost less runs', 20n, BOUNDED, undefined],
    ['may cost more is held', 0n, BOUNDED, 'above_limit'],
    ['may have any output is held', 20n, { ...BOUNDED, max_tokens: undefined }, 'output_unbounded'],
    ['has a model without a price is held', 20n, { ...BOUNDED, model: 'llama-9' }, 'price_unknown'],
  ])('a job that %s, and the event says why', async (_, dollars, body, code) => {
    const world = new SmallWorld({ holds: { approveAbove: dollars * 1_000_000_000_000n } });
    const jobId = await world.drop('a.jsonl', `${row('r1', { body })}\n`);
    const [event] = world.bus.published();
    expect(event?.detail.data).toHaveProperty('estimate.models.count', 1);
    if (code === undefined) expect(event?.detail.data).toMatchObject({ status: 'accepted' });
    else {
      await world.pass(5);
      nothingWasSent(world);
      expect(event?.detail.data).toMatchObject({ status: 'unapproved', reason: { code } });
      await world.approve(jobId);
    }
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });
});
