import { describe, expect, it } from 'vitest';
import { RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import { replacing } from '../../../functions/shared/domain/spending/replaced-intents.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { aPart, NOON } from '../../contracts/samples.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

const LATE = 'batch_000001';
const LIMIT = 'Enqueued token limit reached for gpt-4o-mini. Limit: 100 enqueued tokens.';
const ROWS = Array.from({ length: 12 }, (_, n) => `r${n}`);

type Call = Parameters<BatchApi['createBatch']>;

/** Returns a world in which the first batch is created, runs for hours, and is not on the list for a time. */
function withLateBatch(
  firstCreate: (create: () => Promise<unknown>) => Promise<unknown>,
  {
    key,
    listedAfterMs = 70 * MINUTE,
    methods,
  }: {
    key?: { account: string };
    listedAfterMs?: number;
    methods?: (api: BatchApi) => Partial<BatchApi>;
  } = {},
): SmallWorld {
  let creates = 0;
  const world: SmallWorld = new SmallWorld({
    ...(key ? { account: () => key.account } : {}),
    fate: ({ nth }) => ({ runningMs: nth === 1 ? 40 * HOUR : 0 }),
    replaced: ({ api, clock }) => {
      const began = clock.now();
      return {
        api: withMethods(api, {
          async createBatch(...call: Call) {
            creates += 1;
            if (creates === 1) await firstCreate(() => api.createBatch(...call));
            return api.createBatch(...call);
          },
          async listBatches(query) {
            const page = await api.listBatches(query);
            const isShown = clock.now() > began + listedAfterMs;
            return { ...page, batches: page.batches.filter(({ batchId }) => isShown || batchId !== LATE) };
          },
          ...methods?.(api),
        }),
      };
    },
  });
  return world;
}

const refusing = (failure: Error) => async (create: () => Promise<unknown>) => {
  await create();
  throw failure;
};

async function atRest(world: SmallWorld): Promise<string> {
  const jobId = await world.drop('a.jsonl', fileOf(...ROWS));
  await world.rest();
  return jobId;
}

function expectSecondBatch(world: SmallWorld, jobId: string, secondBatchSearch = 'complete'): void {
  expect(world.job(jobId)).toMatchObject({ rows: { total: ROWS.length }, secondBatchSearch });
  expect(world.parts(jobId)[0]?.secondBatchIds).toEqual([LATE]);
  expect(world.api.audit().cancels.map(({ batchId }) => batchId)).toEqual([LATE]);
  expect(world.metrics.of('SecondBatches')).toEqual([1]);
}

describe('a batch that a refused create made nevertheless is found after the results are delivered, although', () => {
  it('its file was replaced, because fewer rows were admitted', async () => {
    const refusal = new RetryableError('HTTP 429', { waitsFor: 'token_limit', said: LIMIT });
    const world = withLateBatch(refusing(refusal), { listedAfterMs: 25 * MINUTE });
    const jobId = await atRest(world);
    expect(world.api.audit().uploads.length).toBeGreaterThan(2); // slices
    expect(world.job(jobId).status).toBe('completed');
    expectSecondBatch(world, jobId);
  });

  it('its file was replaced, because the API had lost it', async () => {
    const refusal = new RetryableError('HTTP 400', { waitsFor: 'not_visible', said: 'Cannot find file.' });
    let isFirst = true;
    const isLost = () => new TerminalError('file_gone', 'HTTP 404');
    const world = withLateBatch(refusing(refusal), {
      methods: (api) => ({
        async createBatch(request, signal) {
          if (isFirst) await api.createBatch(request, signal);
          isFirst = false;
          if (request.inputFileId === world.api.audit().uploads[0]?.fileId) throw refusal;
          return api.createBatch(request, signal);
        },
        async fileBytes() {
          throw isLost();
        },
      }),
    });
    const jobId = await atRest(world);
    expect(world.api.audit().uploads).toHaveLength(2);
    expectSecondBatch(world, jobId);
  });

  it('its file was replaced, because the key had changed to another account', async () => {
    const key = { account: 'ours' };
    const world = withLateBatch(
      async (create) => {
        await create();
        key.account = 'other';
        throw new TerminalError('invalid_request_error', 'No such File object');
      },
      { key },
    );
    const jobId = await world.drop('a.jsonl', fileOf(...ROWS));
    await world.pass(60);
    expect(world.job(jobId).status).toBe('completed');
    key.account = 'ours';
    await world.rest();
    expect(world.api.audit().uploads).toHaveLength(2);
    // The job's own batch is on the list of the other account, which cannot be read with this key.
    expectSecondBatch(world, jobId, 'incomplete');
  });

  it('the refusal was final', async () => {
    const refusal = new TerminalError('invalid_request_error', 'The model is unknown.');
    const world = withLateBatch(refusing(refusal), { listedAfterMs: 20 * MINUTE });
    const jobId = await atRest(world);
    expect(world.job(jobId).status).toBe('failed');
    expectSecondBatch(world, jobId);
  });
});

describe('a duplicate of a create whose batch was rejected for the token limit', () => {
  it('is found after the results are delivered, although the part ran in slices with other files', async () => {
    let creates = 0;
    const world: SmallWorld = new SmallWorld({
      fate: ({ nth }) => {
        if (nth === 1)
          return { failure: [{ code: 'token_limit_exceeded', message: LIMIT, param: null, line: null }] };
        return { runningMs: nth === 2 ? 40 * HOUR : 0 };
      },
      replaced: ({ api }) => ({
        api: withMethods(api, {
          async createBatch(...call: Call) {
            creates += 1;
            const batch = await api.createBatch(...call);
            if (creates === 1) await api.createBatch(...call);
            return batch;
          },
        }),
      }),
    });
    const jobId = await atRest(world);
    expect(world.parts(jobId)[0]?.secondBatchIds).toEqual(['batch_000002']);
    expect(world.api.audit().cancels.map(({ batchId }) => batchId)).toEqual(['batch_000002']);
  });
});

describe('the replaced intents of a part', () => {
  const sent = (n: number) => ({ id: `i${n}`, at: NOON, fileId: `file-${n}`, sendBy: NOON + n });

  it('include the newest 20 whose creates were sent', () => {
    let part = aPart();
    for (let n = 1; n <= 30; n += 1) part = { ...part, ...replacing(part, sent(n)) };
    expect(part.replacedIntents).toHaveLength(20);
    expect(part.replacedIntents?.at(-1)).toMatchObject({ intentId: 'i30', sentUntil: NOON + 30 });
    expect(part.replacedIntents?.[0]).toMatchObject({ intentId: 'i11' });
  });

  it('include none that was never sent', () => {
    expect(replacing(aPart(), { id: 'i', at: NOON, fileId: 'file-1' })).toEqual({});
  });
});
