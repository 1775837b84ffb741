import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { GetObjectTaggingCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { createS3RequestFiles } from '../../../functions/shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../../../functions/shared/adapters/s3/result-store.ts';
import { LOCAL_ACCOUNT } from '../../../local/aws/protocol/aws-service.ts';
import { createInMemoryResults } from '../../fakes/in-memory-results.ts';
import { localAws } from '../ledger/local-dynamodb.ts';
import { bytesOf, patternOf } from './bytes.ts';
import { startS3 } from './local-s3.ts';
import { describeResultsContract } from './results.contract.ts';

describeResultsContract('the fake', async () => ({
  results: createInMemoryResults(),
  close: async () => {},
}));

describeResultsContract(
  'S3',
  async () => {
    const { client, close } = await startS3();
    return { results: createS3ResultStore({ client, bucket: 'results', owner: LOCAL_ACCOUNT }), close };
  },
  { pages: false },
);

describeResultsContract('S3 under a prefix', async () => {
  const { client, close } = await startS3();
  const options = { client, bucket: 'results', owner: LOCAL_ACCOUNT };
  return { results: createS3ResultStore({ ...options, prefix: 'team/batchdrop/' }), close };
});

describe('buckets on S3', () => {
  it('of another owner are not touched', async () => {
    const { client, close } = await startS3();
    try {
      const results = createS3ResultStore({ client, bucket: 'results', owner: '999999999999' });
      const files = createS3RequestFiles({ client, owner: '999999999999' });
      const file = { bucket: 'requests', key: 'a.jsonl', versionId: 'v' };
      const denied = { name: 'RetryableError', waitsFor: 'unreachable' };
      await expect(results.put('key', 'x', 'text/plain')).rejects.toMatchObject(denied);
      await expect(results.size('key')).rejects.toMatchObject(denied);
      await expect(bytesOf(results.read('key'))).rejects.toMatchObject(denied);
      await expect(results.remove(['key'])).rejects.toMatchObject(denied);
      await expect(results.beginUpload('key', 'text/plain')).rejects.toMatchObject(denied);
      await expect(results.completeUpload('key', 'u', ['e'])).rejects.toMatchObject(denied);
      await expect(files.head(file)).rejects.toMatchObject(denied);
      await expect(bytesOf(files.read(file))).rejects.toMatchObject(denied);
    } finally {
      await close();
    }
  });

  it('have the tag of an ended job on the files for users, and on nothing else', async () => {
    const { client, close } = await startS3();
    try {
      const results = createS3ResultStore({ client, bucket: 'results', owner: LOCAL_ACCOUNT });
      const written: Record<string, unknown> = {};
      for (const folder of ['a.jsonl/job', '_long/job', '_batchdrop/jobs/job']) {
        await results.put(`${folder}/put`, 'x', 'text/plain');
        const small = results.openWriter(`${folder}/small`, 'text/plain');
        await small.write(Buffer.from('x'));
        await small.close();
        const large = results.openWriter(`${folder}/large`, 'text/plain');
        await large.write(patternOf(9_000_000));
        await large.close();
        const uploadId = await results.beginUpload(`${folder}/assembled`, 'text/plain');
        const etag = await results.uploadBytes(`${folder}/assembled`, uploadId, 1, Buffer.from('x'));
        await results.completeUpload(`${folder}/assembled`, uploadId, [etag]);
        for (const name of ['put', 'small', 'large', 'assembled']) {
          const named = { Bucket: 'results', Key: `${folder}/${name}` };
          written[named.Key] = (await client.send(new GetObjectTaggingCommand(named))).TagSet;
        }
      }
      const ended = [{ Key: 'batchdrop-job', Value: 'ended' }];
      expect(written).toEqual(
        Object.fromEntries(
          Object.keys(written).map((key) => [key, key.startsWith('_batchdrop/') ? [] : ended]),
        ),
      );
    } finally {
      await close();
    }
  });

  it('receive a part while a caller that waits for nothing else fills the next one', async () => {
    const { client, counts, close } = await startCounting();
    try {
      const results = createS3ResultStore({ client, bucket: 'results', owner: LOCAL_ACCOUNT });
      const writer = results.openWriter('copied', 'text/plain');
      const mebibyte = patternOf(1024 * 1024);
      const fills = 15; // the first part, and all but one MiB of the second
      for (let written = 0; written < fills; written += 1) {
        await writer.write(mebibyte);
        computeFor(20);
      }
      expect(counts[0]).toBeGreaterThan(mebibyte.length);
      await writer.abort();
    } finally {
      await close();
    }
  });

  it('receive all parts of an object over one connection', async () => {
    const { client, counts, close } = await startCounting();
    try {
      const results = createS3ResultStore({ client, bucket: 'results', owner: LOCAL_ACCOUNT });
      const writer = results.openWriter('large', 'text/plain');
      await writer.write(patternOf(25_000_000));
      expect(await writer.close()).toBe(25_000_000);
      expect(counts[1]).toBe(1);
    } finally {
      await close();
    }
  });

  it('keep no multipart upload that was aborted', async () => {
    const { client, close } = await startS3();
    try {
      const results = createS3ResultStore({ client, bucket: 'results', owner: LOCAL_ACCOUNT });
      const writer = results.openWriter('aborted', 'text/plain');
      await writer.write(patternOf(17_000_000));
      await writer.abort();
      const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'results' }));
      expect(uploads.Uploads ?? []).toEqual([]);
    } finally {
      await close();
    }
  });
});

/** Starts the counting server, and a client of it. `counts`: bytes of bodies, and connections. */
async function startCounting() {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const server = new Worker(new URL('counting-server.ts', import.meta.url), { workerData: counts });
  const [port] = await once(server, 'message');
  const client = new S3Client({ ...localAws(`http://127.0.0.1:${port}`), forcePathStyle: true });
  const close = async () => {
    client.destroy();
    await server.terminate();
  };
  return { client, counts, close };
}

/** Lets the event loop have no turn, as a caller that computes: meanwhile the system passes on what was sent. */
function computeFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
