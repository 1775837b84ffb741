import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasEnded } from '../../../functions/shared/contract/batch-status.ts';
import { RetryableError } from '../../../functions/shared/domain/errors.ts';
import type { ObservedBatch } from '../../../functions/shared/domain/part.ts';
import type { BatchApi } from '../../../functions/shared/ports/ports.ts';

/** An empty Batch API. */
export interface BatchApiUnderTest {
  api: BatchApi;
  /** Lets enough time pass for a batch to reach its next status. */
  letTimePass(): Promise<void>;
  close(): Promise<void>;
}

/** What the API behind the port cannot do. Each limit has a name, so that a skipped assertion is visible. */
export interface ApiLimits {
  /** It creates batches for files that it does not have. */
  ignoresMissingFiles?: true;
  /** A cancelled batch has no result files. */
  noPartialResults?: true;
}

const NEVER = new AbortController().signal;
const ENDPOINT = '/v1/chat/completions';

/** The contract of every Batch API behind our port. */
export function describeBatchApiContract(
  name: string,
  make: () => Promise<BatchApiUnderTest>,
  limits: ApiLimits = {},
): void {
  describe(`${name} as a Batch API`, () => {
    let made: BatchApiUnderTest;
    beforeEach(async () => {
      made = await make();
    });
    afterEach(() => made.close());

    itKeepsFiles(() => made.api, limits);
    itRunsBatches(() => made);
    itLists(() => made.api);
    itCancels(() => made, limits);
  });
}

function itKeepsFiles(api: () => BatchApi, limits: ApiLimits): void {
  it('returns the bytes of a file, and their number', async () => {
    const { fileId, account } = await upload(api(), rows('a', 'ü🙂'));
    expect(account).not.toBe('');
    expect(await api().fileBytes(fileId)).toBe(Buffer.byteLength(rows('a', 'ü🙂')));
    expect(await textOf(api().readFile(fileId))).toBe(rows('a', 'ü🙂'));
  });

  it('refuses a file that is shorter or longer than announced', async () => {
    for (const bytes of [3, 5]) {
      const body = inPieces('1234');
      await expect(api().uploadFile({ name: 'part.jsonl', bytes, body }, NEVER)).rejects.toThrow(
        String(bytes),
      );
    }
  });

  it('throws the error of a source that breaks off', async () => {
    const broken = new RetryableError('the source broke off');
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('{"custom');
      throw broken;
    }
    await expect(api().uploadFile({ name: 'part.jsonl', bytes: 100, body: body() }, NEVER)).rejects.toBe(
      broken,
    );
  });

  it('reports a deleted file as gone in every call', async () => {
    const { fileId, account } = await upload(api(), rows('a'));
    expect(await api().deleteFile(fileId)).toEqual({ was: 'deleted', account });
    expect(await api().deleteFile(fileId)).toEqual({ was: 'gone', account });
    await expect(api().fileBytes(fileId)).rejects.toMatchObject({ name: 'TerminalError', code: 'file_gone' });
    await expect(textOf(api().readFile(fileId))).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'file_gone',
    });
    if (limits.ignoresMissingFiles) return;
    // Whatever the API says, the file may only be not visible yet.
    await expect(create(api(), fileId)).rejects.toMatchObject({ waitsFor: 'not_visible' });
  });

  it('sends nothing if it was aborted earlier', async () => {
    const { fileId } = await upload(api(), rows('a'));
    const request = { inputFileId: fileId, endpoint: ENDPOINT, completionWindow: '24h', metadata: {} };
    await expect(api().createBatch(request, AbortSignal.abort())).rejects.toBeInstanceOf(RetryableError);
    const bytes = Buffer.byteLength(rows('a'));
    const file = { name: 'part.jsonl', bytes, body: inPieces(rows('a')) };
    await expect(api().uploadFile(file, AbortSignal.abort())).rejects.toBeInstanceOf(RetryableError);
    expect((await api().listBatches({ limit: 10 })).batches).toEqual([]);
  });
}

function itRunsBatches(made: () => BatchApiUnderTest): void {
  it('returns a new batch as requested, and the same batch when it is retrieved', async () => {
    const { api } = made();
    const { fileId } = await upload(api, rows('a'));
    const metadata = { batchdrop_intent: 'intent1', team: 'search' };
    const created = await api.createBatch(
      { inputFileId: fileId, endpoint: ENDPOINT, completionWindow: '24h', metadata },
      NEVER,
    );
    expect(created).toMatchObject({
      status: 'validating',
      endpoint: ENDPOINT,
      inputFileId: fileId,
      metadata,
    });
    expect(created).toMatchObject({ errors: [], errorCount: 0, createdAt: expect.any(Number) });
    for (const unset of ['outputFileId', 'errorFileId', 'endedAt', 'usage']) {
      expect(created).not.toHaveProperty(unset);
    }
    const { batchId, createdAt } = await api.retrieveBatch(created.batchId);
    expect({ batchId, createdAt }).toEqual({ batchId: created.batchId, createdAt: created.createdAt });
  });

  it('runs every row of a batch and writes its line to the output file', async () => {
    const { api } = made();
    const ids = Array.from({ length: 20 }, (_, row) => `row-${row}`);
    const { fileId } = await upload(api, rows(...ids));
    const { batchId } = await create(api, fileId);
    const ended = await untilEnded(made(), batchId);
    expect(ended).toMatchObject({ status: 'completed', counts: { total: 20, completed: 20, failed: 0 } });
    expect(ended.endedAt).toBeGreaterThanOrEqual(ended.createdAt ?? Number.NaN);
    expect(ended.errorFileId).toBeUndefined();
    const lines = linesOf(await textOf(api.readFile(ended.outputFileId ?? '')));
    expect(lines.map(({ custom_id }) => custom_id).sort()).toEqual(ids.sort());
  });

  it('refuses to retrieve a batch that it does not know', async () => {
    await expect(made().api.retrieveBatch('batch_nobody')).rejects.toMatchObject({ code: 'not_found' });
  });
}

function itLists(api: () => BatchApi): void {
  it('lists batches newest first, page by page, with the account of the upload', async () => {
    const { fileId, account } = await upload(api(), rows('a'));
    const created: string[] = [];
    for (let n = 0; n < 5; n += 1) created.unshift((await create(api(), fileId)).batchId);

    const first = await api().listBatches({ limit: 2 });
    expect(first.batches.map(({ batchId }) => batchId)).toEqual(created.slice(0, 2));
    expect(first).toMatchObject({ hasMore: true, account });
    const rest = await api().listBatches({ limit: 100, after: created[1] ?? '' });
    expect(rest.batches.map(({ batchId }) => batchId)).toEqual(created.slice(2));
    expect(rest.hasMore).toBe(false);
    const exact = await api().listBatches({ limit: 3, after: created[1] ?? '' });
    expect(exact).toMatchObject({ hasMore: false, batches: { length: 3 } });
    expect(await api().listBatches({ limit: 3, after: created[4] ?? '' })).toMatchObject({ batches: [] });
  });
}

function itCancels(made: () => BatchApiUnderTest, limits: ApiLimits): void {
  it('cancels an open batch, and a repeated cancel has no further effect', async () => {
    const { api } = made();
    const { fileId } = await upload(api, rows('a', 'b', 'c'));
    const { batchId } = await create(api, fileId);
    await until(made(), batchId, (status) => status !== 'validating');
    expect(await api.cancelBatch(batchId)).toMatchObject({ batchId, status: 'cancelling' });
    const ended = await untilEnded(made(), batchId);
    expect(ended.status).toBe('cancelled');
    if (limits.noPartialResults) return;
    expect(await api.cancelBatch(batchId)).toMatchObject({ batchId, status: 'cancelled' });
    const files = [ended.outputFileId, ended.errorFileId].filter((id) => id !== undefined);
    const texts = await Promise.all(files.map((id) => textOf(api.readFile(id))));
    const ids = texts.flatMap(linesOf).map(({ custom_id }) => custom_id);
    expect(ids.sort()).toEqual(['a', 'b', 'c']);
  });

  it('returns "too_late" for a completed batch, and "unknown" for one that does not exist', async () => {
    const { api } = made();
    const { fileId } = await upload(api, rows('a'));
    const { batchId } = await create(api, fileId);
    await untilEnded(made(), batchId);
    expect(await api.cancelBatch(batchId)).toBe('too_late');
    expect((await api.retrieveBatch(batchId)).status).toBe('completed');
    expect(await api.cancelBatch('batch_nobody')).toBe('unknown');
  });
}

function rows(...customIds: string[]): string {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] };
  return customIds
    .map((custom_id) => `${JSON.stringify({ custom_id, method: 'POST', url: ENDPOINT, body })}\n`)
    .join('');
}

function upload(api: BatchApi, text: string): ReturnType<BatchApi['uploadFile']> {
  const bytes = Buffer.byteLength(text);
  return api.uploadFile({ name: 'part-1.jsonl', bytes, body: inPieces(text) }, NEVER);
}

function create(api: BatchApi, inputFileId: string): ReturnType<BatchApi['createBatch']> {
  return api.createBatch({ inputFileId, endpoint: ENDPOINT, completionWindow: '24h', metadata: {} }, NEVER);
}

function untilEnded(made: BatchApiUnderTest, batchId: string): Promise<ObservedBatch> {
  return until(made, batchId, hasEnded);
}

async function until(
  made: BatchApiUnderTest,
  batchId: string,
  reached: (status: string) => boolean,
): Promise<ObservedBatch> {
  for (let steps = 0; steps < 500; steps += 1) {
    const batch = await made.api.retrieveBatch(batchId);
    if (reached(batch.status)) return batch;
    await made.letTimePass();
  }
  throw new Error(`${batchId} does not reach its next status`);
}

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 100) yield Uint8Array.from(bytes.subarray(at, at + 100));
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function linesOf(text: string): { custom_id: string }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { custom_id: string });
}
