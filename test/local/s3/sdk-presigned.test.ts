import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientConfig } from '../endpoint/client-config.ts';
import { type SdkEndpoint, startSdkEndpoint } from '../endpoint/sdk-endpoint.ts';
import { Sha256 } from '../iam/sha256.ts';

const Bucket = 'shared';
let sdk: SdkEndpoint;

beforeAll(async () => {
  sdk = await startSdkEndpoint();
  await sdk.createBucket(Bucket);
});

afterAll(() => sdk.close());

interface Signing {
  readonly method?: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly signedAt?: Date;
}

/** Returns a URL of AWS's own signer that is valid for a minute. */
async function presign(key: string, { method = 'GET', query = {}, headers = {}, signedAt }: Signing = {}) {
  const { credentials, region } = clientConfig(sdk.url);
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const { protocol, hostname, port, host } = new URL(sdk.url);
  const path = `/${Bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const signed = await signer.presign(
    { method, protocol, hostname, port: Number(port), path, query, headers: { host, ...headers } },
    { expiresIn: 60, ...(signedAt !== undefined && { signingDate: signedAt }) },
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(signed.query ?? {})) search.set(name, String(value));
  return `${sdk.url}${signed.path}?${search}`;
}

describe('a URL presigned with the SDK’s signer', () => {
  it.each(['plain.jsonl', 'in/a b+c/ü & x=1.jsonl', 'per%cent/%2F'])('gets the object %s', async (Key) => {
    await sdk.s3.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }));
    const answer = await fetch(await presign(Key));
    expect([answer.status, await answer.text()]).toEqual([200, `body of ${Key}`]);
  });

  it('uploads an object that the SDK can read', async () => {
    const url = await presign('put/by url.txt', { method: 'PUT' });
    const answer = await fetch(url, { method: 'PUT', body: 'from somebody else' });
    expect(answer.status).toBe(200);
    const read = await sdk.s3.send(new GetObjectCommand({ Bucket, Key: 'put/by url.txt' }));
    expect(await read.Body?.transformToString()).toBe('from somebody else');
  });

  it('downloads a part of an object, with the signed file name', async () => {
    await sdk.s3.send(new PutObjectCommand({ Bucket, Key: 'ten', Body: '0123456789' }));
    const disposition = 'attachment; filename="zehn ü.txt"';
    const url = await presign('ten', { query: { 'response-content-disposition': disposition } });
    const answer = await fetch(url, { headers: { range: 'bytes=2-4' } });
    expect([answer.status, await answer.text()]).toEqual([206, '234']);
    expect(Buffer.from(answer.headers.get('content-disposition') ?? '', 'latin1').toString()).toContain(
      'attachment; filename=',
    );
  });

  it('deletes an object', async () => {
    await sdk.s3.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'x' }));
    const answer = await fetch(await presign('gone', { method: 'DELETE' }), { method: 'DELETE' });
    expect(answer.status).toBe(204);
    await expect(sdk.s3.send(new HeadObjectCommand({ Bucket, Key: 'gone' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  it('fails after its minute', async () => {
    await sdk.s3.send(new PutObjectCommand({ Bucket, Key: 'late', Body: 'x' }));
    const answer = await fetch(await presign('late', { signedAt: new Date(Date.now() - 61_000) }));
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain('Request has expired');
  });

  it('returns 404 for a missing object', async () => {
    const answer = await fetch(await presign('nowhere'));
    expect([answer.status, /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1]]).toEqual([404, 'NoSuchKey']);
  });
});
