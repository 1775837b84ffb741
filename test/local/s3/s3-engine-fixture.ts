/** Runs the S3 engine on its own server with two new buckets per test, for the test file that imports this. */
import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

export let home: ReturnType<typeof temporaryDirectory>;
export let server: S3Server;
export let client: S3Client;
export let plain: string;
export let versioned: string;
let round = 0;

/** Runs the engine while the tests of a file run, each with two buckets of its own. */
export function runS3Engine(): void {
  beforeAll(async () => {
    home = temporaryDirectory();
    server = await startS3(home.path);
    client = s3Client(server);
  });
  beforeEach(() => {
    round += 1;
    plain = `plain-${round}`;
    versioned = `versioned-${round}`;
    server.engine.createBucket(plain, { versioned: false, eventBridge: false });
    server.engine.createBucket(versioned, { versioned: true, eventBridge: true });
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
    home.remove();
  });
}

export const put = (Bucket: string, Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

export async function read(
  Bucket: string,
  Key: string,
  more: { VersionId?: string; Range?: string } = {},
): Promise<string> {
  const got = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await got.Body?.transformToString()) ?? '';
}

/** Matches the error of a refused call. */
export const refusal = (name: string, status: number) =>
  expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: status }) });
