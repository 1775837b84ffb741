import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { MAX_TRIES } from '../../../functions/shared/domain/timing.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, REQUESTS, SmallWorld } from '../small-world.ts';

const TOKEN_LIMIT = {
  code: 'token_limit_exceeded',
  message: 'Enqueued token limit reached.',
  param: null,
  line: null,
};

async function running(settings?: ConstructorParameters<typeof SmallWorld>[0]) {
  const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR }), ...settings });
  const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
  await world.work();
  await world.pass(2);
  const batchId = world.parts(jobId)[0]?.batch?.batchId ?? 'none';
  return { world, jobId, batchId };
}

describe('a cancel request', () => {
  it.each([
    ['by batch', ({ batchId }: { batchId: string }) => ({ batchId })],
    ['by job', ({ jobId }: { jobId: string }) => ({ jobId })],
    ['by key', () => ({ bucket: REQUESTS, key: 'a.jsonl' })],
  ])(
    '%s reaches the API at once, and the job ends as cancelled with its partial results',
    async (_, named) => {
      const { world, jobId, batchId } = await running();
      await world.pass(30);
      await world.cancel(named({ jobId, batchId }));
      expect(world.api.audit().cancels).toEqual([{ batchId, at: world.clock.now() }]);
      expect(world.outcomes()).toEqual(['requested']);
      await world.rest();
      expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'cancelled']);
      expect(world.batchStatuses()).toEqual(['validating', 'in_progress', 'cancelling', 'cancelled']);
      expect(world.job(jobId).rows).toMatchObject({ total: 2, cancelled: 2 });
      expect(world.job(jobId).reason?.code).toBe('cancelled');
    },
  );

  it.each([
    ['a batch', { batchId: 'batch_of_others' }],
    ['a job', { jobId: 'k5mhx3q2vwn7tjzr4ydaf6bcgs' }],
  ])('for %s that does not exist has the outcome "unknown"', async (_, request) => {
    const world = new SmallWorld();
    await world.cancel(request);
    const [event] = world.bus.published();
    expect(event?.detail.data).toMatchObject({ request, outcome: 'unknown', status: null });
    expect(event?.detail.metadata).not.toHaveProperty('jobId');
  });

  it('for a job that has ended is too late and changes nothing', async () => {
    const { world, jobId, batchId } = await running({ fate: () => ({}) });
    await world.rest();
    const before = world.ledger.parts();
    for (const request of [{ batchId }, { jobId }, { bucket: REQUESTS, key: 'a.jsonl' }])
      await world.cancel(request);
    expect(world.outcomes()).toEqual(['too_late', 'too_late', 'too_late']);
    expect(world.ledger.parts()).toEqual(before);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('that arrives while its batch completes leaves the job completed', async () => {
    const { world, jobId, batchId } = await running({ fate: () => ({ runningMs: 5 * MINUTE }) });
    world.clock.advance(4 * MINUTE); // not observed since then: the batch is finalizing or completed
    await world.cancel({ batchId });
    await world.rest();
    expect(world.outcomes()).toEqual(['requested']);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('before submission submits nothing, and every row is accounted for', async () => {
    const world = new SmallWorld();
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.cancel({ jobId });
    await world.rest();
    expect(world.api.audit().uploads).toEqual([]);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'cancelled']);
    expect(world.lines('errors.jsonl').map((line) => [line.custom_id, line.error])).toEqual([
      ['r1', { code: 'batch_cancelled', message: expect.stringContaining('cancelled before') }],
      ['r2', { code: 'batch_cancelled', message: expect.stringContaining('cancelled before') }],
    ]);
  });

  it('that arrives twice is recorded once', async () => {
    const { world, jobId } = await running();
    await world.cancel({ jobId });
    const at = world.job(jobId).cancelRequestedAt;
    await world.pass(1);
    await world.cancel({ jobId }, world.clock.now(), 'message-2');
    expect(world.job(jobId).cancelRequestedAt).toBe(at);
    expect(world.api.audit().cancels).toHaveLength(1);
  });

  it('for a joined job cancels the job it joined', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    world.clock.advance(5_000);
    const second = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.cancel({ jobId: second });
    await world.rest();
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.jobStatuses(first).at(-1)).toBe('cancelled');
  });

  it('for one batch of two leaves the other running', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.work();
    await world.pass(2);
    const [first] = world.parts(jobId);
    await world.cancel({ batchId: first?.batch?.batchId });
    await world.rest();
    expect(world.parts(jobId).map((part) => part.batch?.status)).toEqual(['cancelled', 'completed']);
    expect(world.job(jobId).rows).toMatchObject({ total: 2, succeeded: 1, cancelled: 1 });
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });

  it('does not wait while the bus refuses events, nor for the backoff afterwards', async () => {
    const { world, batchId } = await running({
      fate: () => ({ validatingMs: 3 * MINUTE, runningMs: 5 * HOUR }),
      refuses: ({ detail }) => 'batchId' in detail.data && detail.data.status === 'in_progress',
    });
    await world.pass(60); // by now each backoff takes half an hour
    expect(world.batchStatuses()).toEqual(['validating']);
    await world.cancel({ batchId });
    expect(world.api.audit().cancels).toEqual([{ batchId, at: world.clock.now() }]);
  });

  it('is sent again when the API did not respond', async () => {
    let responds = true;
    const { world, jobId } = await running({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'cancelBatch' && !responds ? { failBefore: new RetryableError('no answer') } : 'ok',
        ),
      }),
    });
    responds = false;
    await world.cancel({ jobId });
    expect(world.api.audit().cancels).toEqual([]);
    responds = true;
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });

  it('that cannot be parsed is rejected, and nothing is published', async () => {
    const world = new SmallWorld();
    await expect(world.cancel({ batch: 'x' })).rejects.toThrow('exactly one of the forms');
    expect(world.bus.published()).toEqual([]);
  });

  it('fails when the bus refuses its outcome, so that the queue delivers it again', async () => {
    const { world, jobId } = await running({
      refuses: (event) => event.detailType === 'OpenAI Batch Cancel Outcome',
    });
    await expect(world.cancel({ jobId })).rejects.toThrow(RetryableError);
    expect(world.job(jobId).cancelRequestedAt).toBeDefined();
  });
});

describe('a cancel request for a batch that was rejected for the token limit', () => {
  async function rejectedForTokenLimit() {
    const world = new SmallWorld({ fate: ({ nth }) => (nth === 1 ? { failure: [TOKEN_LIMIT] } : {}) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.pass(2);
    const batchId = world.parts(jobId)[0]?.batch?.batchId;
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'requeued', batch: { status: 'failed' } });
    return { world, jobId, batchId };
  }

  it.each(['batchId', 'jobId'] as const)(
    'by its %s ends the job as cancelled at once, and no batch is created',
    async (by) => {
      const { world, ...ids } = await rejectedForTokenLimit();
      const { jobId } = ids;
      await world.cancel({ [by]: ids[by] });
      await world.pass(1);
      expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'cancelled']);
      expect(world.job(jobId).rows).toMatchObject({ total: 2, cancelled: 2 });
      await world.rest();
      expect(world.api.audit().creates).toHaveLength(1);
    },
  );

  it('is too late once its part is delivered', async () => {
    const { world, batchId } = await rejectedForTokenLimit();
    await world.cancel({ batchId });
    await world.rest();
    await world.cancel({ batchId }, world.clock.now(), 'message-2');
    expect(world.outcomes()).toEqual(['requested', 'too_late']);
  });

  it('is too late once its part runs in a new batch', async () => {
    const { world, jobId, batchId } = await rejectedForTokenLimit();
    await world.pass(6);
    expect(world.parts(jobId)[0]?.earlierBatchIds).toEqual([batchId]);
    await world.cancel({ batchId });
    expect(world.outcomes()).toEqual(['too_late']);
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });
});

describe('a cancel request by key', () => {
  const BY_KEY = { bucket: REQUESTS, key: 'a.jsonl' };

  it('applies to the version that was the newest when it was sent', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    world.clock.advance(5_000);
    const sentAt = world.clock.now();
    world.clock.advance(5_000);
    const second = await world.drop('a.jsonl', fileOf('r2'));
    await world.cancel(BY_KEY, sentAt);
    await world.rest();
    expect(world.jobStatuses(first).at(-1)).toBe('cancelled');
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
  });

  it('that arrives before its file is remembered, and cancels the file unread when it arrives', async () => {
    const world = new SmallWorld();
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
    world.clock.advance(2_000);
    await world.cancel(BY_KEY);
    expect(world.outcomes()).toEqual(['remembered']);
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
    expect(world.api.audit().uploads).toEqual([]);
    expect(world.job(jobId).rows).toBeUndefined();
  });

  it('does not apply to a file that is uploaded after it', async () => {
    const world = new SmallWorld();
    await world.cancel(BY_KEY);
    world.clock.advance(1_000);
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('that is older than a remembered one does not replace it', async () => {
    const world = new SmallWorld();
    const sentAt = world.clock.now() - 60_000;
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
    await world.cancel(BY_KEY, world.clock.now() + 1);
    await world.cancel(BY_KEY, sentAt, 'message-2');
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });

  it('among several applies to the version that was the newest when it was sent', async () => {
    const world = new SmallWorld();
    const versions = ['r1', 'r2', 'r3'].map((id) => {
      const uploaded = world.upload('a.jsonl', fileOf(id));
      world.clock.advance(5_000);
      const sentAt = world.clock.now();
      world.clock.advance(5_000);
      return { ...uploaded, sentAt };
    });
    const [first, second, third] = versions.map(({ sentAt }) => sentAt);
    await world.cancel(BY_KEY, third, 'of the third');
    await world.cancel(BY_KEY, first, 'of the first');
    for (const { event } of versions.toReversed()) await world.intake(event);
    await world.rest();
    expect(versions.map(({ jobId }) => world.jobStatuses(jobId).at(-1))).toEqual([
      'cancelled',
      'completed',
      'cancelled',
    ]);
    await world.cancel(BY_KEY, second, 'of the second');
    expect(world.outcomes().at(-1)).toBe('too_late');
  });

  it('is remembered with the newest hundred', async () => {
    const world = new SmallWorld();
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
    for (let minute = 1; minute <= 120; minute += 1)
      await world.cancel(BY_KEY, world.clock.now() + minute * MINUTE);
    expect((await world.ledger.readKeyPointer(REQUESTS, 'a.jsonl'))?.cancels).toHaveLength(100);
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });

  it('that is repeated does not apply to an earlier version', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const { jobId: second, event } = world.upload('a.jsonl', fileOf('r2'));
    world.clock.advance(2_000);
    const sentAt = world.clock.now();
    await world.cancel(BY_KEY, sentAt);
    await world.intake(event);
    expect(world.jobStatuses(second)).toEqual(['cancelled']);
    await world.cancel(BY_KEY, sentAt);
    expect(world.outcomes()).toEqual(['remembered', 'too_late']);
  });

  it('applies to a version that joined another, not to the version between them whose event is late', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    world.clock.advance(2_000);
    const between = world.upload('a.jsonl', fileOf('r2'));
    world.clock.advance(2_000);
    const third = await world.drop('a.jsonl', fileOf('r1'));
    expect(world.jobStatuses(third)).toEqual(['joined']);
    world.clock.advance(2_000);
    await world.cancel(BY_KEY);
    await world.intake(between.event);
    await world.rest();
    expect(world.jobStatuses(first).at(-1)).toBe('cancelled');
    expect(world.jobStatuses(between.jobId).at(-1)).toBe('completed');
  });

  it('cancels a file that could not be read for hours', async () => {
    const reading = { fails: true };
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async readKeyPointer(bucket, key) {
            if (reading.fails) throw new RetryableError('not now');
            return ledger.readKeyPointer(bucket, key);
          },
        },
      }),
    });
    const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
    world.clock.advance(2_000);
    await world.intake(event);
    while (world.job(jobId).tries < MAX_TRIES) await world.pass(10);
    reading.fails = false;
    await world.cancel(BY_KEY);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });
});

it('a cancel is not acknowledged while a part is missing in the ledger, because the part would continue to run', async () => {
  let isMissing = false;
  const world = new SmallWorld({
    fate: () => ({ runningMs: 2 * HOUR }),
    replaced: ({ ledger }) => ({
      ledger: {
        ...ledger,
        async partsOf(jobId, planId) {
          const parts = await ledger.partsOf(jobId, planId);
          return isMissing ? parts.slice(0, 1) : parts;
        },
      },
    }),
  });
  const jobId = await world.drop('a.jsonl', fileOfTwoParts());
  await world.work();
  isMissing = true;
  await expect(world.cancel({ jobId })).rejects.toThrow('1 of its 2 parts');
  expect(world.parts(jobId).map(({ cancelRequestedAt }) => cancelRequestedAt === undefined)).toEqual([
    false,
    true,
  ]);
  isMissing = false;
  await world.cancel({ jobId });
  await world.rest();
  expect(world.job(jobId)).toMatchObject({ status: 'cancelled', rows: { succeeded: 0 } });
});
