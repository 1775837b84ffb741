import { describe, expect, it } from 'vitest';
import { Ambiguous, RetryableError } from '../../functions/shared/domain/errors.ts';
import { type Fault, withFaults } from '../fakes/faulty.ts';
import { createInMemoryBatchApi, type InMemoryBatchApiOptions } from '../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createInMemoryResults } from '../fakes/in-memory-results.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { aJob, anEvent, NOON } from './samples.ts';
import { bytesOf } from './storage/bytes.ts';

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

/** Returns an API with one uploaded file of ten rows. */
async function anApi(options: Partial<InMemoryBatchApiOptions> = {}) {
  const clock = new ManualClock(NOON);
  const api = createInMemoryBatchApi({ clock, seed: 1, ...options });
  const text = Array.from({ length: 10 }, (_, n) => `{"custom_id":"row-${n}"}\n`).join('');
  const body = (async function* () {
    yield Buffer.from(text);
  })();
  const { fileId } = await api.uploadFile({ name: 'part.jsonl', bytes: text.length, body }, NEVER);
  const create = () =>
    api.createBatch(
      { inputFileId: fileId, endpoint: '/v1/embeddings', completionWindow: '24h', metadata: {} },
      NEVER,
    );
  const idsIn = async (file: string | undefined): Promise<string[]> => {
    if (file === undefined) return [];
    const lines = (await bytesOf(api.readFile(file))).toString().trimEnd().split('\n');
    return lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
  };
  return { clock, api, fileId, create, idsIn };
}

describe('a batch of the fake API', () => {
  it('goes through its statuses in order, and its counts grow', async () => {
    const { clock, api, create } = await anApi();
    const { batchId } = await create();
    const seen: string[] = [];
    let counted = 0;
    for (let step = 0; step < 40; step += 1) {
      const { status, counts } = await api.retrieveBatch(batchId);
      if (seen.at(-1) !== status) seen.push(status);
      expect(counts?.completed).toBeGreaterThanOrEqual(counted);
      counted = counts?.completed ?? 0;
      clock.advance(10_000);
    }
    expect(seen).toEqual(['validating', 'in_progress', 'finalizing', 'completed']);
    expect(counted).toBe(10);
  });

  it('bills each row that ran once, and no other row', async () => {
    const { clock, api, create } = await anApi();
    const { batchId } = await create();
    clock.advance(30_000 + 150_000);
    await api.cancelBatch(batchId);
    clock.advance(HOUR_MS);
    const billed = api.audit().billed.map(({ customId }) => customId);
    expect(billed).toHaveLength(5);
    expect(new Set(billed).size).toBe(5);
    expect(api.audit()).toMatchObject({ creates: [{ batchId }], cancels: [{ batchId }] });
  });

  it('expires after a day with the results so far', async () => {
    const { clock, api, create, idsIn } = await anApi({ fate: () => ({ runningMs: 48 * HOUR_MS }) });
    const { batchId } = await create();
    clock.advance(24 * HOUR_MS - 1);
    expect((await api.retrieveBatch(batchId)).status).toBe('in_progress');
    clock.advance(1);
    const ended = await api.retrieveBatch(batchId);
    expect(ended.status).toBe('expired');
    expect(await idsIn(ended.outputFileId)).toHaveLength(4);
    expect(await idsIn(ended.errorFileId)).toHaveLength(6);
  });

  it('fails with the errors of its `fate`, and has no files', async () => {
    const error = {
      code: 'token_limit_exceeded',
      message: 'Enqueued token limit reached',
      param: null,
      line: null,
    };
    const { clock, api, create } = await anApi({
      fate: ({ nth }) => (nth === 1 ? { failure: [error] } : {}),
    });
    const first = await create();
    const second = await create();
    clock.advance(HOUR_MS);
    const failed = await api.retrieveBatch(first.batchId);
    expect(failed).toMatchObject({ status: 'failed', errors: [error], errorCount: 1 });
    expect(failed).not.toHaveProperty('errorFileId');
    expect((await api.retrieveBatch(second.batchId)).status).toBe('completed');
  });

  it('can fail or lose single rows, and have no output at all', async () => {
    const row = (customId: string) => (customId === 'row-3' ? 'missing' : 'failed');
    const { clock, api, create, idsIn } = await anApi({ fate: () => ({ row }) });
    const { batchId } = await create();
    clock.advance(HOUR_MS);
    const ended = await api.retrieveBatch(batchId);
    expect(ended).toMatchObject({ status: 'completed', counts: { failed: 9 } });
    expect(ended).not.toHaveProperty('outputFileId');
    expect(await idsIn(ended.errorFileId)).toHaveLength(9);
    expect(api.audit().billed).toEqual([]);
  });

  it('returns its lines in another order than its rows, the same order for the same seed', async () => {
    const orderOf = async (seed: number) => {
      const { clock, api, create, idsIn } = await anApi({ seed });
      const { batchId } = await create();
      clock.advance(HOUR_MS);
      return idsIn((await api.retrieveBatch(batchId)).outputFileId);
    };
    expect(await orderOf(1)).toEqual(await orderOf(1));
    expect(await orderOf(1)).not.toEqual(await orderOf(2));
    expect(await orderOf(1)).not.toEqual([...(await orderOf(1))].sort());
  });

  it('completes when a cancel arrives while it is finalizing', async () => {
    const { clock, api, create } = await anApi();
    const { batchId } = await create();
    clock.advance(330_000);
    expect((await api.cancelBatch(batchId)) as object).toMatchObject({ status: 'cancelling' });
    clock.advance(30_000);
    expect((await api.retrieveBatch(batchId)).status).toBe('completed');
  });

  it('fails when its file is deleted before its validation, and not after', async () => {
    const { clock, api, fileId, create } = await anApi();
    const early = await create();
    clock.advance(60_000);
    const late = await create();
    await api.deleteFile(fileId);
    clock.advance(HOUR_MS);
    expect((await api.retrieveBatch(early.batchId)).status).toBe('completed');
    expect((await api.retrieveBatch(late.batchId)).status).toBe('failed');
  });
});

describe('the fake API', () => {
  it('may create a batch late, after a lost response, but not if the file has been deleted', async () => {
    for (const deleted of [false, true]) {
      const { clock, api, fileId, create } = await anApi({ lateByMs: () => 60_000 });
      await expect(create()).rejects.toBeInstanceOf(Ambiguous);
      expect((await api.listBatches({ limit: 10 })).batches).toEqual([]);
      if (deleted) await api.deleteFile(fileId);
      clock.advance(60_000);
      expect((await api.listBatches({ limit: 10 })).batches).toHaveLength(deleted ? 0 : 1);
      expect(api.audit().creates).toHaveLength(deleted ? 0 : 1);
    }
  });

  it('may list a batch later than it can be retrieved', async () => {
    const { clock, api, create } = await anApi({ listLagMs: 30_000 });
    const { batchId } = await create();
    clock.advance(29_999);
    expect((await api.listBatches({ limit: 10 })).batches).toEqual([]);
    expect((await api.retrieveBatch(batchId)).batchId).toBe(batchId);
    clock.advance(1);
    expect((await api.listBatches({ limit: 10 })).batches).toHaveLength(1);
  });

  it('shows an account nothing of another account', async () => {
    let account = 'ours';
    const { api, fileId, create } = await anApi({ account: () => account });
    const { batchId } = await create();
    account = 'theirs';
    expect(await api.listBatches({ limit: 10 })).toMatchObject({
      batches: [],
      hasMore: false,
      account: 'theirs',
    });
    expect(await api.cancelBatch(batchId)).toBe('unknown');
    await expect(api.fileBytes(fileId)).rejects.toMatchObject({ code: 'file_gone' });
  });
});

describe('a port with faults', () => {
  const fault = new RetryableError('on demand');

  it('fails before its effect, fails after it, or is delayed', async () => {
    const ledger = createInMemoryLedger({ clock: new ManualClock(NOON) });
    let next: Fault = { failBefore: fault };
    const faulty = withFaults(ledger, () => next);
    await expect(faulty.createJob(aJob())).rejects.toBe(fault);
    expect(ledger.jobs()).toEqual([]);
    next = { failAfter: fault };
    await expect(faulty.createJob(aJob())).rejects.toBe(fault);
    expect(ledger.jobs()).toEqual([aJob()]);
    let waited = false;
    next = {
      delay: async () => {
        waited = true;
      },
    };
    expect(await faulty.replaceJob(aJob())).toBe(true);
    expect(waited).toBe(true);
    next = 'ok';
    expect((await faulty.readJob(aJob().jobId))?.version).toBe(2);
  });

  it('fails before the first byte of a stream, or in the middle', async () => {
    const results = createInMemoryResults();
    await results.put('key', 'x'.repeat(40_000), 'text/plain');
    let got = 0;
    const read = async (next: Fault) => {
      got = 0;
      for await (const piece of withFaults(results, () => next).read('key')) got += piece.length;
    };
    await expect(read({ failBefore: fault })).rejects.toBe(fault);
    expect(got).toBe(0);
    await expect(read({ failAfter: fault })).rejects.toBe(fault);
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThan(40_000);
    await read('ok');
    expect(got).toBe(40_000);
  });

  it('fails in a writer, and passes on the names of its methods', async () => {
    const results = createInMemoryResults();
    const asked: string[] = [];
    const faulty = withFaults(results, (method) => {
      asked.push(method);
      return method === 'openWriter.close' ? { failAfter: fault } : 'ok';
    });
    const writer = faulty.openWriter('key', 'text/plain');
    await writer.write(Buffer.from('text'));
    await expect(writer.close()).rejects.toBe(fault);
    expect(await results.size('key')).toBe(4);
    expect(asked).toEqual(['openWriter.write', 'openWriter.close']);
  });

  it('of the bus refuses single events and accepts the others', async () => {
    const bus = createRecordingBus({ refuses: ({ detail }) => detail.metadata.id === 'b' });
    expect(await bus.publish([anEvent('a'), anEvent('b')])).toEqual({ refused: ['b'] });
    expect(bus.published()).toEqual([anEvent('a')]);
  });
});
