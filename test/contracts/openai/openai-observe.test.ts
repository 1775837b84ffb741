import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { observeBatches } from '../../../functions/poll/observation/observe-batches.ts';
import { createOpenAiBatchApi } from '../../../functions/shared/adapters/openai/batch-api.ts';
import type { OpenBatch } from '../../../functions/shared/domain/open-batch.ts';
import { startBatchApi } from '../../../local/openai/server.ts';
import { inWaves } from '../../fakes/call-waves.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { createRecordingLog } from '../../fakes/recording-log.ts';
import { fileOf, withMethods } from '../../unit/small-world.ts';
import { NOON } from '../samples.ts';

const NEVER = new AbortController().signal;

const BATCHES = 1_000;

let account: Awaited<ReturnType<typeof openAccount>>;

beforeAll(async () => {
  account = await openAccount();
});

afterAll(() => account?.close());

/** Returns an account of the local Batch API server over HTTP, with its batches. */
async function openAccount() {
  const clock = new ManualClock(NOON);
  const directory = await mkdtemp(join(tmpdir(), 'batch-api-'));
  const timing = { validating: () => 20 * 3_600_000 };
  const server = await startBatchApi({ directory, clock, port: 0, seed: 1, timing });
  const key = async () => ({ apiKey: 'sk-local' });
  const api = createOpenAiBatchApi({
    baseUrl: server.url,
    keys: { current: key, refresh: key },
  });
  const body = Buffer.from(fileOf('r1'));
  const pieces = (async function* () {
    yield body;
  })();
  const { fileId, account } = await api.uploadFile(
    { name: 'a.jsonl', bytes: body.length, body: pieces },
    NEVER,
  );
  const batches: OpenBatch[] = [];
  for (let n = 0; n < BATCHES; n += 1) {
    clock.advance(1_800); // 2,000 per hour, as the server allows
    const endpoint = '/v1/chat/completions';
    const request = { inputFileId: fileId, endpoint, completionWindow: '24h', metadata: {} };
    const { batchId, createdAt = Number.NaN, status } = await api.createBatch(request, NEVER);
    batches.push({ batchId, createdAt, status, account, model: 'm', uploadBytes: 9, jobCreatedAt: 0 });
  }
  const close = async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { api, clock, batches, close };
}

/** Observes the batches of the account, of which every n-th is ours. */
async function observed(everyNth: number) {
  const { api, clock, batches } = account;
  const open = batches.filter((_, n) => n % everyNth === 0);
  const counted = inWaves(api);
  const seen = new Set<string>();
  const took = await observeBatches(
    { api: withMethods(api, counted.api), clock, log: createRecordingLog() },
    open,
    { rotation: 0, first: [] },
    {
      isOver: () => false,
      seen: async ({ batchId }, now) => void (now.batchId === batchId && seen.add(batchId)),
      seenSecond: async ({ batchId }) => {
        throw new Error(`no batch is a second one of ${batchId}`);
      },
      failed: async (_, failure) => {
        throw failure;
      },
    },
  );
  return { seen, took, waves: counted.waves };
}

it('the local server over HTTP: 1,000 contiguous batches take at most 11 calls in 3 round trips', async () => {
  const { seen, took, waves } = await observed(1);
  expect(seen.size).toBe(1_000);
  expect(took.calls).toBeLessThanOrEqual(11);
  expect(waves).toBeLessThanOrEqual(3);
});

it('the local server over HTTP: 100 batches among 900 of others take at most 30 calls', async () => {
  const { seen, took } = await observed(10);
  expect(seen.size).toBe(100);
  expect(took.calls).toBeLessThanOrEqual(30);
});
