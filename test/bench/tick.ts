/** Observes this many open batches, at 100 ms per call, in one of two ways, as a child of `tick-figures.ts`. */

import { setTimeout as pause } from 'node:timers/promises';
import { reconcile } from '../../functions/poll/reconcile.ts';
import { PriceList } from '../../functions/shared/domain/money/price-list.ts';
import { inParallel } from '../../functions/shared/lifecycle/in-parallel.ts';
import type { BatchApi } from '../../functions/shared/ports/ports.ts';
import { aPart } from '../contracts/samples.ts';
import { createInMemoryBatchApi } from '../fakes/in-memory-batch-api.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../fakes/recording-queues.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';
import { report } from './in-child.ts';

const [way = '', open = ''] = process.argv.slice(2);
const LATENCY_MS = 100;
const NEVER = new AbortController().signal;

const clock = new ManualClock();
const ledger = createInMemoryLedger({ clock });
const simulated = createInMemoryBatchApi({ clock, seed: 1, fate: () => ({ validatingMs: 20 * 3_600_000 }) });
const ids: string[] = [];
await openBatches();

let calls = 0;
const later = async <T>(answer: () => Promise<T>): Promise<T> => {
  calls += 1;
  await pause(LATENCY_MS);
  return answer();
};
const api: BatchApi = Object.assign(Object.create(simulated), {
  listBatches: (query: Parameters<BatchApi['listBatches']>[0]) => later(() => simulated.listBatches(query)),
  retrieveBatch: (batchId: string) => later(() => simulated.retrieveBatch(batchId)),
});

const WAYS: Record<string, () => Promise<Record<string, number>>> = {
  ours: async () => {
    const deps = { ledger, clock, api, ids: createSeededIds(1), log: createRecordingLog() };
    const ports = {
      ...deps,
      bus: createRecordingBus(),
      metrics: createRecordingMetrics(),
      queues: createRecordingQueues(),
      instance: 'Bench.Batchdrop',
      resultsBucket: 'results',
      limits: { enqueuedTokens: {} },
      prices: new PriceList(),
    };
    const tick = await reconcile(ports, { until: clock.now() + 600_000, signal: NEVER });
    if (tick?.served !== ids.length) throw new Error(`looked at ${tick?.served}`);
    return { calls };
  },
  retrieves: async () => {
    await inParallel(ids, 50, async (batchId) => {
      await api.retrieveBatch(batchId);
    });
    return { calls };
  },
};

async function openBatches(): Promise<void> {
  const row = { custom_id: 'a', method: 'POST', url: '/v1/responses', body: { model: 'm' } };
  const line = Buffer.from(`${JSON.stringify(row)}\n`);
  const body = (async function* () {
    yield line;
  })();
  const { fileId } = await simulated.uploadFile({ name: 'a.jsonl', bytes: line.length, body }, NEVER);
  const request = { inputFileId: fileId, endpoint: '/v1/responses', completionWindow: '24h', metadata: {} };
  for (let n = 0; n < Number(open); n += 1) {
    clock.advance(1_800); // 2,000 per hour
    const batch = await simulated.createBatch(request, NEVER);
    const known = { rev: 1, publishedRev: 1, batch, dueAt: clock.now() };
    await ledger.createPart(aPart({ ...known, jobId: `job${n}`, expiresAt: Number.MAX_SAFE_INTEGER }));
    ids.push(batch.batchId);
  }
}

const observe = WAYS[way];
if (!observe) throw new Error(`no such way: ${way}`);
await report(observe);
