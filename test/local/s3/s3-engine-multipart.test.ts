import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

const MIB = 1024 ** 2;
const home = temporaryDirectory();
const big = randomBytes(5 * MIB);
const small = randomBytes(1000);
let server: S3Server;
let client: S3Client;
let round = 0;
let Bucket: string;
const Key = 'parts/of a whole';

beforeAll(async () => {
  server = await startS3(home.path);
  client = s3Client(server);
});

beforeEach(() => {
  round += 1;
  Bucket = `bucket-${round}`;
  server.engine.createBucket(Bucket, { versioned: true, eventBridge: false });
});

afterAll(async () => {
  client.destroy();
  await server.stop();
  home.remove();
});

const dataFiles = (): number => readdirSync(join(home.path, 'data')).length;

const create = async (more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> =>
  (await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? '';

async function upload(
  UploadId: string,
  PartNumber: number,
  Body: Buffer,
  algorithm?: ChecksumAlgorithm,
): Promise<CompletedPart> {
  const checksum = algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm };
  const part = await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...checksum }),
  );
  const { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 } = part;
  const checksums = { ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 };
  return { PartNumber, ETag: part.ETag, ...checksums };
}

const complete = (
  UploadId: string,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) =>
  client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
  );

async function content(Range?: string): Promise<Buffer> {
  const got = await client.send(new GetObjectCommand({ Bucket, Key, Range }));
  return Buffer.from((await got.Body?.transformToByteArray()) ?? []);
}

/** Compares bytes without the test runner's comparison, which takes a second for 5 MiB. */
async function expectContent(expected: Buffer): Promise<void> {
  expect(expected.equals(await content())).toBe(true);
}

const refusal = (name: string, status: number) =>
  expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode: status }) });

describe('a multipart upload', () => {
  it('becomes one object of all its parts, with metadata and an ETag of the parts', async () => {
    const id = await create({ Metadata: { a: '1' }, ContentType: 'x/y' });
    const last = await upload(id, 9, small);
    const first = await upload(id, 2, big);
    const done = await complete(id, [first, last]);
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
    const expected = createHash('md5').update(md5(big)).update(md5(small)).digest('hex');
    expect(done).toMatchObject({ Bucket, Key, ETag: `"${expected}-2"`, VersionId: expect.any(String) });
    await expectContent(Buffer.concat([big, small]));
    const border = `bytes=${big.length - 3}-${big.length + 3}`;
    expect(await content(border)).toEqual(Buffer.concat([big.subarray(-3), small.subarray(0, 4)]));
    expect(await client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
      ContentLength: big.length + small.length,
      ContentType: 'x/y',
      Metadata: { a: '1' },
      VersionId: done.VersionId,
    });
    await expect(complete(id, [first, last])).rejects.toEqual(refusal('NoSuchUpload', 404));
  });

  it('shows nothing before it is completed, and never shows replaced or omitted parts', async () => {
    const before = dataFiles();
    const id = await create();
    await upload(id, 1, big);
    const part = await upload(id, 1, small);
    await upload(id, 2, small);
    expect((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    await complete(id, [part]);
    await expectContent(small);
    expect(dataFiles()).toBe(before + 1);
  });

  it('checks each part before it becomes an object', async () => {
    const id = await create();
    const one = await upload(id, 1, small);
    const two = await upload(id, 2, small);
    const wrong = (parts: CompletedPart[]) => complete(id, parts);
    await expect(wrong([two, one])).rejects.toEqual(refusal('InvalidPartOrder', 400));
    await expect(wrong([one, one])).rejects.toEqual(refusal('InvalidPartOrder', 400));
    await expect(wrong([one, two])).rejects.toEqual(refusal('EntityTooSmall', 400));
    await expect(wrong([{ ...one, ETag: '"0"' }])).rejects.toEqual(refusal('InvalidPart', 400));
    await expect(wrong([{ ...one, PartNumber: 3 }])).rejects.toEqual(refusal('InvalidPart', 400));
    await expect(wrong([{ ...one, ChecksumCRC32: 'AAAAAA==' }])).rejects.toEqual(refusal('InvalidPart', 400));
    await expect(wrong([])).rejects.toEqual(refusal('MalformedXML', 400));
    await expect(complete(id, [one], { MpuObjectSize: 1 })).rejects.toEqual(refusal('InvalidRequest', 400));
    await complete(id, [one], { MpuObjectSize: small.length });
    await expectContent(small);
  });

  it('does not replace an object if the condition forbids it, and can then be completed without the condition', async () => {
    const id = await create();
    const part = await upload(id, 1, small);
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'earlier' }));
    const refused = complete(id, [part], { IfNoneMatch: '*' });
    await expect(refused).rejects.toEqual(refusal('PreconditionFailed', 412));
    expect((await content()).toString()).toBe('earlier');
    await complete(id, [part]);
    await expectContent(small);
  });

  it('leaves no bytes after an abort', async () => {
    const before = dataFiles();
    const id = await create();
    const part = await upload(id, 1, small);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    expect(dataFiles()).toBe(before);
    await expect(upload(id, 2, small)).rejects.toEqual(refusal('NoSuchUpload', 404));
    await expect(complete(id, [part])).rejects.toEqual(refusal('NoSuchUpload', 404));
    const again = client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }));
    await expect(again).rejects.toEqual(refusal('NoSuchUpload', 404));
  });

  it('has parts numbered from 1 to 10,000', async () => {
    const id = await create();
    await upload(id, 10_000, small);
    await expect(upload(id, 0, small)).rejects.toEqual(refusal('InvalidArgument', 400));
    await expect(upload(id, 10_001, small)).rejects.toEqual(refusal('InvalidArgument', 400));
  });

  it('can be read to its end although it is deleted during the read', async () => {
    const before = dataFiles();
    const long = randomBytes(24 * MIB); // more than the socket buffers, so that the second file is not opened yet
    const id = await create();
    const { VersionId } = await complete(id, [await upload(id, 1, long), await upload(id, 2, small)]);
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    await client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    const read = (await got.Body?.transformToByteArray()) ?? Buffer.alloc(0);
    expect(Buffer.concat([long, small]).equals(read)).toBe(true);
    await eventually('the files are gone', () => dataFiles() === before);
  });
});

describe('the checksum of a multipart upload', () => {
  const whole = Buffer.concat([big, small]);

  it.each<[ChecksumAlgorithm, ChecksumType | undefined]>([
    ['CRC64NVME', undefined],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT'],
  ])('%s of the full object equals that of the same bytes in one upload', async (algorithm, type) => {
    const id = await create({ ChecksumAlgorithm: algorithm, ...(type && { ChecksumType: type }) });
    const parts = [await upload(id, 1, big, algorithm), await upload(id, 2, small, algorithm)];
    const done = await complete(id, parts);
    const put = new PutObjectCommand({ Bucket, Key: 'at once', Body: whole, ChecksumAlgorithm: algorithm });
    const atOnce = await client.send(put);
    const name = `Checksum${algorithm}` as keyof typeof atOnce & keyof typeof done;
    expect(atOnce[name]).toMatch(/=$/);
    expect(done[name]).toBe(atOnce[name]);
    expect(done.ChecksumType).toBe('FULL_OBJECT');
    await expectContent(whole); // the client verifies it
  });

  it('is CRC64NVME of the full object, as for a single upload, if the client requests none', async () => {
    const plain = s3Client(server, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const place = { Bucket, Key };
    const { UploadId } = await plain.send(new CreateMultipartUploadCommand(place));
    const part = async (PartNumber: number, Body: Buffer) => {
      const { ETag } = await plain.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
      return { PartNumber, ETag };
    };
    const Parts = [await part(1, big), await part(2, small)];
    await plain.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
    await plain.send(new PutObjectCommand({ Bucket, Key: 'at once', Body: whole }));
    const head = (key: string) =>
      plain.send(new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' }));
    const [inParts, atOnce] = [await head(Key), await head('at once')];
    plain.destroy();
    expect(atOnce).toMatchObject({
      ChecksumType: 'FULL_OBJECT',
      ChecksumCRC64NVME: expect.stringMatching(/=$/),
    });
    expect(inParts).toMatchObject({
      ChecksumType: 'FULL_OBJECT',
      ChecksumCRC64NVME: atOnce.ChecksumCRC64NVME,
    });
    expect(inParts.ETag).not.toBe(atOnce.ETag);
  });

  it("with SHA256 is made from the parts' checksums, which are required", async () => {
    const id = await create({ ChecksumAlgorithm: 'SHA256' });
    const parts = [await upload(id, 1, big, 'SHA256'), await upload(id, 2, small, 'SHA256')];
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    await expect(complete(id, bare)).rejects.toThrow(/must include the checksum for each part/);
    const done = await complete(id, parts);
    const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
    const expected = createHash('sha256').update(sha(big)).update(sha(small)).digest('base64');
    expect(done).toMatchObject({ ChecksumSHA256: `${expected}-2`, ChecksumType: 'COMPOSITE' });
    await expectContent(whole);
  });

  it('must be the announced one', async () => {
    const id = await create({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    await expect(upload(id, 1, small, 'SHA1')).rejects.toEqual(refusal('InvalidRequest', 400));
    const part = await upload(id, 1, small, 'CRC32');
    const wrong = complete(id, [part], { ChecksumCRC32: 'AAAAAA==' });
    await expect(wrong).rejects.toEqual(refusal('BadDigest', 400));
    await expect(create({ ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' })).rejects.toEqual(
      refusal('InvalidRequest', 400),
    );
  });
});

describe('a part copied from an object', () => {
  const copy = (UploadId: string, PartNumber: number, CopySource: string, CopySourceRange?: string) =>
    client.send(
      new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange }),
    );

  it('is the named range of the named version', async () => {
    const source = { Bucket, Key: 'source é' };
    const old = await client.send(new PutObjectCommand({ ...source, Body: big }));
    await client.send(new PutObjectCommand({ ...source, Body: 'newer' }));
    const id = await create();
    const path = `${Bucket}/${encodeURIComponent(source.Key)}`;
    const first = await copy(id, 1, `${path}?versionId=${old.VersionId}`);
    const second = await copy(id, 2, path, 'bytes=1-3');
    expect(first.CopySourceVersionId).toBe(old.VersionId);
    await complete(id, [
      { PartNumber: 1, ETag: first.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
    ]);
    await expectContent(Buffer.concat([big, Buffer.from('ewe')]));
  });

  it('cannot reach beyond its source', async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: '0123456789' }));
    const id = await create();
    for (const range of ['bytes=0-10', 'bytes=5-', 'bytes=5-4']) {
      await expect(copy(id, 1, `${Bucket}/source`, range)).rejects.toEqual(refusal('InvalidArgument', 400));
    }
    await expect(copy(id, 1, `${Bucket}/none`)).rejects.toEqual(refusal('NoSuchKey', 404));
  });
});

describe('a listing', () => {
  it('of parts has pages', async () => {
    const id = await create();
    for (const number of [1, 3, 5]) await upload(id, number, small);
    const page = (PartNumberMarker?: string) =>
      client.send(new ListPartsCommand({ Bucket, Key, UploadId: id, MaxParts: 2, PartNumberMarker }));
    const first = await page();
    expect(first.Parts?.map((part) => part.PartNumber)).toEqual([1, 3]);
    expect(first.IsTruncated).toBe(true);
    const second = await page(`${first.NextPartNumberMarker}`);
    expect(second.Parts).toEqual([expect.objectContaining({ PartNumber: 5, Size: small.length })]);
    expect(second.IsTruncated).toBe(false);
  });

  it('of uploads shows each once, sorted by key and age', async () => {
    const ids = [await create({ Key: 'b' }), await create({ Key: 'b' }), await create({ Key: 'a/x' })];
    const [older, newer, other] = ids;
    const seen: (string | undefined)[] = [];
    let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
    for (;;) {
      const page = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1, ...markers }));
      seen.push(...(page.Uploads ?? []).map((one) => one.UploadId));
      if (!page.IsTruncated) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(seen).toEqual([other, older, newer]);
    const grouped = await client.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'a/' }]);
    expect(grouped.Uploads).toHaveLength(2);
  });
});
