import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

const home = temporaryDirectory();
let server: S3Server;
let client: S3Client;
let round = 0;
let plain: string;
let versioned: string;

beforeAll(async () => {
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

const dataFiles = (): number => readdirSync(join(home.path, 'data')).length;

const put = (Bucket: string, Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

async function read(Bucket: string, Key: string, more: { VersionId?: string; Range?: string } = {}) {
  const got = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await got.Body?.transformToString()) ?? '';
}

const refusal = (name: string, status: number) =>
  expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: status }) });

describe('an object', () => {
  it('comes back with its content, type, metadata, ETag and a date of whole seconds', async () => {
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

  it('is missing with 404, without a body for HEAD', async () => {
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
  ])('%s is answered with %j', async (Range, expected, contentRange) => {
    await put(plain, 'digits', '0123456789');
    const got = await client.send(new GetObjectCommand({ Bucket: plain, Key: 'digits', Range }));
    expect(await got.Body?.transformToString()).toBe(expected);
    expect(got.ContentRange).toBe(contentRange);
    expect(got.$metadata.httpStatusCode).toBe(206);
  });

  it('without a byte in it is refused; a malformed one is passed over', async () => {
    await put(plain, 'digits', '0123456789');
    await expect(read(plain, 'digits', { Range: 'bytes=10-' })).rejects.toEqual(refusal('InvalidRange', 416));
    await expect(read(plain, 'digits', { Range: 'bytes=-0' })).rejects.toEqual(refusal('InvalidRange', 416));
    expect(await read(plain, 'digits', { Range: 'bytes=5-2' })).toBe('0123456789');
  });
});

describe('a conditional write', () => {
  it('with If-None-Match: * stores only where nothing is', async () => {
    await put(plain, 'once', 'first', { IfNoneMatch: '*' });
    const second = put(plain, 'once', 'second', { IfNoneMatch: '*' });
    await expect(second).rejects.toEqual(refusal('PreconditionFailed', 412));
    expect(await read(plain, 'once')).toBe('first');
  });

  it('of many at once lets exactly one through', async () => {
    const before = dataFiles();
    const writers = Array.from({ length: 10 }, (_, index) =>
      put(plain, 'race', `writer ${index}`, { IfNoneMatch: '*' }),
    );
    const outcomes = await Promise.allSettled(writers);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect(dataFiles()).toBe(before + 1);
  });

  it('may follow a deletion, as a delete marker is nothing', async () => {
    await put(versioned, 'k', 'first');
    await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k' }));
    await put(versioned, 'k', 'again', { IfNoneMatch: '*' });
    expect(await read(versioned, 'k')).toBe('again');
  });

  it('with If-Match stores only over the very same content', async () => {
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
  it('goes by ETag and by date', async () => {
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

describe('a versioned bucket', () => {
  it('keeps every version readable by its id, behind a delete marker too', async () => {
    const first = await put(versioned, 'k', 'first');
    const second = await put(versioned, 'k', 'second');
    const marker = await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k' }));
    expect(marker.DeleteMarker).toBe(true);
    expect(new Set([first.VersionId, second.VersionId, marker.VersionId]).size).toBe(3);
    await expect(read(versioned, 'k')).rejects.toEqual(refusal('NoSuchKey', 404));
    expect(await read(versioned, 'k', { VersionId: `${first.VersionId}` })).toBe('first');
    expect(await read(versioned, 'k', { VersionId: `${second.VersionId}` })).toBe('second');
    const marked = read(versioned, 'k', { VersionId: `${marker.VersionId}` });
    await expect(marked).rejects.toEqual(refusal('MethodNotAllowed', 405));
    const unknown = read(versioned, 'k', { VersionId: 'unknown' });
    await expect(unknown).rejects.toEqual(refusal('NoSuchVersion', 404));
  });

  it('shows the object again once its delete marker is deleted, and loses a version only by its id', async () => {
    const first = await put(versioned, 'k', 'first');
    const second = await put(versioned, 'k', 'second');
    const marker = await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k' }));
    const remove = (VersionId: string | undefined) =>
      client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k', VersionId }));
    expect(await remove(marker.VersionId)).toMatchObject({ DeleteMarker: true, VersionId: marker.VersionId });
    expect(await read(versioned, 'k')).toBe('second');
    await remove(second.VersionId);
    expect(await read(versioned, 'k')).toBe('first');
    await remove(first.VersionId);
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: versioned }));
    expect(listed.Versions ?? []).toEqual([]);
  });

  it('lists versions and markers newest first, page by page, though the last one listed is deleted meanwhile', async () => {
    for (const key of ['a', 'b']) {
      for (const content of ['1', '22', '333']) await put(versioned, key, content);
    }
    await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'a' }));
    const seen: string[] = [];
    let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (;;) {
      const query = { Bucket: versioned, MaxKeys: 2, ...markers };
      const page = await client.send(new ListObjectVersionsCommand(query));
      for (const marker of page.DeleteMarkers ?? []) seen.push(`${marker.Key} marker ${marker.IsLatest}`);
      for (const version of page.Versions ?? [])
        seen.push(`${version.Key} ${version.Size} ${version.IsLatest}`);
      if (!page.IsTruncated) break;
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      const { KeyMarker: Key, VersionIdMarker: VersionId } = markers;
      await client.send(new DeleteObjectCommand({ Bucket: versioned, Key, VersionId }));
    }
    expect(seen).toEqual([
      ...['a marker true', 'a 3 false', 'a 2 false', 'a 1 false'],
      ...['b 3 true', 'b 2 false', 'b 1 false'],
    ]);
  });

  it('keeps its versions when versioning is suspended, and then has one version named null', async () => {
    const first = await put(versioned, 'k', 'first');
    server.engine.createBucket(versioned, { versioned: false, eventBridge: false });
    expect((await put(versioned, 'k', 'second')).VersionId).toBe('null');
    expect((await put(versioned, 'k', 'third')).VersionId).toBe('null');
    const status = await client.send(new GetBucketVersioningCommand({ Bucket: versioned }));
    expect(status.Status).toBe('Suspended');
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: versioned }));
    expect(listed.Versions?.map((one) => one.VersionId)).toEqual(['null', first.VersionId]);
    expect(await read(versioned, 'k', { VersionId: 'null' })).toBe('third');
  });
});

describe('a listing', () => {
  const keys = ['a/1', 'a/2', 'b', 'c/d/1', 'c/d/2', 'e', 'z\u{1F642}', 'z\uFF5E'];

  async function listAll(query: object): Promise<string[]> {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const input = { Bucket: plain, ContinuationToken: token, ...query };
      const page = await client.send(new ListObjectsV2Command(input));
      found.push(...(page.Contents ?? []).map((one) => `${one.Key}`));
      found.push(...(page.CommonPrefixes ?? []).map((one) => `${one.Prefix}…`));
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  it.each([1, 2, 3, 1000])(
    'in pages of %i shows every key once, in the order of its bytes',
    async (MaxKeys) => {
      for (const key of keys) await put(plain, key, key);
      // U+FF5E comes before U+1F642 in UTF-8, and behind it in UTF-16.
      expect(await listAll({ MaxKeys })).toEqual([...keys.slice(0, 6), 'z\uFF5E', 'z\u{1F642}']);
      const grouped = await listAll({ MaxKeys, Delimiter: '/' });
      expect(grouped.toSorted()).toEqual(['a/…', 'b', 'c/…', 'e', 'z\u{1F642}', 'z\uFF5E'].toSorted());
      expect(await listAll({ MaxKeys, Prefix: 'c/', Delimiter: '/' })).toEqual(['c/d/…']);
      expect(await listAll({ MaxKeys, Prefix: 'a/' })).toEqual(['a/1', 'a/2']);
      expect(await listAll({ MaxKeys, StartAfter: 'c/d/1', Prefix: 'c' })).toEqual(['c/d/2']);
    },
  );

  it('writes keys URL-encoded where that is asked for', async () => {
    await put(plain, 'a b/ü+(1)~*.txt', 'x');
    const query = { Bucket: plain, EncodingType: 'url' as const, Prefix: 'a b' };
    const page = await client.send(new ListObjectsV2Command(query));
    expect(page).toMatchObject({ EncodingType: 'url', Prefix: 'a+b' });
    expect(page.Contents?.[0]?.Key).toBe('a+b/%C3%BC%2B%281%29%7E*.txt');
  });

  it('of no keys is empty and complete', async () => {
    await put(plain, 'k', 'x');
    const none = await client.send(new ListObjectsV2Command({ Bucket: plain, MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
    const bad = new ListObjectsV2Command({ Bucket: plain, ContinuationToken: '?' });
    await expect(client.send(bad)).rejects.toEqual(refusal('InvalidArgument', 400));
  });
});

describe('a copy', () => {
  it('takes content and metadata along, of an older version too', async () => {
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

  it('may depend on what its source is', async () => {
    await put(plain, 'k', 'x');
    const copy = { Bucket: plain, Key: 'copy', CopySource: `${plain}/k`, CopySourceIfMatch: '"other"' };
    await expect(client.send(new CopyObjectCommand(copy))).rejects.toEqual(
      refusal('PreconditionFailed', 412),
    );
    const missing = { Bucket: plain, Key: 'copy', CopySource: `${plain}/none` };
    await expect(client.send(new CopyObjectCommand(missing))).rejects.toEqual(refusal('NoSuchKey', 404));
  });
});

describe('a bucket', () => {
  it('tells its region and settings', async () => {
    const versioning = await client.send(new GetBucketVersioningCommand({ Bucket: versioned }));
    expect(versioning.Status).toBe('Enabled');
    const never = await client.send(new GetBucketVersioningCommand({ Bucket: plain }));
    expect(never.Status).toBeUndefined();
    const notified = new GetBucketNotificationConfigurationCommand({ Bucket: versioned });
    expect((await client.send(notified)).EventBridgeConfiguration).toEqual({});
    const silent = new GetBucketNotificationConfigurationCommand({ Bucket: plain });
    expect((await client.send(silent)).EventBridgeConfiguration).toBeUndefined();
    const location = await client.send(new GetBucketLocationCommand({ Bucket: plain }));
    expect(location.LocationConstraint ?? '').toBe('');
    const head = await client.send(new HeadBucketCommand({ Bucket: plain }));
    expect(head.BucketRegion).toBe('us-east-1');
    const listed = await client.send(new ListBucketsCommand({ Prefix: versioned }));
    expect(listed.Buckets?.map((bucket) => bucket.Name)).toEqual([versioned]);
    const missing = new HeadBucketCommand({ Bucket: 'no-bucket' });
    await expect(client.send(missing)).rejects.toEqual(refusal('NotFound', 404));
  });

  it('keeps its objects when it is made again', async () => {
    await put(plain, 'k', 'kept');
    server.engine.createBucket(plain, { versioned: false, eventBridge: false });
    expect(await read(plain, 'k')).toBe('kept');
  });

  it('is closed to who expects another owner', async () => {
    await put(plain, 'k', 'x', { ExpectedBucketOwner: '000000000000' });
    const other = put(plain, 'k', 'x', { ExpectedBucketOwner: '111122223333' });
    await expect(other).rejects.toEqual(refusal('AccessDenied', 403));
    const source = { CopySource: `${plain}/k`, ExpectedSourceBucketOwner: '111122223333' };
    const copy = new CopyObjectCommand({ Bucket: plain, Key: 'copy', ...source });
    await expect(client.send(copy)).rejects.toEqual(refusal('AccessDenied', 403));
  });
});

describe('what is not in the subset', () => {
  it('is refused by its name', async () => {
    const Bucket = plain;
    const attempts: [string, Promise<unknown>][] = [
      ['GetBucketAcl', client.send(new GetBucketAclCommand({ Bucket }))],
      ['ListObjects', client.send(new ListObjectsCommand({ Bucket }))],
      [
        'PutObjectTagging',
        client.send(new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [] } })),
      ],
      ['x-amz-tagging', put(Bucket, 'k', 'x', { Tagging: 'a=b' })],
    ];
    for (const [name, attempt] of attempts) {
      await expect(attempt).rejects.toEqual(refusal('NotImplemented', 501));
      await expect(attempt).rejects.toThrow(name);
    }
  });
});
