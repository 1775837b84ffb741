import { beforeAll, describe, expect, it } from 'vitest';
import { BatchListSurvey } from '../../../functions/poll/observation/batch-list-survey.ts';
import { observeBatches } from '../../../functions/poll/observation/observe-batches.ts';
import { NotAllowed, RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { OpenBatch } from '../../../functions/shared/domain/open-batch.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { inWaves } from '../../fakes/call-waves.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { account } from '../deliver/account-of-batches.ts';
import { withMethods } from '../small-world.ts';

async function observing(api: BatchApi, open: OpenBatch[], rotation = 0) {
  const counted = inWaves(api);
  const log = createRecordingLog();
  const seen = new Map<string, string>();
  const failed: string[] = [];
  const seconds: string[] = [];
  const deps = { api: withMethods(api, counted.api), clock: new ManualClock(), log };
  const { calls, ...observed } = await observeBatches(
    deps,
    open,
    { rotation, first: [] },
    {
      isOver: () => false,
      seen: async ({ batchId }, { status }) => void seen.set(batchId, status),
      seenSecond: async ({ batchId }) => void seconds.push(batchId),
      failed: async ({ batchId }) => void failed.push(batchId),
    },
  );
  expect(calls).toBe(counted.lists + counted.retrieves);
  expect(calls).toBeLessThanOrEqual(open.length);
  expect(seconds).toEqual([]);
  return { ...counted, calls, seen, failed, log, observed };
}

describe('observing', () => {
  it.each([
    [1_000, 11, 3],
    [10_000, 110, 6],
  ])('%d contiguous batches takes at most %d calls in %d round trips', async (count, calls, waves) => {
    const { api, open } = await account(count, () => true);
    const took = await observing(api, open);
    expect(took.seen.size).toBe(count);
    expect(took.calls).toBeLessThanOrEqual(calls);
    expect(took.waves).toBeLessThanOrEqual(waves);
  });

  it.each([1, 2, 3])(
    '1,000 open batches among 9,000 that have ended takes at most 80 calls (seed %d)',
    async (seed) => {
      // The older a batch is, the more likely it has ended, as for a user who starts batches all the time.
      const random = seededRandom(seed);
      const { api, open } = await account(10_000, (age) => random() < Math.exp(-age / 1_000), seed);
      expect(open.length).toBeGreaterThan(900);
      const took = await observing(api, open);
      expect(took.seen.size).toBe(open.length);
      expect(took.calls).toBeLessThanOrEqual((80 * open.length) / 1_000);
    },
  );

  it.each([1, 2, 3])(
    '1,000 batches among 9,000 of others takes at most 300 calls (seed %d)',
    async (seed) => {
      const random = seededRandom(seed);
      const { api, open } = await account(10_000, () => random() < 0.1, seed);
      expect(open.length).toBeGreaterThan(900);
      const took = await observing(api, open);
      expect(took.seen.size).toBe(open.length);
      expect(took.calls).toBeLessThanOrEqual((300 * open.length) / 1_000);
    },
  );

  it('one or two batches retrieves each; observing three reads one page of the list', async () => {
    const { api, open } = await account(3, () => true);
    expect(await observing(api, open.slice(0, 1))).toMatchObject({ lists: 0, retrieves: 1 });
    expect(await observing(api, open.slice(0, 2))).toMatchObject({ lists: 0, retrieves: 2, waves: 1 });
    expect(await observing(api, open)).toMatchObject({ lists: 1, retrieves: 0 });
  });

  it('batches that are far apart in the list retrieves each', async () => {
    const { api, open } = await account(3_000, (age) => age % 300 === 0);
    const took = await observing(api, open, 0.5);
    expect(took.seen.size).toBe(open.length);
    expect(took).toMatchObject({ lists: 1, retrieves: 9 });
  });
});

describe('a list', () => {
  let made: Awaited<ReturnType<typeof account>>;
  beforeAll(async () => {
    made = await account(400, () => true);
  });
  /** Observes with a replaced list function. */
  const withList = (listBatches: BatchApi['listBatches'], rotation?: number) =>
    observing(withMethods(made.api, { listBatches }), made.open, rotation);

  it('that omits batches causes a retrieve of each of these', async () => {
    const hidden = new Set([7, 8, 120, 399].map((at) => made.open[at]?.batchId));
    const took = await withList(async (query) => {
      const page = await made.api.listBatches(query);
      return { ...page, batches: page.batches.filter(({ batchId }) => !hidden.has(batchId)) };
    });
    expect(took.seen.size).toBe(400);
    expect(took.retrieves).toBe(4);
  });

  it('of another account is ignored', async () => {
    const took = await withList(async (query) => {
      const page = await made.api.listBatches(query);
      const batches = page.batches.map((batch) => ({ ...batch, status: 'completed' }));
      return { ...page, batches, account: 'org-of-others' };
    });
    expect(took.lists).toBeGreaterThan(0);
    expect([...new Set(took.seen.values())]).toEqual(['validating']);
    expect(took.seen.size).toBe(400 - took.lists);
  });

  it.each([
    ['completed', { counts: { total: 3, completed: 3, failed: 0 } }],
    ['completed', { outputFileId: 'file-o' }],
    ['completed', { counts: { total: 3, completed: 2, failed: 1 }, outputFileId: 'file-o' }],
    ['expired', { counts: { total: 3, completed: 1, failed: 0 }, outputFileId: 'file-o' }],
    ['failed', { errorCount: 0 }],
  ])('whose ended batch lacks fields causes a retrieve of the batch (%s with %o)', async (status, fields) => {
    const took = await withList(async (query) => {
      const page = await made.api.listBatches(query);
      return {
        ...page,
        batches: page.batches.map(({ counts, ...batch }, at) =>
          at === 5 ? { ...batch, status, ...fields } : batch,
        ),
      };
    });
    expect(took.seen.size).toBe(400);
    expect(took.retrieves).toBeGreaterThanOrEqual(4);
    expect([...new Set(took.seen.values())]).toEqual(['validating']);
  });

  it('whose ended batches have all fields needs no retrieve', async () => {
    const whole = {
      counts: { total: 3, completed: 2, failed: 1 },
      outputFileId: 'file-o',
      errorFileId: 'file-e',
    };
    const took = await withList(async (query) => {
      const page = await made.api.listBatches(query);
      return { ...page, batches: page.batches.map((batch) => ({ ...batch, status: 'completed', ...whole })) };
    });
    expect([...new Set(took.seen.values())]).toEqual(['completed']);
    expect(took.retrieves).toBe(0);
  });

  it('that accepts only the last ids of its own pages as cursors is read page by page', async () => {
    const ends = new Set<string>();
    const took = await withList(async (query) => {
      if (query.after !== undefined && !ends.has(query.after))
        throw new RetryableError('list batches: HTTP 400');
      const page = await made.api.listBatches({ ...query, limit: 90 });
      ends.add(page.batches.at(-1)?.batchId ?? '');
      return page;
    });
    expect(took.seen.size).toBe(400);
    expect(took.retrieves).toBe(0);
    expect(took.lists).toBeLessThanOrEqual(10);
  });

  it('with shorter pages than requested is read in these pages', async () => {
    const took = await withList((query) =>
      made.api.listBatches({ ...query, limit: Math.min(20, query.limit) }),
    );
    expect(took.seen.size).toBe(400);
    expect(took.calls).toBeLessThanOrEqual(30);
  });

  it('that always returns its first page causes a retrieve of each other batch', async () => {
    const took = await withList(({ limit }) => made.api.listBatches({ limit }));
    expect(took.seen.size).toBe(400);
    expect(took.lists).toBeLessThanOrEqual(6);
  });

  it('that fails causes a retrieve of all batches but one, and each tick skips a different one', async () => {
    const fails = async () => {
      throw new RetryableError('list batches: HTTP 502');
    };
    const everSeen = new Set<string>();
    for (const rotation of [0, 0.618, 0.236]) {
      const took = await withList(fails, rotation);
      expect(took).toMatchObject({ lists: 1, retrieves: 399, calls: 400 });
      expect(took.log.lines).toMatchObject([{ level: 'warn', code: 'list_failed' }]);
      for (const batchId of took.seen.keys()) everSeen.add(batchId);
    }
    expect(everSeen.size).toBe(400);
  });

  it('that throws an unexpected error is reported as broken, and the batches are retrieved', async () => {
    const took = await withList(async () => {
      throw new TypeError('defect');
    });
    expect(took.observed).toMatchObject({ broken: true });
    expect(took.seen.size).toBe(399);
  });

  it.each([
    ['refuses the key', new NotAllowed('list batches: HTTP 401'), 'not_allowed', undefined],
    [
      'returns 429 with Retry-After',
      new RetryableError('list batches: HTTP 429', { afterSeconds: 30 }),
      'list_failed',
      30_000,
    ],
    [
      'returns 429 with a Retry-After of one day',
      new RetryableError('HTTP 429', { afterSeconds: 86_400 }),
      'list_failed',
      600_000,
    ],
  ])('that %s ends the observation after one call', async (_, failure, code, pauseMs) => {
    const took = await withList(async () => {
      throw failure;
    });
    expect(took).toMatchObject({ calls: 1, failed: [] });
    expect(took.seen.size).toBe(0);
    expect(took.log.lines.map((line) => line.code)).toEqual([code]);
    const until = pauseMs === undefined ? undefined : new ManualClock().now() + pauseMs;
    expect(took.observed.observeFrom).toBe(until);
  });
});

describe('the batches that a survey does not reach', () => {
  const openBatches = (count: number): OpenBatch[] =>
    Array.from({ length: count }, (_, nth) => ({
      ...{ batchId: `batch_${nth}`, createdAt: nth, status: 'validating', account: 'org-simulated' },
      ...{ model: 'm', uploadBytes: 9, jobCreatedAt: 0 },
    }));

  it('are named, at most 200 of them, and not always the same', () => {
    expect(new BatchListSurvey(openBatches(3), 0).unobserved()).toEqual(['batch_2', 'batch_1', 'batch_0']);
    const left = [0, 0.5].map((rotation) => new BatchListSurvey(openBatches(300), rotation).unobserved());
    expect(left.map((ids) => new Set(ids).size)).toEqual([200, 200]);
    expect(left.map(([first]) => first)).toEqual(['batch_299', 'batch_149']);
  });

  it.each([[['batch_3']], [['batch_3', 'batch_7']]])('are retrieved first by the next one: %j', (first) => {
    const survey = new BatchListSurvey(openBatches(10), 0, [...first, 'batch_unknown']);
    const calls = survey.next();
    expect(calls.map((call) => call.do === 'retrieve' && call.open.batchId)).toEqual(first);
    expect(survey.next()).toEqual([{ do: 'list', limit: 100 }]);
  });
});
