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

describe('a cancel', () => {
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
  ])('of %s that nobody knows is answered so', async (_, request) => {
    const world = new SmallWorld();
    await world.cancel(request);
    const [event] = world.bus.published();
    expect(event?.detail.data).toMatchObject({ request, outcome: 'unknown', status: null });
    expect(event?.detail.metadata).not.toHaveProperty('jobId');
  });

  it('of what has ended comes too late, and changes nothing', async () => {
    const { world, jobId, batchId } = await running({ fate: () => ({}) });
    await world.rest();
    const before = world.ledger.parts();
    for (const request of [{ batchId }, { jobId }, { bucket: REQUESTS, key: 'a.jsonl' }])
      await world.cancel(request);
    expect(world.outcomes()).toEqual(['too_late', 'too_late', 'too_late']);
    expect(world.ledger.parts()).toEqual(before);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('that loses the race to the end of its batch leaves it completed', async () => {
    const { world, jobId, batchId } = await running({ fate: () => ({ runningMs: 5 * MINUTE }) });
    world.clock.advance(4 * MINUTE); // nobody has looked: it is finalizing or done
    await world.cancel({ batchId });
    await world.rest();
    expect(world.outcomes()).toEqual(['requested']);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it('before anything was sent sends nothing, and accounts for every row', async () => {
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

  it('that is told twice is recorded once', async () => {
    const { world, jobId } = await running();
    await world.cancel({ jobId });
    const at = world.job(jobId).cancelRequestedAt;
    await world.pass(1);
    await world.cancel({ jobId }, world.clock.now(), 'message-2');
    expect(world.job(jobId).cancelRequestedAt).toBe(at);
    expect(world.api.audit().cancels).toHaveLength(1);
  });

  it('of one batch of two leaves the other running', async () => {
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

  it('does not wait for a bus that refuses entries, nor for the pause that follows', async () => {
    const { world, batchId } = await running({
      fate: () => ({ validatingMs: 3 * MINUTE, runningMs: 5 * HOUR }),
      refuses: ({ detail }) => 'batchId' in detail.data && detail.data.status === 'in_progress',
    });
    await world.pass(60); // by now pauses are half an hour long
    expect(world.batchStatuses()).toEqual(['validating']);
    await world.cancel({ batchId });
    expect(world.api.audit().cancels).toEqual([{ batchId, at: world.clock.now() }]);
  });

  it('is sent again when the API did not answer', async () => {
    let answers = true;
    const { world, jobId } = await running({
      replaced: ({ api }) => ({
        api: withFaults(api, (method) =>
          method === 'cancelBatch' && !answers ? { failBefore: new RetryableError('no answer') } : 'ok',
        ),
      }),
    });
    answers = false;
    await world.cancel({ jobId });
    expect(world.api.audit().cancels).toEqual([]);
    answers = true;
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });

  it('of an unreadable message is thrown back, and published as nothing', async () => {
    const world = new SmallWorld();
    await expect(world.cancel({ batch: 'x' })).rejects.toThrow('exactly one of the forms');
    expect(world.bus.published()).toEqual([]);
  });

  it('whose outcome the bus refuses is thrown back: the queue repeats it', async () => {
    const { world, jobId } = await running({
      refuses: (event) => event.detailType === 'OpenAI Batch Cancel Outcome',
    });
    await expect(world.cancel({ jobId })).rejects.toThrow(RetryableError);
    expect(world.job(jobId).cancelRequestedAt).toBeDefined();
  });
});

describe('a cancel of a batch that was put back for the token limit', () => {
  async function tokenLimitRejections() {
    const world = new SmallWorld({ fate: ({ nth }) => (nth === 1 ? { failure: [TOKEN_LIMIT] } : {}) });
    const jobId = await world.drop('a.jsonl', fileOf('r1', 'r2'));
    await world.work();
    await world.pass(2);
    const batchId = world.parts(jobId)[0]?.batch?.batchId;
    expect(world.parts(jobId)[0]).toMatchObject({ phase: 'requeued', batch: { status: 'failed' } });
    return { world, jobId, batchId };
  }

  it.each(['batchId', 'jobId'] as const)(
    'by its %s ends the job as cancelled at once; nothing more is created',
    async (by) => {
      const { world, ...ids } = await tokenLimitRejections();
      const { jobId } = ids;
      await world.cancel({ [by]: ids[by] });
      await world.pass(1);
      expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'cancelled']);
      expect(world.job(jobId).rows).toMatchObject({ total: 2, cancelled: 2 });
      await world.rest();
      expect(world.api.audit().creates).toHaveLength(1);
    },
  );

  it('comes too late once it is delivered', async () => {
    const { world, batchId } = await tokenLimitRejections();
    await world.cancel({ batchId });
    await world.rest();
    await world.cancel({ batchId }, world.clock.now(), 'message-2');
    expect(world.outcomes()).toEqual(['requested', 'too_late']);
  });

  it('that runs again by now names the old one: too late', async () => {
    const { world, jobId, batchId } = await tokenLimitRejections();
    await world.pass(6);
    expect(world.parts(jobId)[0]?.earlierBatchIds).toEqual([batchId]);
    await world.cancel({ batchId });
    expect(world.outcomes()).toEqual(['too_late']);
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });
});

describe('a cancel by key', () => {
  const BY_KEY = { bucket: REQUESTS, key: 'a.jsonl' };

  it('means the newest version that was there when it was sent', async () => {
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

  it('that outran its file is remembered, and ends it unread when it turns up', async () => {
    const world = new SmallWorld();
    const { jobId, event } = world.put('a.jsonl', fileOf('r1'));
    world.clock.advance(2_000);
    await world.cancel(BY_KEY);
    expect(world.outcomes()).toEqual(['remembered']);
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
    expect(world.api.audit().uploads).toEqual([]);
    expect(world.job(jobId).rows).toBeUndefined();
  });

  it('is not held against a file that is put after it', async () => {
    const world = new SmallWorld();
    await world.cancel(BY_KEY);
    world.clock.advance(1_000);
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('that is older than one remembered does not take it back', async () => {
    const world = new SmallWorld();
    const sentAt = world.clock.now() - 60_000;
    const { jobId, event } = world.put('a.jsonl', fileOf('r1'));
    await world.cancel(BY_KEY, world.clock.now() + 1);
    await world.cancel(BY_KEY, sentAt, 'message-2');
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });

  it('is one of several: each means the version that was the newest when it was sent', async () => {
    const world = new SmallWorld();
    const versions = ['r1', 'r2', 'r3'].map((id) => {
      const put = world.put('a.jsonl', fileOf(id));
      world.clock.advance(5_000);
      const sentAt = world.clock.now();
      world.clock.advance(5_000);
      return { ...put, sentAt };
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

  it('is remembered among the newest hundred', async () => {
    const world = new SmallWorld();
    const { jobId, event } = world.put('a.jsonl', fileOf('r1'));
    for (let minute = 1; minute <= 120; minute += 1)
      await world.cancel(BY_KEY, world.clock.now() + minute * MINUTE);
    expect((await world.ledger.readKeyPointer(REQUESTS, 'a.jsonl'))?.cancels).toHaveLength(100);
    await world.intake(event);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });

  it('that is repeated does not fall through to the version before', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const { jobId: second, event } = world.put('a.jsonl', fileOf('r2'));
    world.clock.advance(2_000);
    const sentAt = world.clock.now();
    await world.cancel(BY_KEY, sentAt);
    await world.intake(event);
    expect(world.jobStatuses(second)).toEqual(['cancelled']);
    await world.cancel(BY_KEY, sentAt);
    expect(world.outcomes()).toEqual(['remembered', 'too_late']);
  });

  it('means the version that joined another, not the one between them whose event is late', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    world.clock.advance(2_000);
    const between = world.put('a.jsonl', fileOf('r2'));
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

  it('ends a file as cancelled that could not be read, hour after hour', async () => {
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
    const { jobId, event } = world.put('a.jsonl', fileOf('r1'));
    world.clock.advance(2_000);
    await world.intake(event);
    while (world.job(jobId).tries < MAX_TRIES) await world.pass(10);
    reading.fails = false;
    await world.cancel(BY_KEY);
    await world.rest();
    expect(world.jobStatuses(jobId)).toEqual(['cancelled']);
  });

  it('reaches the job that a joined one joined', async () => {
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
});
