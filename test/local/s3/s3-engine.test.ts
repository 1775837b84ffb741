import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { client, home, plain, put, read, refusal, runS3Engine, versioned } from './s3-engine-fixture.ts';

runS3Engine();

const dataFiles = (): number => readdirSync(join(home.path, 'data')).length;

describe('an object', () => {
  it('is returned with its content, type, metadata, ETag and a date of whole seconds', async () => {
    const stored = await put(plain, 'a.txt', 'hello', {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      Metadata: { 'batch-team': 'blue', city: 'Zürich' },
    });
    const got = await client.send(new GetObjectCommand({ Bucket: plain, Key: 'a.txt' }));
    expect(await got.Body?.transformToString()).toBe('hello');
    expect(stored.ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    expect(stored.ChecksumCRC32).toBe('NhCmhg==');
    expect(stored.VersionId).toBeUndefined();
    expect(got).toMatchObject({
      ETag: stored.ETag,
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentLength: 5,
      AcceptRanges: 'bytes',
      ChecksumCRC32: 'NhCmhg==',
      ChecksumType: 'FULL_OBJECT',
    });
    expect(got.Metadata?.['batch-team']).toBe('blue');
    expect(Buffer.from(got.Metadata?.city ?? '', 'latin1').toString()).toBe('Zürich');
    expect((got.LastModified?.getTime() ?? 1) % 1000).toBe(0);
    const head = await client.send(new HeadObjectCommand({ Bucket: plain, Key: 'a.txt' }));
    expect(head).toMatchObject({ ETag: stored.ETag, ContentLength: 5, ContentType: 'text/plain' });
  });

  it('may be empty, and is replaced as a whole', async () => {
    const Body = Buffer.alloc(0);
    await client.send(new PutObjectCommand({ Bucket: plain, Key: 'k', Body, ContentLength: 0 }));
    expect(await read(plain, 'k')).toBe('');
    await put(plain, 'k', 'second');
    expect(await read(plain, 'k')).toBe('second');
  });

  it.each([
    'a b+c%d%2F.jsonl',
    '../../etc/passwd',
    './a//b/',
    '/leading',
    'ünï/日本語/🙂.jsonl',
    'quote"<&>\'()!*~@:;=,$',
    'k'.repeat(1024),
    'question?mark#hash',
    'tab\tand\r\nlines',
  ])('may have the key %j, in every operation', async (key) => {
    await put(versioned, key, key);
    expect(await read(versioned, key)).toBe(key);
    const listed = await client.send(new ListObjectsV2Command({ Bucket: versioned }));
    expect(listed.Contents?.map((one) => one.Key)).toEqual([key]);
    const copy = { Bucket: plain, Key: key, CopySource: `${versioned}/${encodeURIComponent(key)}` };
    await client.send(new CopyObjectCommand(copy));
    expect(await read(plain, key)).toBe(key);
    const deletion = { Bucket: plain, Delete: { Objects: [{ Key: key }] } };
    const deleted = await client.send(new DeleteObjectsCommand(deletion));
    expect(deleted.Deleted).toEqual([{ Key: key }]);
    await expect(read(plain, key)).rejects.toEqual(refusal('NoSuchKey', 404));
    expect(readdirSync(join(home.path, 'data')).every((file) => /^[0-9a-f-]{36}$/.test(file))).toBe(true);
  });

  it('cannot have a key of more than 1,024 bytes', async () => {
    await expect(put(plain, 'é'.repeat(513), 'x')).rejects.toEqual(refusal('KeyTooLongError', 400));
  });

  it('cannot have more than 2 KB of metadata', async () => {
    const Metadata = { long: 'x'.repeat(2048) };
    await expect(put(plain, 'k', 'x', { Metadata })).rejects.toEqual(refusal('MetadataTooLarge', 400));
  });

  it('keeps its own content-encoding, not that of the transfer', async () => {
    const Body = Readable.from([Buffer.from('zipped')]);
    const stream = { Body, ContentLength: 6, ContentEncoding: 'gzip' };
    await client.send(new PutObjectCommand({ Bucket: plain, Key: 'k', ...stream }));
    const head = await client.send(new HeadObjectCommand({ Bucket: plain, Key: 'k' }));
    expect(head.ContentEncoding).toBe('gzip');
  });

  it('returns 404 if it is missing, without a body for HEAD', async () => {
    await expect(read(plain, 'none')).rejects.toEqual(refusal('NoSuchKey', 404));
    const head = new HeadObjectCommand({ Bucket: plain, Key: 'none' });
    await expect(client.send(head)).rejects.toEqual(refusal('NotFound', 404));
    await expect(read('no-bucket', 'none')).rejects.toEqual(refusal('NoSuchBucket', 404));
    await expect(put('no-bucket', 'k', 'x')).rejects.toEqual(refusal('NoSuchBucket', 404));
  });
});

describe('a range', () => {
  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('%s returns %j', async (Range, expected, contentRange) => {
    await put(plain, 'digits', '0123456789');
    const got = await client.send(new GetObjectCommand({ Bucket: plain, Key: 'digits', Range }));
    expect(await got.Body?.transformToString()).toBe(expected);
    expect(got.ContentRange).toBe(contentRange);
    expect(got.$metadata.httpStatusCode).toBe(206);
  });

  it('that contains no byte fails, and a malformed one is ignored', async () => {
    await put(plain, 'digits', '0123456789');
    await expect(read(plain, 'digits', { Range: 'bytes=10-' })).rejects.toEqual(refusal('InvalidRange', 416));
    await expect(read(plain, 'digits', { Range: 'bytes=-0' })).rejects.toEqual(refusal('InvalidRange', 416));
    expect(await read(plain, 'digits', { Range: 'bytes=5-2' })).toBe('0123456789');
  });
});

describe('a conditional write', () => {
  it('with If-None-Match: * stores only a new object', async () => {
    await put(plain, 'once', 'first', { IfNoneMatch: '*' });
    const second = put(plain, 'once', 'second', { IfNoneMatch: '*' });
    await expect(second).rejects.toEqual(refusal('PreconditionFailed', 412));
    expect(await read(plain, 'once')).toBe('first');
  });

  it('of many at once succeeds exactly once', async () => {
    const before = dataFiles();
    const writers = Array.from({ length: 10 }, (_, index) =>
      put(plain, 'race', `writer ${index}`, { IfNoneMatch: '*' }),
    );
    const outcomes = await Promise.allSettled(writers);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(dataFiles()).toBe(before + 1);
  });

  it('succeeds after a deletion, because a delete marker is not an object', async () => {
    await put(versioned, 'k', 'first');
    await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k' }));
    await put(versioned, 'k', 'again', { IfNoneMatch: '*' });
    expect(await read(versioned, 'k')).toBe('again');
  });

  it('with If-Match replaces only the same content', async () => {
    const first = await put(plain, 'k', 'first');
    await put(plain, 'k', 'second', { IfMatch: first.ETag });
    const late = put(plain, 'k', 'third', { IfMatch: first.ETag });
    await expect(late).rejects.toEqual(refusal('PreconditionFailed', 412));
    const missing = put(plain, 'none', 'x', { IfMatch: first.ETag });
    await expect(missing).rejects.toEqual(refusal('NoSuchKey', 404));
    expect(await read(plain, 'k')).toBe('second');
  });
});

describe('a conditional read', () => {
  it('depends on the ETag and the date', async () => {
    const { ETag } = await put(plain, 'k', 'content');
    const get = (condition: object) =>
      client.send(new GetObjectCommand({ Bucket: plain, Key: 'k', ...condition }));
    expect(await (await get({ IfMatch: ETag })).Body?.transformToString()).toBe('content');
    await expect(get({ IfMatch: '"other"' })).rejects.toEqual(refusal('PreconditionFailed', 412));
    await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    const past = new Date(1_000_000_000_000);
    const future = new Date(Date.now() + 86_400_000);
    await expect(get({ IfUnmodifiedSince: past })).rejects.toEqual(refusal('PreconditionFailed', 412));
    await expect(get({ IfModifiedSince: future })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    });
    expect(await (await get({ IfModifiedSince: past })).Body?.transformToString()).toBe('content');
  });
});

describe('a copy', () => {
  it('copies content and metadata, also from an older version', async () => {
    const first = await put(versioned, 'k', 'first', { Metadata: { a: '1' }, ContentType: 'x/y' });
    await put(versioned, 'k', 'second');
    const copied = await client.send(
      new CopyObjectCommand({
        Bucket: plain,
        Key: 'copy',
        CopySource: `/${versioned}/k?versionId=${first.VersionId}`,
      }),
    );
    expect(copied.CopyObjectResult?.ETag).toBe(first.ETag);
    expect(copied.CopySourceVersionId).toBe(first.VersionId);
    expect(await read(plain, 'copy')).toBe('first');
    const head = await client.send(new HeadObjectCommand({ Bucket: plain, Key: 'copy' }));
    expect(head).toMatchObject({ Metadata: { a: '1' }, ContentType: 'x/y' });
  });

  it('to itself must change the metadata', async () => {
    await put(plain, 'k', 'x', { Metadata: { a: '1' } });
    const itself = { Bucket: plain, Key: 'k', CopySource: `${plain}/k` };
    await expect(client.send(new CopyObjectCommand(itself))).rejects.toEqual(refusal('InvalidRequest', 400));
    const changed = { ...itself, MetadataDirective: 'REPLACE' as const, Metadata: { b: '2' } };
    await client.send(new CopyObjectCommand(changed));
    const head = await client.send(new HeadObjectCommand({ Bucket: plain, Key: 'k' }));
    expect(head.Metadata).toEqual({ b: '2' });
  });

  it('can depend on conditions of its source', async () => {
    await put(plain, 'k', 'x');
    const copy = { Bucket: plain, Key: 'copy', CopySource: `${plain}/k`, CopySourceIfMatch: '"other"' };
    await expect(client.send(new CopyObjectCommand(copy))).rejects.toEqual(
      refusal('PreconditionFailed', 412),
    );
    const missing = { Bucket: plain, Key: 'copy', CopySource: `${plain}/none` };
    await expect(client.send(new CopyObjectCommand(missing))).rejects.toEqual(refusal('NoSuchKey', 404));
  });
});
