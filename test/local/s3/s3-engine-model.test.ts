import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, s3Client, startS3, temporaryDirectory } from './s3-engine-server.ts';

/** A simple model of S3: a list of versions per key, newest first. */
interface Version {
  readonly id: string;
  /** Undefined for a delete marker. */
  readonly content: string | undefined;
}

class Model {
  readonly keys = new Map<string, Version[]>();

  of(key: string): Version[] {
    return this.keys.get(key) ?? [];
  }

  /** Adds a version. Without versioning, it replaces all others. */
  add(key: string, version: Version, versioned: boolean): void {
    this.keys.set(key, [version, ...(versioned ? this.of(key) : [])]);
  }

  remove(key: string, id: string | undefined): void {
    this.keys.set(
      key,
      this.of(key).filter((version) => id !== undefined && version.id !== id),
    );
  }

  current(key: string): string | undefined {
    return this.of(key)[0]?.content;
  }

  /** In the order of UTF-8 bytes. */
  sortedKeys(): string[] {
    return [...this.keys.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  listed(prefix: string, delimiter: string | undefined): string[] {
    const entries = this.sortedKeys()
      .filter((key) => key.startsWith(prefix) && this.current(key) !== undefined)
      .map((key) => {
        const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
        return at === -1 ? `key ${key}` : `prefix ${key.slice(0, at + 1)}`;
      });
    return [...new Set(entries)].toSorted();
  }
}

const home = temporaryDirectory();
let server: S3Server;
let client: S3Client;

beforeAll(async () => {
  server = await startS3(home.path);
  client = s3Client(server);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
  home.remove();
});

const key = fc.constantFrom('a', 'a/b', 'a/b/c', 'a//', 'a+b', 'ä/\u{1F642}', 'ä/\uFF5E', '..', 'b c');
const content = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key, content }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('put if none' as const), key, content }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const), key, to: key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete many' as const), keys: fc.uniqueArray(key) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete version' as const), key, at: fc.nat(5) }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** Returns the error's code if the model expects it. Throws otherwise. */
const codeOf = (error: unknown): string => (error instanceof Error ? error.name : String(error));

async function put(
  bucket: string,
  model: Model,
  versioned: boolean,
  step: Action & { do: 'put' | 'put if none' },
) {
  const input = { Bucket: bucket, Key: step.key, Body: step.content };
  if (step.do === 'put if none' && model.current(step.key) !== undefined) {
    const refused = client.send(new PutObjectCommand({ ...input, IfNoneMatch: '*' }));
    expect(await refused.catch(codeOf)).toBe('PreconditionFailed');
    return;
  }
  const condition = step.do === 'put' ? {} : { IfNoneMatch: '*' };
  const stored = await client.send(new PutObjectCommand({ ...input, ...condition }));
  expect(stored.VersionId !== undefined).toBe(versioned);
  model.add(step.key, { id: stored.VersionId ?? 'null', content: step.content }, versioned);
}

async function copy(bucket: string, model: Model, versioned: boolean, step: Action & { do: 'copy' }) {
  const CopySource = `${bucket}/${encodeURIComponent(step.key)}`;
  const copying = client.send(new CopyObjectCommand({ Bucket: bucket, Key: step.to, CopySource }));
  const source = model.current(step.key);
  if (source === undefined) {
    expect(await copying.catch(codeOf)).toBe('NoSuchKey');
  } else if (step.key === step.to) {
    expect(await copying.catch(codeOf)).toBe('InvalidRequest');
  } else {
    model.add(step.to, { id: (await copying).VersionId ?? 'null', content: source }, versioned);
  }
}

function noteDeletion(model: Model, versioned: boolean, key: string, markerId: string | undefined): void {
  if (versioned) model.add(key, { id: markerId ?? 'missing', content: undefined }, true);
  else model.remove(key, undefined);
}

async function perform(bucket: string, model: Model, versioned: boolean, step: Action): Promise<void> {
  switch (step.do) {
    case 'put':
    case 'put if none':
      return put(bucket, model, versioned, step);
    case 'copy':
      return copy(bucket, model, versioned, step);
    case 'delete': {
      const deletion = await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: step.key }));
      return noteDeletion(model, versioned, step.key, deletion.VersionId);
    }
    case 'delete many': {
      if (step.keys.length === 0) return;
      const Delete = { Objects: step.keys.map((Key) => ({ Key })) };
      const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
      expect(Deleted?.map((one) => one.Key)).toEqual(step.keys);
      for (const one of Deleted ?? []) {
        noteDeletion(model, versioned, `${one.Key}`, one.DeleteMarkerVersionId);
      }
      return;
    }
    case 'delete version': {
      const versions = model.of(step.key);
      const id = versions[step.at % Math.max(1, versions.length)]?.id ?? 'null';
      const VersionId = id;
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: step.key, VersionId }));
      model.remove(step.key, id);
    }
  }
}

async function compareReads(bucket: string, model: Model): Promise<void> {
  for (const [key, versions] of model.keys) {
    const reads = [undefined, ...versions.map((version) => version.id)];
    for (const VersionId of reads) {
      const get = client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId }));
      const found = await get.then((got) => got.Body?.transformToString(), codeOf);
      const version = versions.find((one) => one.id === VersionId);
      const missing = VersionId === undefined ? 'NoSuchKey' : 'MethodNotAllowed';
      const expected = VersionId === undefined ? model.current(key) : version?.content;
      expect(found).toBe(expected ?? missing);
    }
  }
}

async function compareListings(bucket: string, model: Model, pageSize: number): Promise<void> {
  for (const [Prefix, Delimiter] of [
    ['', undefined],
    ['', '/'],
    ['a', '/'],
    ['a/', '/'],
    ['ä', undefined],
  ] as const) {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const query = { Bucket: bucket, Prefix, Delimiter, MaxKeys: pageSize, ContinuationToken: token };
      const page = await client.send(new ListObjectsV2Command(query));
      found.push(...(page.Contents ?? []).map((one) => `key ${one.Key}`));
      found.push(...(page.CommonPrefixes ?? []).map((one) => `prefix ${one.Prefix}`));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    expect(found.toSorted()).toEqual(model.listed(Prefix, Delimiter));
  }
}

async function compareVersions(bucket: string, model: Model, pageSize: number): Promise<void> {
  const found = new Map<string, string[]>();
  let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
  while (markers !== undefined) {
    const query: ListObjectVersionsCommandInput = { Bucket: bucket, MaxKeys: pageSize, ...markers };
    const page: ListObjectVersionsCommandOutput = await client.send(new ListObjectVersionsCommand(query));
    for (const one of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
      found.set(`${one.Key}`, [...(found.get(`${one.Key}`) ?? []), `${one.VersionId}`]);
      expect(one.IsLatest).toBe(model.of(`${one.Key}`)[0]?.id === one.VersionId);
    }
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
    markers = page.IsTruncated ? { KeyMarker, VersionIdMarker } : undefined;
  }
  const expected = model.sortedKeys().filter((key) => model.of(key).length > 0);
  expect([...found.keys()].toSorted()).toEqual(expected.toSorted());
  for (const key of expected) {
    const ids = model.of(key).map((version) => version.id);
    expect(found.get(key)?.toSorted()).toEqual(ids.toSorted());
  }
}

describe.each([true, false])('a bucket with versioning %s', (versioned) => {
  it('stores and lists the same as the model after any sequence of calls', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        async (steps, pageSize) => {
          round += 1;
          const bucket = `model-${versioned}-${round}`;
          server.engine.createBucket(bucket, { versioned, eventBridge: false });
          const model = new Model();
          for (const step of steps) await perform(bucket, model, versioned, step);
          await compareReads(bucket, model);
          await compareListings(bucket, model, pageSize);
          await compareVersions(bucket, model, pageSize);
        },
      ),
      { numRuns: 30 },
    );
  });
});
