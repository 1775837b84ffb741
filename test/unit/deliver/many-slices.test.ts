import { expect, it } from 'vitest';
import { nextAttempt } from '../../../functions/deliver/part/next-attempt.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { KnownBatch, Part, PartIn } from '../../../functions/shared/domain/part.ts';
import {
  nextPage,
  type PastAttempts,
  wholePart,
  withoutPage,
} from '../../../functions/shared/domain/spending/past-attempts.ts';
import { filesOfEarlier } from '../../../functions/shared/lifecycle/spending/files-at-api.ts';
import type { BatchApi, Ledger } from '../../../functions/shared/ports/ports.ts';
import { aBatch, aPart, DELIVERED, NOON } from '../../contracts/samples.ts';
import { fileOf, SmallWorld, withMethods } from '../small-world.ts';

const SAID = 'Enqueued token limit reached for gpt-4o-mini. Limit: 40 enqueued tokens.';
const LONG = 'gateway-'.repeat(40); // ids of more than 328 characters

/** The API behind a gateway whose ids are long. */
function withLongIds(api: BatchApi): BatchApi {
  const long = (id: string) => `${LONG}${id}`;
  const short = (id: string) => id.slice(LONG.length);
  const shown = (batch: KnownBatch): KnownBatch => ({
    ...batch,
    batchId: long(batch.batchId),
    inputFileId: long(batch.inputFileId),
    ...(batch.outputFileId === undefined ? {} : { outputFileId: long(batch.outputFileId) }),
    ...(batch.errorFileId === undefined ? {} : { errorFileId: long(batch.errorFileId) }),
  });
  return withMethods(api, {
    uploadFile: async (...args) => {
      const file = await api.uploadFile(...args);
      return { ...file, fileId: long(file.fileId) };
    },
    createBatch: async (request, signal) =>
      shown(
        (await api.createBatch(
          { ...request, inputFileId: short(request.inputFileId) },
          signal,
        )) as KnownBatch,
      ),
    retrieveBatch: async (batchId) => shown((await api.retrieveBatch(short(batchId))) as KnownBatch),
    listBatches: async ({ after, limit }) => {
      const page = await api.listBatches({ limit, ...(after === undefined ? {} : { after: short(after) }) });
      const next = page.next === undefined ? {} : { next: long(page.next) };
      return { ...page, batches: page.batches.map((batch) => shown(batch as KnownBatch)), ...next };
    },
    fileBytes: (fileId) => api.fileBytes(short(fileId)),
    readFile: (fileId) => api.readFile(short(fileId)),
    deleteFile: (fileId) => api.deleteFile(short(fileId)),
  });
}

/**
 * Returns a world whose API states a limit of one row at the first create. The world measures the parts that are
 * written.
 */
function worldInSlices(replaced: (ledger: Ledger) => Partial<Ledger> = () => ({})) {
  let refused = 0;
  let largest = 0;
  const world: SmallWorld = new SmallWorld({
    fate: () => ({ validatingMs: 1, runningMs: 1, finalizingMs: 1 }),
    replaced: ({ api, ledger }) => ({
      api: withMethods(withLongIds(api), {
        createBatch: async (...args) => {
          refused += 1;
          if (refused === 1) throw new RetryableError('refused', { waitsFor: 'token_limit', said: SAID });
          return withLongIds(api).createBatch(...args);
        },
      }),
      ledger: {
        ...ledger,
        replacePart: (part) => {
          largest = Math.max(largest, JSON.stringify(part).length);
          return ledger.replacePart(part);
        },
        ...replaced(ledger),
      },
    }),
  });
  return { world, largest: () => largest };
}

const SLICES = 40;

it('a part that runs in slices keeps a small ledger item, and no information about its batches is lost', async () => {
  const { world, largest } = worldInSlices();
  const ids = Array.from({ length: SLICES }, (_, n) => `row-${n}`);
  const jobId = await world.drop('a.jsonl', fileOf(...ids));
  await world.rest();
  const created = world.api.audit().creates.map(({ batchId }) => `${LONG}${batchId}`);
  expect(created).toHaveLength(SLICES);
  expect(largest()).toBeLessThan(40_000); // 40 attempts with such ids would take 96,000 bytes in one item
  expect(world.job(jobId)).toMatchObject({
    status: 'completed',
    rows: { total: SLICES, succeeded: SLICES },
    usage: { totalTokens: expect.any(Number) },
    batches: { count: SLICES },
  });
  expect(world.lines(`${jobId}/output.jsonl`).map(({ custom_id: id }) => id)).toEqual(ids);
  const [part] = summaryOf(world, jobId).parts;
  expect(part.batches.map(({ batchId }: { batchId: string }) => batchId)).toEqual(created);
  expect(part.earlierBatchIds).toEqual(created.slice(0, -1));
  expect(world.api.files()).toEqual([]);
  await world.cancel({ batchId: created[0] });
  expect(world.bus.published().at(-1)?.detail.data).toMatchObject({
    outcome: 'too_late',
    status: 'completed',
  });
});

it('the pages of a part expire with it', async () => {
  const { world } = worldInSlices();
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 25 }, (_, n) => `row-${n}`)));
  await world.rest();
  const [part] = world.parts(jobId);
  expect(part?.pastPages).toBe(2);
  for (const page of [1, 2]) {
    const past = part && (await world.ledger.readPast(part, page));
    expect(past?.expiresAt).toBe(part?.expiresAt);
    const files = past ? filesOfEarlier(past).map(({ fileId }) => fileId) : [];
    expect(files.length).toBeGreaterThanOrEqual(20); // the inputs and outputs of ten batches
    expect(new Set(past?.deletedFiles)).toEqual(new Set(files)); // so none is deleted twice
  }
});

it('a page that another clean-up has just changed also expires with its part', async () => {
  let conflicts = 0;
  const { world } = worldInSlices((ledger) => ({
    replacePast: async (past) => {
      if (past.expiresAt === undefined || conflicts > 0) return ledger.replacePast(past);
      conflicts += 1;
      return false;
    },
  }));
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 14 }, (_, n) => `row-${n}`)));
  await world.rest();
  expect(conflicts).toBe(1);
  const [part] = world.parts(jobId);
  expect(part?.expiresAt).toBeDefined();
  const past = part && (await world.ledger.readPast(part, 1));
  expect(past?.expiresAt).toBe(part?.expiresAt);
});

it('an invocation that crashes after it wrote a page loses nothing', async () => {
  let deaths = 0;
  const { world } = worldInSlices((ledger) => ({
    createPast: async (past) => {
      const isNew = await ledger.createPast(past);
      deaths += 1;
      if (deaths < 3) throw new RetryableError('the answer is lost');
      return isNew;
    },
  }));
  const jobId = await world.drop('a.jsonl', fileOf(...Array.from({ length: 14 }, (_, n) => `row-${n}`)));
  await world.rest();
  expect(deaths).toBe(3);
  expect(summaryOf(world, jobId).parts[0].batches).toHaveLength(14);
  expect(world.parts(jobId)[0]).toMatchObject({ pastPages: 1 });
});

it('a part keeps what came to it after its page was written', () => {
  const file = (fileId: string) => ({ fileId, account: 'org' });
  const doubtful = (fileId: string) => ({ batchId: 'b', fileId, why: 'w' });
  const before = afterAttempt(aPart({ rows: 50_000, batch: aBatch({ status: 'completed' }) }), 1, 10);
  let part = before;
  for (let attempt = 2; attempt <= 10; attempt += 1) part = afterAttempt(part, attempt, 10);
  const page = nextPage(part);
  if (!page) throw new Error('the part has no page');
  const later = {
    ...part,
    ...{
      unusedFiles: [...(part.unusedFiles ?? []), file('late')],
      secondBatchIds: [...part.secondBatchIds, 'late'],
    },
    doubtfulFiles: [...(part.doubtfulFiles ?? []), doubtful('late')],
  };
  expect(withoutPage(later, page)).toMatchObject({
    ...{ pastPages: 1, ran: [], earlierBatchIds: [], secondBatchIds: ['late'] },
    ...{ unusedFiles: [file('late')], doubtfulFiles: [doubtful('late')] },
  });
  const moved = withoutPage(part, page);
  expect(moved).not.toHaveProperty('unusedFiles');
  expect(moved).not.toHaveProperty('doubtfulFiles');
  expect(moved && withoutPage(moved, page)).toBeUndefined(); // it was moved already
});

it.each([30, 1_000])('2,000 attempts with ids of %i characters never fill an item', (length) => {
  let part = aPart({ rows: 50_000, batch: aBatch({ status: 'completed' }) });
  const pages: PastAttempts[] = [];
  let largest = 0;
  for (let attempt = 1; attempt <= 2_000; attempt += 1) {
    part = afterAttempt(part, attempt, length);
    const page = nextPage(part);
    if (page) {
      pages.push(page);
      part = withoutPage(part, page) ?? part;
      largest = Math.max(largest, JSON.stringify(page).length);
    }
    largest = Math.max(largest, JSON.stringify(part).length);
  }
  expect(largest).toBeLessThan(length === 30 ? 20_000 : 200_000);
  const whole = wholePart(part, pages);
  expect(whole.ran).toHaveLength(2_000);
  expect(whole.earlierBatchIds).toEqual(whole.ran.map(({ batch }) => batch.batchId));
  expect(whole.secondBatchIds).toHaveLength(2_000);
  expect(whole.doubtfulFiles).toHaveLength(2_000);
  expect(whole.unusedFiles).toHaveLength(2_000);
});

/** Returns the part after a slice in which everything that leaves a trace went wrong. */
function afterAttempt(part: Part, attempt: number, length: number): Part {
  const id = (kind: string) => `${kind}_${attempt}_`.padEnd(length, 'x');
  const batch = aBatch({
    batchId: id('batch'),
    inputFileId: id('in'),
    outputFileId: id('out'),
    errorFileId: id('err'),
    status: 'completed',
  });
  const sent = { id: `intent-${attempt}`, at: NOON, fileId: id('in'), sendBy: NOON, account: 'org' };
  const ended = {
    ...part,
    phase: 'batch_ended',
    batch,
    intent: sent,
    rev: 1,
    publishedRev: 1,
  } as PartIn<'batch_ended'>;
  const next = nextAttempt(ended, DELIVERED, { rows: 1, uploadBytes: 100 });
  return {
    ...next,
    secondBatchIds: [...next.secondBatchIds, id('second')],
    doubtfulFiles: [...(next.doubtfulFiles ?? []), { batchId: id('batch'), fileId: id('out'), why: 'why' }],
    unusedFiles: [...(next.unusedFiles ?? []), { fileId: id('unused'), account: 'org' }],
  };
}

function summaryOf(world: SmallWorld, jobId: string) {
  const found = [...world.results.objects()].find(([key]) => key.endsWith(`${jobId}/summary.json`));
  return JSON.parse(Buffer.from(found?.[1].body ?? '').toString());
}
