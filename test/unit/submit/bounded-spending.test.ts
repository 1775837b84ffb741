import { describe, expect, it } from 'vitest';
import {
  Ambiguous,
  NotAllowed,
  RetryableError,
  TerminalError,
} from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import { releasedPart } from '../../../functions/shared/domain/spending/unresolved-creates.ts';
import { without } from '../../../functions/shared/domain/without.ts';
import { changePart } from '../../../functions/shared/lifecycle/compare-and-set.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';
import { type Fault, withFaults } from '../../fakes/faulty.ts';
import { fileOf, HOUR, MINUTE, SmallWorld, withMethods } from '../small-world.ts';

type Settings = ConstructorParameters<typeof SmallWorld>[0];

/** Returns a world whose creates have these faults, one after the other. */
function creating(faults: Fault[], settings: Settings = {}): SmallWorld {
  return withApi(
    (api) => withFaults(api, (method) => (method === 'createBatch' ? (faults.shift() ?? 'ok') : 'ok')),
    settings,
  );
}

function withApi(change: (api: BatchApi) => BatchApi, settings: Settings = {}): SmallWorld {
  return new SmallWorld({ ...settings, replaced: ({ api }) => ({ api: change(api) }) });
}

const LOST: Fault = { failBefore: new Ambiguous('no answer came') };
const lost = (times: number): Fault[] => Array.from({ length: times }, () => LOST);

async function submitted(world: SmallWorld, ...keys: string[]): Promise<string[]> {
  const jobs: string[] = [];
  for (const key of keys) jobs.push(await world.drop(key, fileOf('r1', 'r2')));
  await world.work();
  return jobs;
}

async function release(world: SmallWorld, jobId: string): Promise<void> {
  for (const part of world.parts(jobId))
    await changePart(world.ports, part, (known) => releasedPart(known, world.clock.now()));
}

/** A batch that nobody saw until now, on a file that no part knows. */
async function batchOf(world: SmallWorld): Promise<string> {
  const { signal } = new AbortController();
  const rows = Buffer.from(fileOf('r1', 'r2'));
  const body = (async function* () {
    yield rows;
  })();
  const { fileId } = await world.api.uploadFile({ name: 'a.jsonl', bytes: rows.length, body }, signal);
  const request = { inputFileId: fileId, endpoint: '/v1/chat/completions', completionWindow: '24h' };
  return (await world.api.createBatch({ ...request, metadata: {} }, signal)).batchId;
}

const creates = (world: SmallWorld) => world.api.audit().creates;
const onlyPart = (world: SmallWorld, jobId = '') => world.parts(jobId)[0];

describe('a create that is refused temporarily is sent again only after a search:', () => {
  const REFUSALS: [string, Error][] = [
    ["a proxy's page with 429", new RetryableError('HTTP 429', { afterSeconds: 60 })],
    ['a refusal that counts as a try', new RetryableError('HTTP 500')],
    ['a refusal of the account', new RetryableError('no money', { waitsFor: 'account' })],
    ['a refused key', new NotAllowed('HTTP 401')],
  ];

  it.each(REFUSALS)('%s, although the batch was created', async (_, failure) => {
    const world = creating([{ failAfter: failure }]);
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId)).toEqual(['accepted', 'submitted', 'completed']);
  });

  it.each(REFUSALS)('%s, although the list shows the batch only minutes later', async (_, failure) => {
    const world = creating([{ failAfter: failure }], { listLagMs: 4 * MINUTE });
    await submitted(world, 'a.jsonl');
    await world.rest();
    expect(creates(world)).toHaveLength(1);
  });

  it('nothing is sent while the list cannot be read', async () => {
    let isDown = true;
    const faults: Fault[] = [{ failBefore: new RetryableError('HTTP 429', { afterSeconds: 1 }) }];
    const world = withApi((api) =>
      withFaults(api, (method) => {
        if (method === 'createBatch') return faults.shift() ?? 'ok';
        const isList = method === 'listBatches' && isDown;
        return isList ? { failBefore: new RetryableError('HTTP 502', { afterSeconds: 60 }) } : 'ok';
      }),
    );
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.pass(3 * 60);
    expect(creates(world)).toEqual([]);
    isDown = false;
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('a cancel in between ends the part after the search has found nothing', async () => {
    const world = creating([{ failBefore: new RetryableError('HTTP 429', { afterSeconds: 60 }) }]);
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.cancel({ jobId });
    await world.rest();
    expect(creates(world)).toEqual([]);
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });

  it('a cancel in between cancels the batch that the search finds', async () => {
    const failure = new RetryableError('HTTP 429', { afterSeconds: 60 });
    const world = creating([{ failAfter: failure }], { fate: () => ({ runningMs: HOUR }) });
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.cancel({ jobId });
    await world.rest();
    expect(world.api.audit().cancels).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('cancelled');
  });
});

describe('unresolved creates', () => {
  it('stall the part at the second one, and nothing is sent before a person releases it', async () => {
    const world = creating(lost(2));
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.pass(24 * 60);
    expect(onlyPart(world, jobId)).toMatchObject({
      phase: 'stalled',
      stalled: { code: 'create_uncertain' },
      abandoned: [{}, {}],
    });
    expect(world.api.audit().uploads).toHaveLength(2);
    // The alarm counts within an hour.
    expect(world.metrics.of('CreateUncertain').length).toBeGreaterThanOrEqual(22);
    await release(world, jobId);
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('may have one more after each release', async () => {
    const world = creating(lost(4));
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    for (const uploads of [2, 3, 4]) {
      await world.pass(4 * 60);
      expect(onlyPart(world, jobId)?.phase).toBe('stalled');
      expect(world.api.audit().uploads).toHaveLength(uploads);
      await release(world, jobId);
    }
    await world.rest();
    expect(creates(world)).toHaveLength(1);
  });

  it('count over all attempts of the part', async () => {
    const world = creating([LOST, 'ok', LOST], {
      fate: ({ nth }) => (nth === 1 ? { row: () => ({ statusCode: 500 }) } : {}),
    });
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.pass(5 * 60);
    expect(onlyPart(world, jobId)).toMatchObject({ phase: 'stalled', abandoned: [{}, {}], ran: [{}] });
    expect(creates(world)).toHaveLength(1);
  });

  it.each(['metadata', 'file'] as const)(
    'a batch that a person found resolves the create that its %s names, and no other',
    async (by) => {
      const faults = lost(2);
      let shown: Partial<ObservedBatch> = {};
      const world = withApi((api) =>
        withMethods(api, {
          createBatch: withFaults(api, () => faults.shift() ?? 'ok').createBatch,
          retrieveBatch: async (...asked) => ({ ...(await api.retrieveBatch(...asked)), ...shown }),
        }),
      );
      const [jobId = ''] = await submitted(world, 'a.jsonl');
      await world.pass(24 * 60);
      const [first, second] = onlyPart(world, jobId)?.abandoned ?? [];
      const { intentId = '', fileId = '' } = first ?? {};
      const batchId = await batchOf(world);
      shown =
        by === 'metadata'
          ? { metadata: { batchdrop_job: jobId, batchdrop_part: '1', batchdrop_intent: intentId } }
          : { inputFileId: fileId };
      for (const part of world.parts(jobId))
        await changePart(world.ports, part, (known) =>
          known.phase === 'stalled'
            ? { ...without(known, 'backoffUntil', 'dispatchedUntil'), adopt: { batchId } }
            : undefined,
        );
      await world.rest();
      expect(onlyPart(world, jobId)).toMatchObject({ intent: { id: intentId }, batch: { batchId } });
      expect(onlyPart(world, jobId)?.abandoned).toEqual([second]);
      expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    },
  );

  it('do not prevent a cancel from ending a stalled part', async () => {
    const world = creating(lost(2));
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    await world.pass(2 * 60);
    await world.cancel({ jobId });
    await world.rest();
    expect(creates(world)).toEqual([]);
    expect(world.job(jobId)).toMatchObject({ status: 'cancelled', rows: { total: 2, cancelled: 2 } });
    expect(onlyPart(world, jobId)).not.toHaveProperty('stalled');
  });
});

describe('while a part of the account is stalled', () => {
  it('no part of the account begins again by itself', async () => {
    const world = creating(lost(3));
    const [first = ''] = await submitted(world, 'a.jsonl');
    await world.pass(24); // it was abandoned once, and sent again
    expect(onlyPart(world, first)).toMatchObject({ phase: 'creating', abandoned: [{}] });
    const [second = ''] = await submitted(world, 'b.jsonl');
    await world.pass(5 * 60);
    expect(onlyPart(world, first)?.phase).toBe('stalled');
    expect(onlyPart(world, second)).toMatchObject({ phase: 'ready', abandoned: [{}] });
    expect(world.api.audit()).toMatchObject({ uploads: [{}, {}, {}], creates: [] });
    await release(world, first);
    await world.rest();
    expect(world.jobStatuses(first).at(-1)).toBe('completed');
    expect(world.jobStatuses(second).at(-1)).toBe('completed');
  });

  it('creates are sent one at a time until one gets a response', async () => {
    const sent: number[] = [];
    let isDown = true;
    const world: SmallWorld = withApi((api) =>
      withMethods(api, {
        async createBatch(request, signal) {
          sent.push(world.clock.now());
          if (isDown) throw new Ambiguous('no answer came');
          return api.createBatch(request, signal);
        },
      }),
    );
    await submitted(world, 'a.jsonl');
    await world.pass(60);
    expect(sent).toHaveLength(2);
    const jobs = await submitted(world, 'b.jsonl', 'c.jsonl', 'd.jsonl');
    await world.pass(8);
    expect(sent).toHaveLength(3);
    isDown = false;
    await world.pass(60);
    expect(sent.length).toBeGreaterThanOrEqual(5);
    expect(
      jobs.filter((jobId) => world.jobStatuses(jobId).includes('submitted')).length,
    ).toBeGreaterThanOrEqual(2);
  });
});

describe('a batch that only the response to its create showed', () => {
  /** The response to the create has another id than the one under which the API then knows the batch. */
  const wrongId = (api: BatchApi) =>
    withMethods(api, {
      async createBatch(request, signal) {
        return { ...(await api.createBatch(request, signal)), batchId: 'batch_wrong' };
      },
    });

  it('is searched for when the API does not know it, and found by our intent', async () => {
    const world = withApi(wrongId);
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    for (let minute = 0; minute < 30; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll().catch(() => undefined); // an unknown batch
      await world.work();
    }
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    expect(onlyPart(world, jobId)).toMatchObject({ batch: { batchId: 'batch_000001' }, abandoned: [] });
  });

  it('counts as an unresolved create when it is not found', async () => {
    let isFirst = true;
    const world = withApi((api) =>
      withMethods(api, {
        async createBatch(request, signal) {
          if (!isFirst) return api.createBatch(request, signal);
          isFirst = false;
          const { inputFileId, endpoint, metadata } = request;
          const batchId = 'batch_nowhere';
          return {
            batchId,
            status: 'validating',
            inputFileId,
            endpoint,
            metadata,
            errors: [],
            errorCount: 0,
          };
        },
      }),
    );
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    for (let minute = 0; minute < 120; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll().catch(() => undefined);
      await world.work();
    }
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(onlyPart(world, jobId)?.abandoned).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('is adopted when the API knows it again, although its list never shows it', async () => {
    let forgets = true;
    const world = withApi((api) =>
      withMethods(api, {
        async retrieveBatch(batchId) {
          if (forgets) throw new TerminalError('not_found', `retrieve ${batchId}: HTTP 404`);
          return api.retrieveBatch(batchId);
        },
        listBatches: async (query) => ({ ...(await api.listBatches(query)), batches: [] }),
      }),
    );
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    for (let minute = 0; minute < 10; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll().catch(() => undefined);
      await world.work();
    }
    expect(onlyPart(world, jobId)?.phase).toBe('creating');
    forgets = false;
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(onlyPart(world, jobId)).toMatchObject({ abandoned: [], phase: 'delivered' });
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
  });

  it('continues with its statuses when the API knows it again, and no event is repeated with other content', async () => {
    let forgets = true;
    const world = withApi((api) =>
      withMethods(api, {
        async retrieveBatch(batchId) {
          if (forgets) throw new TerminalError('not_found', `retrieve ${batchId}: HTTP 404`);
          return api.retrieveBatch(batchId);
        },
        async listBatches(query) {
          const page = await api.listBatches(query);
          return forgets ? { ...page, batches: [] } : page;
        },
      }),
    );
    const [jobId = ''] = await submitted(world, 'a.jsonl');
    for (let minute = 0; minute < 50; minute += 1) {
      world.clock.advance(MINUTE);
      await world.poll().catch(() => undefined);
      await world.work();
    }
    expect(onlyPart(world, jobId)?.phase).toBe('creating');
    forgets = false;
    await world.rest();
    expect(creates(world)).toHaveLength(1);
    expect(world.jobStatuses(jobId).at(-1)).toBe('completed');
    const ids = world.bus.published().map(({ detail }) => detail.metadata.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(world.batchStatuses()[0]).toBe('validating');
  });
});
