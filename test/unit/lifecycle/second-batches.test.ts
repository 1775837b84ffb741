import { describe, expect, it } from 'vitest';
import { Ambiguous, NotAllowed, RetryableError } from '../../../functions/shared/domain/errors.ts';
import { CLEAN_UP_MS, SECOND_BATCH_SEARCH_MS } from '../../../functions/shared/domain/timing.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { fileOf, fileOfTwoParts, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

type Settings = ConstructorParameters<typeof SmallWorld>[0];

/** Returns a world in which the network duplicates the first create, so that two batches run for its intent. */
function duplicating(
  settings: Settings = {},
  more: (api: BatchApi) => Partial<BatchApi> = () => ({}),
): SmallWorld {
  let isFirst = true;
  return new SmallWorld({
    ...settings,
    replaced: ({ api }) => ({
      api: withMethods(api, {
        async createBatch(request, signal) {
          const batch = await api.createBatch(request, signal);
          if (isFirst) await api.createBatch(request, signal);
          isFirst = false;
          return batch;
        },
        ...more(api),
      }),
    }),
  });
}

const RUNS_LONG: Settings = { fate: ({ nth }) => ({ runningMs: nth === 2 ? 20 * HOUR : 3 * HOUR }) };
const SECOND = 'batch_000002';

const cancelsOf = (world: SmallWorld) => world.api.audit().cancels.map(({ batchId }) => batchId);
const summaryOf = (world: SmallWorld, jobId: string) => {
  const [, object] =
    [...world.results.objects()].find(([key]) => key.endsWith(`${jobId}/summary.json`)) ?? [];
  return JSON.parse(Buffer.from(object?.body ?? '{}').toString());
};

async function submitted(world: SmallWorld, ...keys: string[]): Promise<string> {
  const [jobId = ''] = await Promise.all(keys.map((key) => world.drop(key, fileOf('r1', 'r2'))));
  await world.work();
  return jobId;
}

describe('a second batch on an intent', () => {
  it('is cancelled and reported as soon as a page that POLL reads shows it', async () => {
    const world = duplicating(RUNS_LONG);
    const jobId = await submitted(world, 'a.jsonl', 'b.jsonl', 'c.jsonl'); // three open batches: POLL reads pages
    await world.pass(3);
    expect(cancelsOf(world)).toEqual([SECOND]);
    expect(world.parts(jobId)[0]).toMatchObject({
      batch: { batchId: 'batch_000001' },
      secondBatchIds: [SECOND],
    });
    expect(world.metrics.of('SecondBatches')).toEqual([1]);
    await world.rest();
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
    expect(world.parts(jobId)[0]).not.toHaveProperty('openSecondBatches');
    expect(summaryOf(world, jobId).parts[0].secondBatchIds).toEqual([SECOND]);
  });

  it('does not count on a page without our own batch, which a gateway may show under another id', async () => {
    const world = duplicating(RUNS_LONG, (api) => ({
      async listBatches(query) {
        const page = await api.listBatches(query);
        return { ...page, batches: page.batches.filter(({ batchId }) => batchId !== 'batch_000001') };
      },
    }));
    await submitted(world, 'a.jsonl', 'b.jsonl', 'c.jsonl');
    await world.pass(60);
    expect(cancelsOf(world)).toEqual([]);
  });

  it('is found only after the results are delivered, with one page of the list', async () => {
    const lists: string[] = [];
    const world: SmallWorld = duplicating(RUNS_LONG, (api) => ({
      async listBatches(query) {
        lists.push(world.job(jobId).status);
        return api.listBatches(query);
      },
    }));
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(lists).toEqual(['completed']);
    expect(cancelsOf(world)).toEqual([SECOND]);
    expect(world.job(jobId)).toMatchObject({ secondBatchSearch: 'complete', cleanedUp: true });
    expect(summaryOf(world, jobId)).toMatchObject({
      secondBatchSearch: 'complete',
      parts: [{ batchId: 'batch_000001', secondBatchIds: [SECOND] }],
    });
  });

  it('stays in the summary if an invocation that was frozen before the search writes its own after it', async () => {
    const world = duplicating(RUNS_LONG);
    const { put } = world.results;
    let late: (() => Promise<void>) | undefined;
    let isWritten = false;
    world.results.put = async (key, body, contentType) => {
      const write = () => put(key, body, contentType);
      if (!key.endsWith('/summary.json') || isWritten) return write();
      if (late === undefined) {
        late = write;
        throw new RetryableError('no answer');
      }
      await write();
      if (!body.toString().includes(`"${SECOND}"`)) return;
      isWritten = true;
      await late();
    };
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(isWritten).toBe(true);
    expect(world.job(jobId)).toMatchObject({ secondBatchSearch: 'complete', cleanedUp: true });
    expect(summaryOf(world, jobId).parts[0].secondBatchIds).toEqual([SECOND]);
  });

  it('is added to the summary once the ledger has all parts of the job', async () => {
    let isFirst = true;
    const world: SmallWorld = duplicating(RUNS_LONG);
    const { partsOf } = world.ledger;
    world.ledger.partsOf = async (jobId, planId) => {
      const parts = await partsOf(jobId, planId);
      if (!isFirst || planId === undefined || world.job(jobId).status !== 'completed') return parts;
      isFirst = false;
      return parts.slice(1);
    };
    const jobId = await world.drop('two.jsonl', fileOfTwoParts());
    await world.work();
    await world.rest();
    expect(isFirst).toBe(false);
    expect(world.log.lines.some(({ code }) => code === 'parts_missing')).toBe(true);
    expect(world.job(jobId)).toMatchObject({ secondBatchSearch: 'complete', cleanedUp: true });
    const known = world.parts(jobId).map(({ secondBatchIds }) => secondBatchIds);
    expect(known.flat()).toHaveLength(1);
    const { parts }: { parts: { secondBatchIds: string[] }[] } = summaryOf(world, jobId);
    expect(parts.map(({ secondBatchIds }) => secondBatchIds)).toEqual(known);
  });

  it('does not keep the clean-up waiting for lost parts of the job for longer than a week', async () => {
    const world: SmallWorld = duplicating(RUNS_LONG);
    const { partsOf } = world.ledger;
    world.ledger.partsOf = async (jobId, planId) => {
      const parts = await partsOf(jobId, planId);
      return planId !== undefined && world.job(jobId).status === 'completed' ? parts.slice(1) : parts;
    };
    const jobId = await world.drop('two.jsonl', fileOfTwoParts());
    await world.work();
    await world.rest((CLEAN_UP_MS + 24 * HOUR) / MINUTE);
    expect(world.log.lines.some(({ code }) => code === 'parts_missing')).toBe(true);
    expect(world.log.lines.some(({ code }) => code === 'clean_up_abandoned')).toBe(true);
    expect(world.job(jobId).cleanedUp).toBe(true);
  });

  it('that has ended is also reported', async () => {
    const world = duplicating();
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(world.parts(jobId)[0]?.secondBatchIds).toEqual([SECOND]);
    expect(world.metrics.of('SecondBatches')).toEqual([1]);
  });

  it.each<[string, Error]>([
    ['the API fails', new RetryableError('HTTP 500')],
    ['the key is refused', new NotAllowed('HTTP 401')],
    ['a defect', new TypeError('defect')],
  ])('is cancelled until it has ended: %s at first', async (_, failure) => {
    let failures = 5;
    const world = duplicating(RUNS_LONG, (api) => ({
      async cancelBatch(batchId) {
        if (failures-- > 0) throw failure;
        return api.cancelBatch(batchId);
      },
    }));
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(failures).toBeLessThan(0);
    expect(cancelsOf(world)).toEqual([SECOND]);
    expect(world.job(jobId).status).toBe('completed');
    expect(world.metrics.of('SecondBatches')).toEqual([1]);
  });

  it('counts as gone when the API does not find it in two requests, ten minutes apart', async () => {
    const asked: number[] = [];
    const world: SmallWorld = duplicating(RUNS_LONG, () => ({
      async cancelBatch() {
        asked.push(world.clock.now());
        return 'unknown';
      },
    }));
    await submitted(world, 'a.jsonl');
    await world.rest();
    expect(asked).toHaveLength(2);
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(10 * MINUTE);
  });
});

describe('if a search finds several batches', () => {
  it.each<[string, Settings, string]>([
    ['the first, if both run', RUNS_LONG, 'batch_000001'],
    [
      'the one that runs, if the other has failed',
      {
        fate: ({ nth }) => ({
          validatingMs: 0,
          ...(nth === 1 ? { failure: [{ code: 'bad', message: 'm', param: null, line: null }] } : {}),
        }),
      },
      SECOND,
    ],
    [
      'the one with results, if the other runs',
      { fate: ({ nth }) => ({ runningMs: nth === 1 ? 20 * HOUR : 0, finalizingMs: 0, validatingMs: 0 }) },
      SECOND,
    ],
  ])('it adopts %s', async (_, settings, adopted) => {
    const world = new SmallWorld({
      ...settings,
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async createBatch(request, signal) {
            await api.createBatch(request, signal);
            await api.createBatch(request, signal);
            throw new Ambiguous('no answer came');
          },
        }),
      }),
    });
    const jobId = await submitted(world, 'a.jsonl');
    await world.pass(30);
    await world.rest();
    expect(world.parts(jobId)[0]?.batch?.batchId).toBe(adopted);
    expect(world.parts(jobId)[0]?.secondBatchIds).toHaveLength(1);
    expect(world.job(jobId)).toMatchObject({ status: 'completed', rows: { succeeded: 2 } });
  });
});

describe('the search after the end of a job', () => {
  it('is retried for a day if the list cannot be used, and then the summary says so', async () => {
    let lists = 0;
    const world = new SmallWorld({
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async listBatches() {
            lists += 1;
            throw new RetryableError('HTTP 500');
          },
        }),
      }),
    });
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(world.job(jobId)).toMatchObject({
      status: 'completed',
      secondBatchSearch: 'incomplete',
      cleanedUp: true,
    });
    expect(world.clock.now() - world.job(jobId).changedAt).toBeGreaterThanOrEqual(SECOND_BATCH_SEARCH_MS);
    expect(lists).toBeLessThanOrEqual(50);
    expect(summaryOf(world, jobId)).toMatchObject({
      secondBatchSearch: 'incomplete',
      rows: { succeeded: 2 },
    });
    expect(world.api.files()).toEqual([]); // the clean-up does not wait for it
    expect(world.metrics.of('Stalled')).toEqual([]);
  });

  it('adds nothing to the summary if it found nothing', async () => {
    const world = new SmallWorld();
    const jobId = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(world.job(jobId).secondBatchSearch).toBe('complete');
    expect(summaryOf(world, jobId)).not.toHaveProperty('secondBatchSearch');
  });
});
