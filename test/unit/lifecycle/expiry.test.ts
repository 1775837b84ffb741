import { describe, expect, it } from 'vitest';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import { KEEP_MS } from '../../../functions/shared/domain/timing.ts';
import { fileOf, fileOfTwoParts, HOUR, REQUESTS, SmallWorld, withMethods } from '../small-world.ts';

const YEAR = 365 * 24 * HOUR;

/** Returns the expiry times of everything in the ledger that expires: jobs, parts of every plan, and batch pointers. */
function expiries(world: SmallWorld): (number | undefined)[] {
  const batches = world.ledger
    .parts()
    .flatMap(({ batch, earlierBatchIds }) => [...earlierBatchIds, ...(batch ? [batch.batchId] : [])]);
  return [
    ...world.ledger.jobs().map(({ expiresAt }) => expiresAt),
    ...world.ledger.parts().map(({ expiresAt }) => expiresAt),
    ...batches.map((batchId) => world.ledger.batchPointerExpiry(batchId)),
  ];
}

describe('what belongs to an unfinished job', () => {
  it('never expires, however long it takes', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 2 * HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.work();
    await world.pass(5);
    expect(expiries(world)).toEqual(Array.from({ length: 5 }, () => undefined));
    world.clock.advance(YEAR);
    expect(await world.ledger.readJob(jobId)).toBeDefined();
    expect(await world.ledger.partsOf(jobId)).toHaveLength(2);
    for (const { batch } of world.parts(jobId))
      expect(await world.ledger.readBatchPointer(batch?.batchId ?? '')).toBeDefined();
  });

  it('does not expire while one part of it is stalled, although the others are delivered', async () => {
    const world = new SmallWorld({ fate: ({ nth }) => (nth === 1 ? {} : { runningMs: 20 * HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.pass(60);
    expect(world.parts(jobId).map(({ phase }) => phase)).toEqual(['delivered', 'running']);
    expect(expiries(world)).toEqual(Array.from({ length: 5 }, () => undefined));
  });
});

describe('what belongs to an ended job', () => {
  it('expires 90 days after the end of the job', async () => {
    const world = new SmallWorld({ fate: () => ({ runningMs: 20 * HOUR }) });
    const jobId = await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    const end = world.job(jobId).changedAt;
    expect(expiries(world)).toEqual(Array.from({ length: 5 }, () => end + KEEP_MS));
    world.clock.advance(end + KEEP_MS - 1 - world.clock.now());
    expect(await world.ledger.readJob(jobId)).toBeDefined();
    world.clock.advance(1);
    expect(await world.ledger.readJob(jobId)).toBeUndefined();
    expect(await world.ledger.partsOf(jobId)).toEqual([]);
  });

  it('includes the batches of earlier attempts', async () => {
    const world = new SmallWorld({
      fate: ({ nth }) => ({ row: () => (nth === 1 ? { statusCode: 500 } : 'succeeded') }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.rest();
    expect(world.parts(jobId)[0]?.earlierBatchIds).toHaveLength(1);
    expect(expiries(world)).toEqual(Array.from({ length: 4 }, () => world.job(jobId).changedAt + KEEP_MS));
  });

  /** Found by `npm run simulate:mutants` at seed 85. */
  it('expires although one of two concurrent clean-ups searched the list and then failed, and the other could not search', async () => {
    let begun = 0;
    let isDeletionRefused = false;
    const world: SmallWorld = new SmallWorld({
      fate: () => ({ runningMs: HOUR }),
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async listBatches(query) {
            if (world.ledger.jobs()[0]?.status !== 'completed') return api.listBatches(query);
            begun += 1;
            if (begun > 1) return api.listBatches(query);
            isDeletionRefused = true;
            await world.deliver(JSON.stringify({ jobId })).catch(() => undefined); // the other one searches and fails
            isDeletionRefused = false;
            throw new RetryableError('the list cannot be read');
          },
          async deleteFile(fileId) {
            if (isDeletionRefused) throw new RetryableError('slow down');
            return api.deleteFile(fileId);
          },
        }),
      }),
    });
    const jobId = await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    await world.pass(70);
    expect(begun).toBe(2);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ cleanedUp: true, secondBatchSearch: 'complete' });
    expect(expiries(world)).toEqual(Array.from({ length: 3 }, () => world.job(jobId).changedAt + KEEP_MS));
  });

  it('includes the parts of a plan that was abandoned', async () => {
    let dies = true;
    const world = new SmallWorld({
      replaced: ({ ledger }) => ({
        ledger: {
          ...ledger,
          async replaceJob(job) {
            if (dies && job.status === 'accepted') {
              dies = false;
              throw new Error('the invocation dies');
            }
            return ledger.replaceJob(job);
          },
        },
      }),
    });
    await world.drop('a.jsonl', fileOfTwoParts());
    await world.rest();
    const parts = world.ledger.parts();
    expect(new Set(parts.map(({ planId }) => planId)).size).toBe(2);
    expect(parts).toHaveLength(4);
    const [job] = world.ledger.jobs();
    expect(parts.map(({ expiresAt }) => expiresAt)).toEqual(parts.map(() => (job?.changedAt ?? 0) + KEEP_MS));
  });

  it.each([
    ['rejected', 'nothing\n'],
    ['joined', fileOf('r1')],
  ])('is only the job, if it was %s', async (status, text) => {
    const world = new SmallWorld();
    await world.drop('a.jsonl', fileOf('r1'));
    const jobId = await world.drop('a.jsonl', text);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status, expiresAt: world.job(jobId).changedAt + KEEP_MS });
  });
});

it('a key pointer never expires: a cancel request may come at any time', async () => {
  const world = new SmallWorld();
  await world.drop('a.jsonl', fileOf('r1'));
  await world.rest();
  world.clock.advance(YEAR);
  expect(await world.ledger.readKeyPointer(REQUESTS, 'a.jsonl')).toMatchObject({ bucket: REQUESTS });
});
