import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectCreatedEvent } from '../../../local/aws/s3/outbox.ts';
import { eventually, type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

let home: ReturnType<typeof temporaryDirectory>;
let server: S3Server | undefined;
let client: S3Client | undefined;

beforeEach(() => {
  home = temporaryDirectory();
});

afterEach(async () => {
  client?.destroy();
  await server?.stop();
  server = undefined;
  home.remove();
});

async function start(onObjectCreated?: (event: ObjectCreatedEvent) => void | Promise<void>) {
  await server?.stop();
  client?.destroy();
  server = await startS3(home.path, onObjectCreated);
  server.engine.createBucket('requests', { versioned: true, eventBridge: true });
  server.engine.createBucket('silent', { versioned: true, eventBridge: false });
  server.engine.createBucket('unversioned', { versioned: false, eventBridge: true });
  client = s3Client(server);
  return { client, engine: server.engine };
}

describe('a new object in a bucket with EventBridge on', () => {
  it('has an event with the reason that S3 gives', async () => {
    const events: ObjectCreatedEvent[] = [];
    const { client } = await start((event) => void events.push(event));
    const Key = 'in/ä b+%.jsonl';
    const requests = { Bucket: 'requests', Key };
    const put = await client.send(new PutObjectCommand({ ...requests, Body: 'hello' }));
    const CopySource = `requests/${encodeURIComponent(Key)}`;
    await client.send(new CopyObjectCommand({ Bucket: 'unversioned', Key, CopySource }));
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(requests));
    const upload = { ...requests, UploadId };
    const part = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'hi' }));
    const Parts = [{ PartNumber: 1, ETag: part.ETag }];
    const completion = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
    const completed = await client.send(completion);
    await eventually('three events', () => events.length === 3);

    expect(events[0]).toEqual({
      version: '0',
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      'detail-type': 'Object Created',
      source: 'aws.s3',
      account: '000000000000',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region: 'us-east-1',
      resources: ['arn:aws:s3:::requests'],
      detail: {
        version: '0',
        bucket: { name: 'requests' },
        object: {
          key: Key,
          size: 5,
          etag: '5d41402abc4b2a76b9719d911017c592',
          'version-id': put.VersionId,
          sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
        },
        'request-id': put.$metadata.requestId,
        requester: '000000000000',
        'source-ip-address': '127.0.0.1',
        reason: 'PutObject',
      },
    });
    expect(events.map((event) => event.detail.reason)).toEqual([
      'PutObject',
      'CopyObject',
      'CompleteMultipartUpload',
    ]);
    expect(events[1]?.detail.object).not.toHaveProperty('version-id');
    expect(events[2]?.detail.object).toMatchObject({ size: 2, 'version-id': completed.VersionId });
    expect(`"${events[2]?.detail.object.etag}"`).toBe(completed.ETag);
  });

  it('has a greater sequencer than those before it, even after a restart', async () => {
    const sequencers: string[] = [];
    const listener = (event: ObjectCreatedEvent) => void sequencers.push(event.detail.object.sequencer);
    for (let round = 1; round <= 3; round++) {
      const { client } = await start(listener);
      await client.send(new PutObjectCommand({ Bucket: 'requests', Key: 'k', Body: 'x' }));
      await eventually('its event', () => sequencers.length === round);
    }
    expect(sequencers).toEqual(sequencers.toSorted());
    expect(new Set(sequencers).size).toBe(3);
  });

  it('has no event if EventBridge is off, if the object was refused, or for a deletion', async () => {
    const events: ObjectCreatedEvent[] = [];
    const { client } = await start((event) => void events.push(event));
    const requests = { Bucket: 'requests', Key: 'k' };
    await client.send(new PutObjectCommand({ Bucket: 'silent', Key: 'k', Body: 'x' }));
    const first = await client.send(new PutObjectCommand({ ...requests, Body: 'x' }));
    const refused = new PutObjectCommand({ ...requests, Body: 'y', IfNoneMatch: '*' });
    await expect(client.send(refused)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await client.send(new DeleteObjectCommand(requests));
    const last = await client.send(new PutObjectCommand({ ...requests, Body: 'z' }));
    await eventually('the last event', () => events.length >= 2);
    const told = events.map((event) => event.detail.object['version-id']);
    expect(told).toEqual([first.VersionId, last.VersionId]);
  });

  it('has an event that is delivered again until it is accepted, and delays no later event', async () => {
    const heard: string[] = [];
    const taken: string[] = [];
    const { client } = await start((event) => {
      const { key } = event.detail.object;
      heard.push(key);
      if (key === 'first' && !taken.includes('second')) throw new Error('not now');
      taken.push(key);
    });
    await client.send(new PutObjectCommand({ Bucket: 'requests', Key: 'first', Body: 'x' }));
    await eventually('the first attempt', () => heard.length > 0);
    await client.send(new PutObjectCommand({ Bucket: 'requests', Key: 'second', Body: 'x' }));
    await eventually('both accepted', () => taken.length >= 2);
    expect(taken).toEqual(['second', 'first']);
    expect(heard.filter((key) => key === 'second')).toHaveLength(1);
  });

  it('has an event that, if not accepted, is delivered after the next start with the same id', async () => {
    const refused: ObjectCreatedEvent[] = [];
    const { client } = await start((event) => {
      refused.push(event);
      throw new Error('never');
    });
    await client.send(new PutObjectCommand({ Bucket: 'requests', Key: 'k', Body: 'x' }));
    await eventually('an attempt', () => refused.length > 0);
    const taken: ObjectCreatedEvent[] = [];
    await (await start((event) => void taken.push(event))).engine.deliverPending();
    expect(taken).toEqual([refused[0]]);
    await (await start((event) => void taken.push(event))).engine.deliverPending();
    expect(taken).toHaveLength(1);
  });
});

describe('an engine that is killed', () => {
  async function spawnEngine(): Promise<{ child: ChildProcess; url: string }> {
    const script = fileURLToPath(new URL('./s3-engine-killed.ts', import.meta.url));
    const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
    const child = spawn(process.execPath, [script, home.path], { stdio });
    const [line] = await once(child.stdout, 'data');
    return { child, url: String(line).trim() };
  }

  /** Uploads objects, four at a time, until the engine is gone. Returns the bodies of the acknowledged ones. */
  async function putUntilGone(url: string, acknowledged: Map<string, string>): Promise<void> {
    const writer = s3Client({ url });
    const putFrom = async (lane: number): Promise<void> => {
      for (let count = 0; ; count++) {
        const Key = `${lane}/${count}`;
        const Body = `${Key} `.repeat(20_000);
        try {
          await writer.send(new PutObjectCommand({ Bucket: 'requests', Key, Body }));
        } catch {
          return;
        }
        acknowledged.set(Key, Body);
      }
    };
    await Promise.all([0, 1, 2, 3].map(putFrom));
    writer.destroy();
  }

  const dataFiles = (): number => readdirSync(join(home.path, 'data')).length;

  it('loses no acknowledged object and no event', async () => {
    const acknowledged = new Map<string, string>();
    for (const enough of [15, 30]) {
      const { child, url } = await spawnEngine();
      const writing = putUntilGone(url, acknowledged);
      await eventually('some objects', () => acknowledged.size >= enough);
      const before = dataFiles();
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {}); // the reset is expected
      socket.write('PUT /requests/half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this');
      await eventually('half an object', () => dataFiles() > before);
      child.kill('SIGKILL');
      await Promise.all([once(child, 'exit'), writing]);
    }
    const events: ObjectCreatedEvent[] = [];
    const { client, engine } = await start((event) => void events.push(event));
    await engine.deliverPending();
    const told = new Set(events.map((event) => event.detail.object.key));
    expect(acknowledged.size).toBeGreaterThanOrEqual(15);
    for (const [Key, body] of acknowledged) {
      expect(told).toContain(Key);
      const got = await client.send(new GetObjectCommand({ Bucket: 'requests', Key }));
      expect((await got.Body?.transformToString()) === body).toBe(true);
    }
    // There is one file per version in the events, so incomplete files of the killed process were deleted.
    expect(dataFiles()).toBe(events.length);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });
});
