/**
 * Uploads one part from the request bucket to the Batch API in one of several ways, as a child of `upload-figures.ts`.
 * The first row is uploaded before in the same way, because the cost of first calls belongs to the figures of cold
 * starts.
 */
import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import OpenAI, { toFile } from 'openai';
import { createOpenAiBatchApi } from '../../functions/shared/adapters/openai/batch-api.ts';
import { openS3Client } from '../../functions/shared/adapters/s3/open-client.ts';
import { createS3RequestFiles } from '../../functions/shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../../functions/shared/adapters/s3/result-store.ts';
import { createHandler } from '../../functions/submit/handler.ts';
import { aPart } from '../contracts/samples.ts';
import { createInMemoryLedger } from '../fakes/in-memory-ledger.ts';
import { createRecordingBus } from '../fakes/recording-bus.ts';
import { createRecordingLog } from '../fakes/recording-log.ts';
import { createRecordingMetrics } from '../fakes/recording-metrics.ts';
import { createRecordingQueues } from '../fakes/recording-queues.ts';
import { createSeededIds } from '../fakes/seeded-ids.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';
import { report } from './in-child.ts';

const [way = '', url = '', ...sizes] = process.argv.slice(2);
const [rows = 0, bytes = 0, firstRowBytes = 0] = sizes.map(Number);
const OBJECT = { bucket: 'requests', key: 'part.jsonl', versionId: 'v1' };
const s3 = openS3Client({ ...clientConfig(url), forcePathStyle: true });

/** The first rows of the object. */
interface Range {
  rows: number;
  bytes: number;
}

const WAYS: Record<string, (stretch: Range) => Promise<Record<string, number>>> = {
  ours: bySubmit,
  pipe: async ({ bytes }) => {
    const headers = { range: rangeOf(bytes) };
    const [source] = (await once(get(`${url}/requests/part.jsonl`, { headers }), 'response')) as [
      IncomingMessage,
    ];
    const upload = request(`${url}/v1/files`, { method: 'POST', headers: { 'content-length': bytes } });
    const answer = once(upload, 'response') as Promise<[IncomingMessage]>;
    await pipeline(source, upload);
    return { bytes: JSON.parse(await textOf((await answer)[0])).bytes };
  },
  sdk: async ({ bytes }) => {
    const { Body: body } = await s3.send(
      new GetObjectCommand({ Bucket: OBJECT.bucket, Key: OBJECT.key, Range: rangeOf(bytes) }),
    );
    if (!(body instanceof Readable)) throw new Error('the object has no body');
    const client = new OpenAI({ apiKey: 'sk-bench', baseURL: `${url}/v1`, maxRetries: 0 });
    const file = await client.files.create({ file: await toFile(body, 'part.jsonl'), purpose: 'batch' });
    return { bytes: file.bytes };
  },
};

/** Does what SUBMIT does with a part, with a ledger in memory: normalises, digests, uploads, and creates the batch. */
async function bySubmit({ rows, bytes }: Range): Promise<Record<string, number>> {
  const clock = { now: () => Date.now() };
  const ledger = createInMemoryLedger({ clock });
  const expiresAt = Number.MAX_SAFE_INTEGER;
  const part = aPart({
    range: { start: 0, end: bytes },
    rows,
    uploadBytes: bytes,
    request: OBJECT,
  });
  await ledger.createPart(aPart({ ...part, phase: 'ready', expiresAt }));
  const key = async () => ({ apiKey: 'sk-bench' });
  const { jobId, planId, number } = part;
  const keys = { current: key, refresh: key };
  await createHandler({
    ledger,
    clock,
    ids: createSeededIds(1),
    log: createRecordingLog(),
    bus: createRecordingBus(),
    metrics: createRecordingMetrics(),
    results: createS3ResultStore({ client: s3, bucket: 'results', owner: '111122223333' }),
    queues: createRecordingQueues(),
    requestFiles: createS3RequestFiles({ client: s3, owner: '111122223333' }),
    api: createOpenAiBatchApi({ baseUrl: `${url}/v1`, keys }),
    completionWindow: '24h',
    limits: { enqueuedTokens: {} },
    instance: 'Bench.Batchdrop',
    resultsBucket: 'results',
  })(JSON.stringify({ ref: { jobId, planId, number } }), {
    until: clock.now() + 600_000,
    signal: new AbortController().signal,
  });
  const submitted = await ledger.readPart(part);
  if (submitted?.batch?.status !== 'validating') throw new Error(`no batch: ${JSON.stringify(submitted)}`);
  return { bytes: submitted.uploadBytes };
}

function rangeOf(bytes: number): string {
  return `bytes=0-${bytes - 1}`;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer) text += chunk;
  return text;
}

const upload = WAYS[way];
if (!upload) throw new Error(`no such way: ${way}`);
await upload({ rows: 1, bytes: firstRowBytes });
await report(() => upload({ rows, bytes }));
