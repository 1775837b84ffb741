import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, fileOfTwoParts, HOUR, REQUESTS, SmallWorld } from '../small-world.ts';

const s3Event = (object: object, bucket = REQUESTS) =>
  JSON.stringify({ detail: { bucket: { name: bucket }, object } });

describe('the same bytes, uploaded again,', () => {
  const dropTwice = async (
    settings: ConstructorParameters<typeof SmallWorld>[0],
    between: (world: SmallWorld, first: string) => Promise<void>,
    metadata: Record<string, string> = {},
    text = fileOf('r1'),
  ) => {
    const world = new SmallWorld(settings);
    const first = await world.drop('a.jsonl', text);
    await between(world, first);
    const second = await world.drop('a.jsonl', text, metadata);
    await world.rest();
    return { world, first, second };
  };
  const running = { fate: () => ({ runningMs: 2 * HOUR }) };

  it.each<[string, (world: SmallWorld) => Promise<void>]>([
    ['before it was submitted', async () => {}],
    ['while it runs', (world) => world.work().then(() => world.pass(5))],
    ['after it completed', (world) => world.rest()],
  ])('join the earlier job %s', async (_, between) => {
    const { world, first, second } = await dropTwice(running, between);
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.job(second).joinedJobId).toBe(first);
    expect(world.jobStatuses(first)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it.each([
    ['join the earlier job just before', -1, ['joined']],
    ['run again exactly', 0, ['accepted', 'submitted', 'completed']],
  ])('%s 24 hours after it completed', async (_, offset, statuses) => {
    const { world, second } = await dropTwice({}, async (w, first) => {
      await w.rest();
      w.clock.advance(w.job(first).changedAt + 24 * HOUR + offset - w.clock.now());
    });
    expect(world.jobStatuses(second)).toEqual(statuses);
  });

  it('run again when the user asks for it', async () => {
    const { world, second } = await dropTwice(running, (w) => w.work(), { 'batchdrop-rerun': 'yes' });
    expect(world.jobStatuses(second)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates).toHaveLength(2);
  });

  it('join the earlier job when the user only tags them "rerun"', async () => {
    const { world, second } = await dropTwice(running, (w) => w.work(), { 'batch-rerun': 'yes' });
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.job(second).request.metadata).toEqual({ rerun: 'yes' });
  });

  it('are rejected, not joined, when an instruction is misspelled', async () => {
    const { world, second } = await dropTwice(running, (w) => w.work(), { 'batchdrop-rerrun': 'yes' });
    expect(world.jobStatuses(second)).toEqual(['rejected']);
    expect(world.job(second).findings?.first).toMatchObject([{ code: 'unknown_instruction' }]);
  });

  it('run again after the earlier job failed', async () => {
    const failure = [{ code: 'model_not_found', message: 'No.', param: null, line: null }];
    const { world, first, second } = await dropTwice(
      { fate: ({ nth }) => (nth === 1 ? { failure } : {}) },
      (w) => w.rest(),
    );
    expect(world.jobStatuses(first).at(-1)).toBe('failed');
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
  });

  it('run again after the earlier job was cancelled, or while it is being cancelled', async () => {
    const { world, first, second } = await dropTwice(running, async (w, jobId) => {
      await w.work();
      await w.cancel({ jobId });
      w.clock.advance(2_000);
    });
    expect(world.jobStatuses(first).at(-1)).toBe('cancelled');
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
  });

  it('are rejected again after a rejection', async () => {
    const { world, first, second } = await dropTwice({}, (w) => w.rest(), {}, 'nothing\n');
    expect(world.jobStatuses(first)).toEqual(['rejected']);
    expect(world.jobStatuses(second)).toEqual(['rejected']);
  });

  it('under another key are a new job, as are other bytes under the same key', async () => {
    const world = new SmallWorld(running);
    const jobs = [
      await world.drop('a.jsonl', fileOf('r1')),
      await world.drop('b.jsonl', fileOf('r1')),
      await world.drop('a.jsonl', fileOf('r2')),
    ];
    await world.rest();
    expect(jobs.map((job) => world.jobStatuses(job).at(-1))).toEqual(['completed', 'completed', 'completed']);
    expect(world.api.audit().creates).toHaveLength(3);
  });

  it('join the earlier job even if other bytes were uploaded in between', async () => {
    const world = new SmallWorld(running);
    const first = await world.drop('a.jsonl', fileOf('r1'));
    await world.drop('a.jsonl', fileOf('r2'));
    const third = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.jobStatuses(third)).toEqual(['joined']);
    expect(world.job(third).joinedJobId).toBe(first);
    expect(world.api.audit().creates).toHaveLength(2);
  });
});

type Interruptions = (() => Promise<void>)[];

/** Returns the ledger, which takes an interruption from the list before each read of a key pointer, and waits for it. */
function interrupted(ledger: Ledger, interruptions: Interruptions): Ledger {
  return {
    ...ledger,
    async readKeyPointer(bucket, key) {
      await interruptions.pop()?.();
      return ledger.readKeyPointer(bucket, key);
    },
  };
}

describe('the same bytes, uploaded two or three times,', () => {
  it('join the same job when intake is repeated after a lost response', async () => {
    let dies = true;
    const world = new SmallWorld({
      fate: () => ({ runningMs: 2 * HOUR }),
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replaceKeyPointer(pointer) {
            const replaced = await ledger.replaceKeyPointer(pointer);
            if (pointer.version === 0 || !dies) return replaced;
            dies = false;
            throw new RetryableError('the answer was lost');
          },
        },
      }),
    });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    const second = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(dies).toBe(false);
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.job(second).joinedJobId).toBe(first);
  });

  it('join the first job at the third upload', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
    const [first, , third] = [
      await world.drop('a.jsonl', fileOf('r1')),
      await world.drop('a.jsonl', fileOf('r1')),
      await world.drop('a.jsonl', fileOf('r1')),
    ];
    await world.rest();
    expect(world.job(third).joinedJobId).toBe(first);
    expect(world.api.audit().creates).toHaveLength(1);
  });

  it('never replace each other when their intakes cross, so one of them runs', async () => {
    let fails = true;
    const meanwhile: Interruptions = [];
    const world: SmallWorld = new SmallWorld({
      replaced: ({ requestFiles, ledger }) => ({
        requestFiles: {
          ...requestFiles,
          async *read(file, range) {
            if (fails) throw new RetryableError('not now');
            yield* requestFiles.read(file, range);
          },
        },
        ledger: interrupted(ledger, meanwhile),
      }),
    });
    const older = world.upload('a.jsonl', fileOf('r1'), { 'batchdrop-rerun': 'yes' });
    world.clock.advance(5_000);
    const newer = world.upload('a.jsonl', fileOf('r1'));
    await world.intake(newer.event); // on the pointer, but could not be read
    world.clock.advance(HOUR);
    fails = false;
    meanwhile.push(() => world.intake(older.event)); // replaces the newer one, which has begun again
    await world.intake(newer.event);
    await world.rest();
    expect(world.job(newer.jobId).supersededBy).toBe(older.jobId);
    expect(world.jobStatuses(newer.jobId)).toEqual(['cancelled']);
    expect(world.jobStatuses(older.jobId).at(-1)).toBe('completed');
  });

  it('never replace each other in a circle when an intake was frozen until after its lease, so one of them runs', async () => {
    const meanwhile: Interruptions = [];
    const world: SmallWorld = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: interrupted(ledger, meanwhile),
      }),
    });
    const uploads = [{}, { 'batch-team': 'search' }, {}].map((metadata) => {
      world.clock.advance(1_000);
      return world.upload('a.jsonl', fileOf('r1'), metadata);
    });
    const [first, second, third] = uploads;
    if (!first || !second || !third) throw new Error('there are three');
    await world.intake(first.event);
    meanwhile.push(async () => {
      world.clock.advance(HOUR);
      await world.intake(third.event); // joins the first one
      await world.intake(second.event); // replaces the first one
    });
    await world.intake(third.event); // would replace the second one
    await world.rest();
    expect(world.jobStatuses(third.jobId)).toEqual(['joined']);
    expect(world.job(first.jobId).supersededBy).toBe(second.jobId);
    expect(world.jobStatuses(second.jobId).at(-1)).toBe('completed');
  });

  it('never join each other when their events cross, so one of them runs', async () => {
    let fails = true;
    const world = new SmallWorld({
      replaced: ({ requestFiles }) => ({
        requestFiles: {
          ...requestFiles,
          async *read(file, range) {
            if (fails) throw new RetryableError('not now');
            yield* requestFiles.read(file, range);
          },
        },
      }),
    });
    const older = world.upload('a.jsonl', fileOf('r1'));
    world.clock.advance(5_000);
    const newer = world.upload('a.jsonl', fileOf('r1'));
    await world.intake(newer.event); // recorded as the newest version, but could not be read
    world.clock.advance(1_000);
    await world.intake(older.event); // arrives late and joins the newer one
    fails = false;
    await world.rest();
    expect(world.jobStatuses(older.jobId)).toEqual(['joined']);
    expect(world.jobStatuses(newer.jobId).at(-1)).toBe('completed');
  });
});

describe('the same bytes, uploaded again after a job whose rows did not all succeed,', () => {
  type Outcome = 'succeeded' | 'failed' | 'missing' | { statusCode: number };
  const dropAfter = async (outcomes: Record<string, Outcome>, expires = false) => {
    const world = new SmallWorld({
      fate: ({ nth }) =>
        nth > 3 ? {} : { row: (id) => outcomes[id] ?? 'succeeded', ...(expires && { runningMs: 40 * HOUR }) },
    });
    const text = fileOf(...Object.keys(outcomes));
    const first = await world.drop('a.jsonl', text);
    await world.rest(6000);
    const second = await world.drop('a.jsonl', text);
    await world.rest();
    const event = world.bus
      .published()
      .find(({ detail }) => 'joinedJobId' in detail.data && detail.metadata.jobId === second);
    return { world, first, second, data: event?.detail.data };
  };

  it('join it, without a message, if all rows succeeded', async () => {
    const { data, first } = await dropAfter({ r1: 'succeeded', r2: 'succeeded' });
    expect(data).toMatchObject({ status: 'joined', joinedJobId: first });
    expect(data).not.toHaveProperty('unsuccessfulRows');
    expect(data).not.toHaveProperty('message');
  });

  it('join it if the API itself refused the other rows', async () => {
    const { data, first } = await dropAfter({ r1: 'succeeded', r2: 'failed', r3: 'failed' });
    expect(data).toMatchObject({ status: 'joined', joinedJobId: first, unsuccessfulRows: 2 });
    expect(data).toHaveProperty('message', expect.stringContaining('2 of them because the API refused them'));
  });

  it('join it if the API itself refused every row, because another run would give the same', async () => {
    const { data } = await dropAfter({ r1: 'failed', r2: { statusCode: 404 } });
    expect(data).toMatchObject({ status: 'joined', unsuccessfulRows: 2 });
  });

  it.each<[string, Record<string, Outcome>]>([
    ['failed for a temporary reason in every attempt', { r1: 'succeeded', r2: { statusCode: 500 } }],
    ['are missing', { r1: 'succeeded', r2: 'missing' }],
  ])('join it if some rows succeeded and the others %s, and say how many', async (_, outcomes) => {
    const { data } = await dropAfter(outcomes);
    expect(data).toMatchObject({ status: 'joined', unsuccessfulRows: 1 });
    expect(data).toHaveProperty('message', expect.stringContaining('batchdrop-rerun: yes'));
    expect(data).toHaveProperty('message', expect.not.stringContaining('refused'));
  });

  it('join it if some rows succeeded before the others expired', async () => {
    const { data, world, first } = await dropAfter(
      { r1: 'succeeded', r2: 'succeeded', r3: 'succeeded' },
      true,
    );
    expect(world.jobStatuses(first).at(-1)).toBe('expired');
    expect(data).toMatchObject({ status: 'joined', unsuccessfulRows: world.job(first).rows?.expired });
  });

  it.each<[string, Record<string, Outcome>]>([
    ['failed for a transient reason', { r1: { statusCode: 503 }, r2: { statusCode: 429 } }],
    ['are missing', { r1: 'missing', r2: 'missing' }],
    ['failed for a temporary reason or were refused', { r1: { statusCode: 503 }, r2: 'failed' }],
  ])('run again if no row succeeded and they %s', async (_, outcomes) => {
    const { world, second } = await dropAfter(outcomes);
    expect(world.jobStatuses(second)).toEqual(['accepted', 'submitted', 'completed']);
  });
});

describe('the same bytes with other metadata or instructions', () => {
  const running = { fate: () => ({ runningMs: 2 * HOUR }) };
  const replaces = async (world: SmallWorld, first: string, metadata: Record<string, string>) => {
    world.clock.advance(1_000);
    const second = await world.drop('a.jsonl', fileOf('r1'), metadata);
    await world.rest();
    const { status, reason } = world.job(first);
    expect({ status, code: reason?.code }).toEqual({ status: 'cancelled', code: 'superseded' });
    expect(world.job(first).supersededBy).toBe(second);
    expect(world.jobStatuses(second)).toEqual(['accepted', 'submitted', 'completed']);
    expect(world.api.audit().creates).toHaveLength(1);
  };

  it('replace a job that was planned and has sent nothing', async () => {
    const world = new SmallWorld(running);
    await replaces(world, await world.drop('a.jsonl', fileOf('r1')), { 'batch-team': 'search' });
  });

  it('replace a job whose file has not been read yet', async () => {
    let fails = true;
    const world = new SmallWorld({
      ...running,
      replaced: ({ requestFiles }) => ({
        requestFiles: {
          ...requestFiles,
          async *read(file, range) {
            if (fails) throw new RetryableError('not now');
            yield* requestFiles.read(file, range);
          },
        },
      }),
    });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    fails = false;
    await replaces(world, first, { 'batch-team': 'search' });
  });

  it('replace a job whose only part is not dispatched yet', async () => {
    let fails = true;
    const world = new SmallWorld({
      ...running,
      replaced: ({ ledger }) => ({
        ledger: withFaults(ledger, (method) =>
          fails && method === 'createPart' ? { failBefore: new RetryableError('throttled') } : 'ok',
        ),
      }),
    });
    const first = await world.drop('a.jsonl', fileOf('r1'));
    expect(world.job(first)).toMatchObject({ status: 'accepted', onlyPart: { number: 1 } });
    fails = false;
    await replaces(world, first, { 'batch-team': 'search' });
  });

  it('replace a job that waits for a limit', async () => {
    const world = new SmallWorld({ ...running, limits: { maxOpenBatches: 5 } });
    await replaces(world, await world.drop('a.jsonl', fileOf('r1')), { 'batch-team': 'search' });
  });

  it('replace a job that has sent nothing, if a new run is asked for', async () => {
    const world = new SmallWorld(running);
    await replaces(world, await world.drop('a.jsonl', fileOf('r1')), { 'batchdrop-rerun': 'yes' });
  });

  it('replace a job of two parts, neither of which was sent', async () => {
    const world = new SmallWorld(running);
    const first = await world.drop('a.jsonl', fileOfTwoParts());
    const second = await world.drop('a.jsonl', fileOfTwoParts(), { 'batch-team': 'search' });
    await world.rest();
    expect(world.job(first)).toMatchObject({ status: 'cancelled', supersededBy: second });
    expect(world.job(first).rows).toMatchObject({ total: 2, cancelled: 2 });
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
    expect(world.api.audit().creates).toHaveLength(2);
  });

  it('join a job of two parts, one of which was sent, and the other part continues', async () => {
    const world = new SmallWorld(running);
    const first = await world.drop('a.jsonl', fileOfTwoParts());
    const [message] = world.queues.take();
    if (message?.to !== 'submit') throw new Error('no part was dispatched');
    await world.submit(JSON.stringify({ ref: message.ref }));
    const second = await world.drop('a.jsonl', fileOfTwoParts(), { 'batch-team': 'search' });
    await world.rest();
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.jobStatuses(first).at(-1)).toBe('completed');
    expect(world.api.audit().creates).toHaveLength(2);
  });

  it('join a job of two parts, one of which begins just then', async () => {
    let begins = async () => {};
    const world: SmallWorld = new SmallWorld({
      ...running,
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replacePart(part) {
            if (part.number === 2 && part.backoffUntil !== undefined) await begins();
            return ledger.replacePart(part);
          },
        },
      }),
    });
    const first = await world.drop('a.jsonl', fileOfTwoParts());
    const messages = world.queues.take();
    begins = async () => {
      begins = async () => {};
      for (const message of messages)
        if ('ref' in message && message.ref.number === 2)
          await world.submit(JSON.stringify({ ref: message.ref }));
    };
    const second = await world.drop('a.jsonl', fileOfTwoParts(), { 'batch-team': 'search' });
    await world.rest();
    expect(world.jobStatuses(second)).toEqual(['joined']);
    expect(world.jobStatuses(first).at(-1)).toBe('completed');
    expect(world.api.audit().creates).toHaveLength(2);
  });

  it('join the job if theirs is the older version, although its event arrived later', async () => {
    const world = new SmallWorld(running);
    const older = world.upload('a.jsonl', fileOf('r1'), { 'batch-team': 'search' });
    const newer = world.upload('a.jsonl', fileOf('r1'));
    await world.intake(newer.event);
    await world.intake(older.event);
    await world.rest();
    expect(world.jobStatuses(older.jobId)).toEqual(['joined']);
    expect(world.jobStatuses(newer.jobId).at(-1)).toBe('completed');
  });

  it('join an open job that requests a new run as they do, because a client repeated its upload', async () => {
    const world = new SmallWorld(running);
    const rerun = { 'batchdrop-rerun': 'yes' };
    const first = await world.drop('a.jsonl', fileOf('r1'), rerun);
    await world.work();
    const second = await world.drop('a.jsonl', fileOf('r1'), rerun);
    await world.rest();
    expect(world.job(second)).toMatchObject({ status: 'joined', joinedJobId: first });
    const third = await world.drop('a.jsonl', fileOf('r1'), rerun);
    await world.rest();
    expect(world.jobStatuses(third).at(-1)).toBe('completed');
  });
});

describe('the same bytes, uploaded many times at once,', () => {
  const uploadedAtOnce = (world: SmallWorld, count: number, sequencers: boolean) =>
    Array.from({ length: count }, () => {
      const { jobId, event } = world.upload('a.jsonl', fileOf('r1'));
      const message = JSON.parse(event);
      if (!sequencers) delete message.detail.object.sequencer;
      return { jobId, event: JSON.stringify(message) };
    });

  it.each([
    [2, true],
    [3, true],
    [10, true],
    [50, true],
    [2, false],
    [10, false],
  ])('run once: %i versions; their events have sequencers: %s', async (count, sequencers) => {
    for (let seed = 0; seed < 5; seed += 1) {
      const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
      const uploads = uploadedAtOnce(world, count, sequencers);
      // Each job gets its own millisecond, in reverse order of the versions or in another order.
      const turned = [...uploads.slice((seed * 7) % count), ...uploads.slice(0, (seed * 7) % count)];
      const order = seed % 2 === 0 ? turned.toReversed() : turned;
      const pending = order.map(async ({ event }, at) => {
        await Promise.all(Array.from({ length: (at * 7 + seed * 3) % 11 }, () => Promise.resolve()));
        world.clock.advance(1);
        await world.intake(event);
      });
      await Promise.all(pending);
      await world.rest();
      const statuses = uploads.map(({ jobId }) => world.job(jobId).status);
      expect(statuses.filter((status) => status === 'completed')).toHaveLength(1);
      expect(statuses.filter((status) => status === 'joined')).toHaveLength(count - 1);
      expect(world.api.audit().creates).toHaveLength(1);
    }
  });

  it('run once if the event of the newest version arrives first and the older version has the older job', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    let delayed: (() => Promise<void>) | undefined;
    const [older, newer] = [world.upload('a.jsonl', fileOf('r1')), world.upload('a.jsonl', fileOf('r1'))];
    const { ledger } = world.ports;
    // The older job is created first, and reads the key pointer last.
    world.ports.ledger = {
      ...ledger,
      async readKeyPointer(bucket, key) {
        const first = delayed;
        delayed = undefined;
        await first?.();
        return ledger.readKeyPointer(bucket, key);
      },
    };
    delayed = async () => {
      world.clock.advance(5);
      await world.intake(newer.event);
    };
    await world.intake(older.event);
    await world.rest();
    expect([older, newer].map(({ jobId }) => world.job(jobId).status).toSorted()).toEqual([
      'completed',
      'joined',
    ]);
    expect(world.api.audit().creates).toHaveLength(1);
  });
});

describe('two versions whose events arrive in the wrong order', () => {
  const arrival = (world: SmallWorld, text: string, sequencer: string) => {
    const { jobId, versionId } = world.upload('a.jsonl', text);
    const event = s3Event({ key: 'a.jsonl', size: 1, etag: 'e', 'version-id': versionId, sequencer });
    return { jobId, event };
  };

  it.each([
    ['of the same length', '0055AED6DCD90281E5', '0055AED6DCD90281E6'],
    ['of different lengths, padded on the right', '0055AED6DCD902', '0055AED6DCD90281E6'],
    ['in different case', '0055aed6dcd90281e5', '0055AED6DCD90281E6'],
  ])('both run, and the newer one remains the newest of its key: sequencers %s', async (_, older, newer) => {
    const world = new SmallWorld({ fate: () => ({ runningMs: HOUR }) });
    const first = arrival(world, fileOf('r1'), older);
    world.clock.advance(5_000);
    const second = arrival(world, fileOf('r2'), newer);
    await world.intake(second.event);
    await world.intake(first.event);
    await world.work();
    const pointer = await world.ledger.readKeyPointer(REQUESTS, 'a.jsonl');
    expect(pointer?.newest?.jobId).toBe(second.jobId);
    world.clock.advance(1_000);
    await world.cancel({ bucket: REQUESTS, key: 'a.jsonl' });
    await world.rest();
    expect(world.jobStatuses(first.jobId).at(-1)).toBe('completed');
    expect(world.jobStatuses(second.jobId).at(-1)).toBe('cancelled');
  });
});
