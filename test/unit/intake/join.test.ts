import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { fileOf, HOUR, REQUESTS, SmallWorld } from '../small-world.ts';

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
    ['run anew exactly', 0, ['accepted', 'submitted', 'completed']],
  ])('%s 24 hours after it completed', async (_, offset, statuses) => {
    const { world, second } = await dropTwice({}, async (w, first) => {
      await w.rest();
      w.clock.advance(w.job(first).changedAt + 24 * HOUR + offset - w.clock.now());
    });
    expect(world.jobStatuses(second)).toEqual(statuses);
  });

  it('run anew when the user asks for it', async () => {
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

  it('run anew after the earlier job failed', async () => {
    const failure = [{ code: 'model_not_found', message: 'No.', param: null, line: null }];
    const { world, first, second } = await dropTwice(
      { fate: ({ nth }) => (nth === 1 ? { failure } : {}) },
      (w) => w.rest(),
    );
    expect(world.jobStatuses(first).at(-1)).toBe('failed');
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
  });

  it('run anew after the earlier job was cancelled, or while it is being cancelled', async () => {
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

  it('join the earlier job also when other bytes were uploaded in between', async () => {
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

describe('the same bytes, uploaded two or three times,', () => {
  it('join the same job when intake is repeated after a lost answer', async () => {
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

  it('never join each other when their events cross: one of them runs', async () => {
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
    await world.intake(newer.event); // is recorded as the newest version, but could not be read
    world.clock.advance(1_000);
    await world.intake(older.event); // arrives late, and joins the newer one
    fails = false;
    await world.rest();
    expect(world.jobStatuses(older.jobId)).toEqual(['joined']);
    expect(world.jobStatuses(newer.jobId).at(-1)).toBe('completed');
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
  ])('both run, and the newer one stays the newest of its key: sequencers %s', async (_, older, newer) => {
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
