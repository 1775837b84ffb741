import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

const home = temporaryDirectory();
const Bucket = 'tags-bucket';
let server: S3Server;
let client: S3Client;

beforeAll(async () => {
  server = await startS3(home.path);
  server.engine.createBucket(Bucket, { versioned: true, eventBridge: false });
  client = s3Client(server);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
  home.remove();
});

async function tagsOf(Key: string, VersionId?: string): Promise<Record<string, string>> {
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }));
  return Object.fromEntries(TagSet.map(({ Key: key = '', Value = '' }) => [key, Value]));
}

const put = (Key: string, Tagging?: string) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', Tagging, Metadata: { team: 'search' } }));

const tag = (Key: string, tags: Record<string, string>, VersionId?: string) => {
  const TagSet = Object.entries(tags).map(([key, Value]) => ({ Key: key, Value }));
  return client.send(new PutObjectTaggingCommand({ Bucket, Key, VersionId, Tagging: { TagSet } }));
};

describe('tags', () => {
  it('are written with an object, and a reader of it sees how many it has', async () => {
    await put('with', 'a=1&b%20c=%C3%BC+d');
    expect(await tagsOf('with')).toEqual({ a: '1', 'b c': 'ü d' });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'with' }));
    expect(head).toMatchObject({ TagCount: 2, Metadata: { team: 'search' } });
    await put('without');
    expect(await tagsOf('without')).toEqual({});
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'without' }))).TagCount).toBeUndefined();
  });

  it('are written with a multipart upload', async () => {
    const Key = 'in parts';
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, Tagging: 'a=1' }));
    const part = { Bucket, Key, UploadId, PartNumber: 1 };
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'x' }));
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    expect(await tagsOf(Key)).toEqual({ a: '1' });
  });

  it('of one version are replaced as a whole, while its content, its metadata and other versions remain', async () => {
    const { VersionId: older } = await put('twice', 'a=1&b=2');
    const { VersionId: newer } = await put('twice', 'c=3');
    await tag('twice', { a: '&<ü>', d: '' }, older);
    expect(await tagsOf('twice', older)).toEqual({ a: '&<ü>', d: '' });
    expect(await tagsOf('twice', newer)).toEqual({ c: '3' });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'twice', VersionId: older }));
    expect(head).toMatchObject({ ContentLength: 1, TagCount: 2, Metadata: { team: 'search' } });
    await tag('twice', {});
    expect(await tagsOf('twice')).toEqual({});
  });

  it('are copied with the object, also if the metadata is new', async () => {
    await put('source', 'a=1');
    const CopySource = `${Bucket}/source`;
    await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
    const replaced = { MetadataDirective: 'REPLACE' as const, Metadata: { other: 'x' } };
    await client.send(new CopyObjectCommand({ Bucket, Key: 'changed', CopySource, ...replaced }));
    expect(await tagsOf('copy')).toEqual({ a: '1' });
    expect(await tagsOf('changed')).toEqual({ a: '1' });
  });

  it('are not copied if the copy says so, and then it has its own', async () => {
    await put('source', 'a=1');
    const CopySource = `${Bucket}/source`;
    const replaced = { TaggingDirective: 'REPLACE' as const };
    await client.send(new CopyObjectCommand({ Bucket, Key: 'bare', CopySource, ...replaced }));
    await client.send(new CopyObjectCommand({ Bucket, Key: 'own', CopySource, ...replaced, Tagging: 'b=2' }));
    expect(await tagsOf('bare')).toEqual({});
    expect(await tagsOf('own')).toEqual({ b: '2' });
    await client.send(new CopyObjectCommand({ Bucket, Key: 'same', CopySource, Tagging: 'b=2' }));
    expect(await tagsOf('same')).toEqual({ a: '1' });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'bare' }));
    expect(head.Metadata).toEqual({ team: 'search' });
  });

  it.each([
    ['eleven', Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`k${at}`, 'v'])), 'BadRequest'],
    ['without a key', { '': 'v' }, 'InvalidTag'],
    ['with a key that is too long', { ['k'.repeat(129)]: 'v' }, 'InvalidTag'],
    ['with a value that is too long', { k: 'v'.repeat(257) }, 'InvalidTag'],
  ])('%s are refused', async (_, tags, name) => {
    await put('refused', 'a=1');
    await expect(tag('refused', tags)).rejects.toMatchObject({ name });
    await expect(put('refused', new URLSearchParams(tags).toString())).rejects.toMatchObject({ name });
    expect(await tagsOf('refused')).toEqual({ a: '1' });
  });

  it('with the same key twice are refused', async () => {
    await expect(put('refused', 'a=1&a=2')).rejects.toMatchObject({ name: 'InvalidTag' });
  });

  it('of a missing object or version are reported as missing', async () => {
    await expect(tagsOf('nobody')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await put('there');
    await expect(tag('there', { a: '1' }, 'x'.repeat(32))).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });
});
