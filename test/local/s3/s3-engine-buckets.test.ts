import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { client, plain, put, read, refusal, runS3Engine, server, versioned } from './s3-engine-fixture.ts';

runS3Engine();

describe('a versioned bucket', () => {
  it('keeps every version readable by its id, even after a delete marker', async () => {
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

  it('shows the object again once its delete marker is deleted, and deletes a version only by its id', async () => {
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

  it('lists versions and markers newest first in pages, even if the last listed one is deleted between pages', async () => {
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

  it('keeps its versions if versioning is suspended, and then has one version with the id null', async () => {
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

describe('a bucket that is deleted', () => {
  it('must be empty of versions, delete markers and uploads', async () => {
    const remove = () => client.send(new DeleteBucketCommand({ Bucket: versioned }));
    const notEmpty = refusal('BucketNotEmpty', 409);
    const { VersionId } = await put(versioned, 'k', 'content');
    await expect(remove()).rejects.toEqual(notEmpty);
    const marker = await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k' }));
    await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k', VersionId }));
    await expect(remove()).rejects.toEqual(notEmpty);
    await client.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'k', VersionId: marker.VersionId }));
    const upload = { Bucket: versioned, Key: 'half' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
    await expect(remove()).rejects.toEqual(notEmpty);
    await client.send(new AbortMultipartUploadCommand({ ...upload, UploadId }));
    await remove();
    await expect(remove()).rejects.toEqual(refusal('NoSuchBucket', 404));
    await expect(put(versioned, 'k', 'content')).rejects.toEqual(refusal('NoSuchBucket', 404));
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

  it.each([1, 2, 3, 1000])('in pages of %i shows every key once, in byte order', async (MaxKeys) => {
    for (const key of keys) await put(plain, key, key);
    // U+FF5E sorts before U+1F642 in UTF-8, and after it in UTF-16.
    expect(await listAll({ MaxKeys })).toEqual([...keys.slice(0, 6), 'z\uFF5E', 'z\u{1F642}']);
    const grouped = await listAll({ MaxKeys, Delimiter: '/' });
    expect(grouped.toSorted()).toEqual(['a/…', 'b', 'c/…', 'e', 'z\u{1F642}', 'z\uFF5E'].toSorted());
    expect(await listAll({ MaxKeys, Prefix: 'c/', Delimiter: '/' })).toEqual(['c/d/…']);
    expect(await listAll({ MaxKeys, Prefix: 'a/' })).toEqual(['a/1', 'a/2']);
    expect(await listAll({ MaxKeys, StartAfter: 'c/d/1', Prefix: 'c' })).toEqual(['c/d/2']);
  });

  it('has URL-encoded keys if requested', async () => {
    await put(plain, 'a b/ü+(1)~*.txt', 'x');
    const query = { Bucket: plain, EncodingType: 'url' as const, Prefix: 'a b' };
    const page = await client.send(new ListObjectsV2Command(query));
    expect(page).toMatchObject({ EncodingType: 'url', Prefix: 'a+b' });
    expect(page.Contents?.[0]?.Key).toBe('a+b/%C3%BC%2B%281%29%7E*.txt');
  });

  it('without keys is empty and complete', async () => {
    await put(plain, 'k', 'x');
    const none = await client.send(new ListObjectsV2Command({ Bucket: plain, MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false });
    const bad = new ListObjectsV2Command({ Bucket: plain, ContinuationToken: '?' });
    await expect(client.send(bad)).rejects.toEqual(refusal('InvalidArgument', 400));
  });
});

describe('a bucket', () => {
  it('reports its region and settings', async () => {
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

  it('keeps its objects if it is created again', async () => {
    await put(plain, 'k', 'kept');
    server.engine.createBucket(plain, { versioned: false, eventBridge: false });
    expect(await read(plain, 'k')).toBe('kept');
  });

  it('refuses a request that expects another owner', async () => {
    await put(plain, 'k', 'x', { ExpectedBucketOwner: '000000000000' });
    const other = put(plain, 'k', 'x', { ExpectedBucketOwner: '111122223333' });
    await expect(other).rejects.toEqual(refusal('AccessDenied', 403));
    const source = { CopySource: `${plain}/k`, ExpectedSourceBucketOwner: '111122223333' };
    const copy = new CopyObjectCommand({ Bucket: plain, Key: 'copy', ...source });
    await expect(client.send(copy)).rejects.toEqual(refusal('AccessDenied', 403));
  });
});

describe('an operation or option that is not implemented', () => {
  it('fails with its name', async () => {
    const Bucket = plain;
    const attempts: [string, Promise<unknown>][] = [
      ['GetBucketAcl', client.send(new GetBucketAclCommand({ Bucket }))],
      ['ListObjects', client.send(new ListObjectsCommand({ Bucket }))],
      ['DeleteObjectTagging', client.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'k' }))],
      [
        'x-amz-website-redirect-location',
        put(Bucket, 'k', 'x', { WebsiteRedirectLocation: 'https://example.com' }),
      ],
    ];
    for (const [name, attempt] of attempts) {
      await expect(attempt).rejects.toEqual(refusal('NotImplemented', 501));
      await expect(attempt).rejects.toThrow(name);
    }
  });
});
