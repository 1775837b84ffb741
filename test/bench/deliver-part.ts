/** Copies the output file of one batch to the results bucket in one of two ways, as a child of `deliver-figures.ts`. */

import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { deliverPart } from '../../functions/deliver/part/deliver-part.ts';
import { createDiskScratch } from '../../functions/shared/adapters/lambda/disk-scratch.ts';
import { createOpenAiBatchApi } from '../../functions/shared/adapters/openai/batch-api.ts';
import { openS3Client } from '../../functions/shared/adapters/s3/open-client.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3/result-store.ts';
import { PriceList } from '../../functions/shared/domain/money/price-list.ts';
import { partInHand } from '../../functions/shared/lifecycle/compare-and-set.ts';
import { aBatch, aPart } from '../contracts/samples.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';
import { report } from './in-child.ts';

const [way = '', url = '', rows = '', bytes = ''] = process.argv.slice(2);

const WAYS: Record<string, () => Promise<Record<string, number>>> = {
  ours: byDeliver,
  copy: async () => {
    const [source] = (await once(get(`${url}/v1/files/file-out/content`), 'response')) as [IncomingMessage];
    const put = request(`${url}/results/output.jsonl`, {
      method: 'PUT',
      headers: { 'content-length': bytes },
    });
    const answer = once(put, 'response') as Promise<[IncomingMessage]>;
    await pipeline(source, put);
    (await answer)[0].resume();
    return { rows: Number(rows) };
  },
};

/**
 * Does what DELIVER does with an ended batch, with a ledger in memory: accounts for each row and puts the lines in
 * order.
 */
async function byDeliver(): Promise<Record<string, number>> {
  const clock = { now: () => Date.now() };
  const ledger = createInMemoryLedger({ clock });
  const batch = aBatch({ status: 'completed', outputFileId: 'file-out' });
  const state = { rev: 3, publishedRev: 3, batch };
  const part = aPart({ ...state, rows: Number(rows), expiresAt: Number.MAX_SAFE_INTEGER });
  await ledger.createPart(part);
  const key = async () => ({ apiKey: 'sk-bench' });
  const client = openS3Client({ ...clientConfig(url), forcePathStyle: true });
  const deps = {
    ledger,
    clock,
    ids: createSeededIds(1),
    log: createRecordingLog(),
    metrics: createRecordingMetrics(),
    results: createS3ResultStore({ client, bucket: 'results', owner: '111122223333' }),
    scratch: createDiskScratch(),
    api: createOpenAiBatchApi({
      baseUrl: `${url}/v1`,
      keys: { current: key, refresh: key },
    }),
    prices: new PriceList(),
    rerun: { maxAttempts: 3, rerunMissing: false },
  };
  await deliverPart(deps, partInHand(deps, part), {
    until: clock.now() + 600_000,
    signal: new AbortController().signal,
  });
  const delivered = (await ledger.readPart(part))?.delivered;
  if (delivered?.outputBytes !== Number(bytes)) throw new Error(`delivered: ${JSON.stringify(delivered)}`);
  return { rows: delivered.rows.succeeded };
}

const deliver = WAYS[way];
if (!deliver) throw new Error(`no such way: ${way}`);
await report(deliver);
