import { describe, expect, it } from 'vitest';
import { reconcile } from '../../../functions/poll/reconcile.ts';
import { NotAllowed, RetryableError } from '../../../functions/shared/domain/errors.ts';
import { DUE_SHARDS } from '../../../functions/shared/domain/ledger-records.ts';
import { afterRefusal } from '../../../functions/shared/domain/waiting/breaker.ts';
import type { Ledger } from '../../../functions/shared/ports/ports.ts';
import { aBatch, aPart } from '../../contracts/samples.ts';
import { withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const NEVER = new AbortController().signal;
const KEPT = Number.MAX_SAFE_INTEGER;
const VALIDATING_MS = 3 * HOUR;

/** Returns a world with `count` parts, each with an open batch whose status has not changed. */
async function manyOpen(count: number, settings: ConstructorParameters<typeof SmallWorld>[0] = {}) {
  const world = new SmallWorld({ fate: () => ({ validatingMs: VALIDATING_MS }), ...settings });
  const body = Buffer.from(fileOf('r1'));
  const pieces = (async function* () {
    yield body;
  })();
  const { fileId, account } = await world.api.uploadFile(
    { name: 'a.jsonl', bytes: body.length, body: pieces },
    NEVER,
  );
  const request = { inputFileId: fileId, endpoint: '/v1/responses', completionWindow: '24h', metadata: {} };
  for (let n = 0; n < count; n += 1) {
    if (n % 2 === 0) world.clock.advance(1_000);
    const batch = await world.api.createBatch(request, NEVER);
    const intent = { id: `intent${n}`, at: batch.createdAt, account, fileId };
    const part = { jobId: `job${n}`, rev: 1, publishedRev: 1, intent, batch };
    await world.ledger.createPart(aPart({ ...part, dueAt: world.clock.now(), expiresAt: KEPT }));
  }
  return world;
}

/** Runs one tick and counts its calls to the ledger. `index`: those of the reads that are of the `due` index. */
async function countedTick(world: SmallWorld) {
  const counts = { reads: 0, index: 0, writes: 0 };
  const ledger = withFaults<Ledger>(world.ports.ledger, (method) => {
    if (/^(create|replace|put)/.test(method)) counts.writes += 1;
    else counts.reads += 1;
    if (method === 'due') counts.index += 1;
    return 'ok';
  });
  return { tick: await reconcile({ ...world.ports, ledger }, world.deadline(55_000)), ...counts };
}

describe('a tick', () => {
  it.each([
    [0, 0],
    [1, 1],
    [1_000, 11],
    [10_000, 110],
  ])('over %d open batches without a change makes at most %d calls to the API', async (open, calls) => {
    const { tick, reads, writes } = await countedTick(await manyOpen(open));
    expect(tick).toMatchObject({ open, served: open, broken: 0, outOfTime: false });
    expect(tick?.calls).toBeLessThanOrEqual(calls);
    // One read of the lease and one per shard. Open batches are read only from the index.
    expect({ reads, writes }).toEqual({ reads: 1 + DUE_SHARDS, writes: 2 });
  });

  it('makes two more writes for each batch with a change: one for the change, one for its publication', async () => {
    const world = await manyOpen(50);
    world.clock.advance(VALIDATING_MS);
    const { tick, writes } = await countedTick(world);
    expect(world.batchStatuses()).toEqual(Array.from({ length: 50 }, () => 'in_progress'));
    expect(tick?.calls).toBe(1);
    expect(writes).toBe(2 + 2 * 50);
  });
});

describe('a tick that finds nothing, after one that found nothing', () => {
  async function idleWorld(settings: ConstructorParameters<typeof SmallWorld>[0] = {}) {
    const world = new SmallWorld(settings);
    expect((await countedTick(world)).writes).toBe(2);
    world.clock.advance(MINUTE);
    return world;
  }

  it('only reads, and stores every five minutes that it ran', async () => {
    const world = await idleWorld();
    const writes: number[] = [];
    for (let minute = 1; minute <= 12; minute += 1) {
      const counted = await countedTick(world);
      writes.push(counted.writes);
      world.clock.advance(MINUTE);
    }
    expect(writes).toEqual([0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0]);
  });

  it('reports the metric of a tick', async () => {
    const world = await idleWorld();
    expect((await countedTick(world)).writes).toBe(0);
    expect(world.metrics.of('Ticks')).toEqual([1, 1]);
  });

  it('is followed by one that serves what has become due', async () => {
    const world = await idleWorld({ fate: () => ({ validatingMs: VALIDATING_MS }) });
    await world.drop('a.jsonl', fileOf('r1'));
    await world.work();
    world.clock.advance(MINUTE);
    const { tick, index } = await countedTick(world);
    expect(tick).toMatchObject({ served: 1, open: 1 });
    expect(index).toBe(DUE_SHARDS); // not twice
    expect((await world.ledger.readControl()).idle).toBeUndefined();
  });

  it('does not rest while a breaker is open', async () => {
    const world = await idleWorld();
    const refusal = {
      account: 'a',
      for: 'account',
      operation: 'create',
      said: 'no',
      item: 'i',
      at: 0,
    } as const;
    const breakers = afterRefusal([], refusal);
    await world.ledger.replaceControl({ ...(await world.ledger.readControl()), breakers });
    expect((await countedTick(world)).writes).toBe(2);
  });

  it('does not rest with a limit, which each tick checks', async () => {
    const world = await idleWorld({ limits: { maxOpenBatches: 5 } });
    expect((await countedTick(world)).writes).toBe(2);
  });

  it.each([0, 1, 2, 3])('does not rest if shard %d cannot be read', async (broken) => {
    const world = await idleWorld();
    const ledger = withFaults<Ledger>(world.ports.ledger, (method, [shard]) =>
      method === 'due' && shard === broken ? { failBefore: new RetryableError('throttled') } : 'ok',
    );
    expect(await reconcile({ ...world.ports, ledger }, world.deadline(55_000))).toMatchObject({ broken: 1 });
    expect((await world.ledger.readControl()).idle).toBeUndefined();
  });

  it('does not rest after a tick that had no time to read every shard', async () => {
    const world = await idleWorld();
    world.clock.advance(5 * MINUTE);
    await expect(
      reconcile(world.ports, { ...world.deadline(55_000), until: world.clock.now() }),
    ).resolves.toMatchObject({
      outOfTime: true,
    });
    expect((await world.ledger.readControl()).idle).toBeUndefined();
  });
});

describe('a list', () => {
  it('with older statuses than the known ones changes nothing', async () => {
    const older = new Map<string, string>();
    const world = await manyOpen(5, {
      replaced: ({ api }) => ({
        api: withMethods(api, {
          listBatches: async (query) => {
            const page = await api.listBatches(query);
            const batches = page.batches.map((batch) => ({
              ...batch,
              status: older.get(batch.batchId) ?? batch.status,
            }));
            return { ...page, batches };
          },
        }),
      }),
    });
    world.clock.advance(VALIDATING_MS + MINUTE);
    await world.poll();
    const before = world.ledger.parts();
    expect(before.map(({ batch }) => batch?.status)).toEqual(Array.from({ length: 5 }, () => 'in_progress'));
    for (const { batch } of before) older.set(batch?.batchId ?? '', 'validating');
    const published = world.bus.published().length;
    await world.poll();
    expect(world.ledger.parts()).toEqual(before);
    expect(world.bus.published()).toHaveLength(published);
  });

  it('that returns 429 is not called again until Retry-After is over, and no try is counted', async () => {
    let asked = 0;
    let failure: Error | undefined = new RetryableError('HTTP 429', { afterSeconds: 150 });
    const world = await manyOpen(5, {
      replaced: ({ api }) => ({
        api: withMethods(api, {
          listBatches: async (query) => {
            asked += 1;
            if (failure) throw failure;
            return api.listBatches(query);
          },
        }),
      }),
    });
    world.clock.advance(VALIDATING_MS);
    for (let minute = 0; minute < 3; minute += 1) {
      await world.poll();
      world.clock.advance(MINUTE);
    }
    expect(asked).toBe(1);
    expect(world.ledger.parts().map(({ tries }) => tries)).toEqual([0, 0, 0, 0, 0]);
    failure = undefined;
    await world.poll();
    expect(world.batchStatuses()).toHaveLength(5);
    expect(await world.ledger.readControl()).not.toHaveProperty('observeFrom');
  });

  it('that refuses the key is called once per tick, and observation resumes when the key is accepted', async () => {
    let refused = true;
    const world = await manyOpen(5, {
      replaced: ({ api }) => ({
        api: withMethods(api, {
          listBatches: async (query) => {
            if (refused) throw new NotAllowed('HTTP 401');
            return api.listBatches(query);
          },
        }),
      }),
    });
    world.clock.advance(VALIDATING_MS);
    await world.poll();
    expect(world.log.lines.filter(({ code }) => code === 'not_allowed')).toHaveLength(1);
    refused = false;
    await world.poll();
    expect(world.batchStatuses()).toHaveLength(5);
  });
});

describe('an open part that needs more than observation', () => {
  it.each([
    ['a cancel request that the API has lost', { cancelRequestedAt: 1, cancelSentAt: 2 }],
    ['a backoff that is over', { backoffUntil: 1, tries: 3 }],
  ])('is read from the ledger: %s', async (_, differences) => {
    const world = await manyOpen(4);
    const batch = world.ledger.parts()[0]?.batch ?? aBatch();
    const part = { rev: 1, publishedRev: 1, batch, expiresAt: KEPT };
    await world.ledger.createPart(aPart({ ...part, ...differences, jobId: 'apart', dueAt: 1 }));
    world.clock.advance(VALIDATING_MS);
    await world.poll();
    const served = world.ledger.parts().find(({ jobId }) => jobId === 'apart');
    expect(served).toMatchObject(
      'backoffUntil' in differences
        ? { tries: 0, batch: { status: 'in_progress' } }
        : { cancelSentAt: world.clock.now(), batch: { status: 'cancelling' } },
    );
  });
});

describe('a tick that runs out of time', () => {
  const shardsServed = async (world: SmallWorld, slow: Ledger, ticks: number, pauseMinutes: number) => {
    const shards = new Set<unknown>();
    for (let tick = 0; tick < ticks; tick += 1) {
      const ledger = withFaults(slow, (method, [shard]) => {
        if (method === 'due') shards.add(shard);
        return 'ok';
      });
      const { served, outOfTime } =
        (await reconcile({ ...world.ports, ledger }, world.deadline(55_000))) ?? {};
      expect(outOfTime).toBe(true);
      expect(served).toBeLessThan(30);
      world.clock.advance(pauseMinutes * MINUTE);
    }
    return shards.size;
  };

  // Four minutes: if the time determined the first shard, it would always be the same one of the four.
  it.each([1, 4])(
    'while it reads the index handles every shard in turn, with a tick every %d minutes',
    async (minutes) => {
      const world = await manyOpen(0);
      const slow = withFaults<Ledger>(world.ledger, (method) => {
        if (method === 'due') world.clock.advance(27_500);
        return 'ok';
      });
      expect(await shardsServed(world, slow, DUE_SHARDS, minutes)).toBe(DUE_SHARDS);
    },
  );

  it('while it publishes handles every item in turn', async () => {
    const world = await manyOpen(0);
    const unpublished = { rev: 1, batch: aBatch(), expiresAt: KEPT, dueAt: 1 };
    for (let n = 0; n < 100; n += 1)
      await world.ledger.createPart(aPart({ ...unpublished, jobId: `job${n}` }));
    const slow = withFaults<Ledger>(world.ledger, (method) => {
      if (method === 'replacePart') world.clock.advance(4_000);
      return 'ok';
    });
    for (let tick = 0; tick < DUE_SHARDS; tick += 1) {
      await reconcile({ ...world.ports, ledger: slow }, world.deadline(55_000));
      world.clock.advance(MINUTE);
    }
    expect(world.ledger.parts().filter(({ publishedRev }) => publishedRev === 0)).toEqual([]);
  });

  it('while it publishes still observes the open batches', async () => {
    const world = await manyOpen(50);
    world.clock.advance(VALIDATING_MS);
    const unpublished = { rev: 1, batch: aBatch(), expiresAt: KEPT, dueAt: 1 };
    for (let n = 0; n < 1_000; n += 1)
      await world.ledger.createPart(aPart({ ...unpublished, jobId: `unpublished${n}` }));
    // Concurrent calls take four seconds together.
    let together: Promise<void> | undefined;
    const fourSeconds = () => {
      together ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
        together = undefined;
        world.clock.advance(4_000);
      });
      return together;
    };
    const slow = withFaults<Ledger>(world.ledger, (method, [part]) =>
      method === 'replacePart' && Object(part).jobId.startsWith('unpublished')
        ? { delay: fourSeconds }
        : 'ok',
    );
    const tick = await reconcile({ ...world.ports, ledger: slow }, world.deadline(55_000));
    expect(tick?.outOfTime).toBe(true);
    const open = world.ledger.parts().filter(({ jobId }) => jobId.startsWith('job'));
    expect(open.filter(({ batch }) => batch?.status === 'in_progress')).toHaveLength(50);
  });

  it('and crashes begins at another shard the next time', async () => {
    const world = await manyOpen(0);
    const firsts = new Set<unknown>();
    for (let tick = 0; tick < DUE_SHARDS; tick += 1) {
      const asked: unknown[] = [];
      const ledger = withFaults<Ledger>(world.ledger, (method, [shard]) => {
        if (method === 'due') asked.push(shard);
        // The first write takes the lease and the second one releases it. A tick that crashes never makes the second
        // one.
        return method === 'replaceControl' && asked.length > 0
          ? { failBefore: new RetryableError('dead') }
          : 'ok';
      });
      await reconcile({ ...world.ports, ledger }, world.deadline(55_000));
      firsts.add(asked[0]);
      world.clock.advance(MINUTE);
    }
    expect(firsts.size).toBe(DUE_SHARDS);
  });
});
