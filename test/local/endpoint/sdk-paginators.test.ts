import {
  BatchWriteItemCommand,
  CreateTableCommand,
  paginateListTables,
  paginateQuery,
  paginateScan,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  CreateMultipartUploadCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  paginateListParts,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, paginateListQueues } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SdkEndpoint, startSdkEndpoint } from './sdk-endpoint.ts';

let sdk: SdkEndpoint;

beforeAll(async () => {
  sdk = await startSdkEndpoint();
});

afterAll(() => sdk.close());

/** Returns the content of each page, in the SDK's order. */
async function pagesOf<Page, T>(pages: AsyncIterable<Page>, read: (page: Page) => T[] | undefined) {
  const all: T[][] = [];
  for await (const page of pages) all.push(read(page) ?? []);
  return all;
}

const sizes = (pages: readonly (readonly unknown[])[]) => pages.map((page) => page.length);
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(2, '0')}`);

describe('the SDK pages through', () => {
  const Bucket = 'pages';

  beforeAll(async () => {
    await sdk.createBucket(Bucket, { versioned: true });
    for (const Key of [...numbered('a & b/ü ', 7), ...numbered('c/', 4)]) {
      await sdk.s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    }
  });

  it('the objects of a bucket, each once and in order', async () => {
    const pages = await pagesOf(paginateListObjectsV2({ client: sdk.s3, pageSize: 4 }, { Bucket }), (page) =>
      page.Contents?.map((each) => each.Key),
    );
    expect(sizes(pages)).toEqual([4, 4, 3]);
    expect(pages.flat()).toEqual([...numbered('a & b/ü ', 7), ...numbered('c/', 4)]);
  });

  it('the common prefixes and objects, no prefix twice', async () => {
    const pages = await pagesOf(
      paginateListObjectsV2({ client: sdk.s3, pageSize: 1 }, { Bucket, Delimiter: '/' }),
      (page) => page.CommonPrefixes?.map((each) => each.Prefix),
    );
    expect(pages).toEqual([['a & b/'], ['c/']]);
  });

  it('the objects of a prefix, after a key', async () => {
    const pages = await pagesOf(
      paginateListObjectsV2({ client: sdk.s3, pageSize: 2 }, { Bucket, Prefix: 'c/', StartAfter: 'c/00' }),
      (page) => page.Contents?.map((each) => each.Key),
    );
    expect(pages).toEqual([['c/01', 'c/02'], ['c/03']]);
  });

  it('the versions of objects, with its two markers', async () => {
    for (const Body of ['second', 'third']) {
      await sdk.s3.send(new PutObjectCommand({ Bucket, Key: 'c/00', Body }));
    }
    const pages: (string | undefined)[][] = [];
    let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
    for (let more = true; more; ) {
      const page = await sdk.s3.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: 'c/', MaxKeys: 2, ...markers }),
      );
      pages.push(page.Versions?.map(({ Key, IsLatest }) => `${Key}${IsLatest ? '' : ' before'}`) ?? []);
      markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      more = page.IsTruncated === true;
    }
    expect(pages).toEqual([
      ['c/00', 'c/00 before'],
      ['c/00 before', 'c/01'],
      ['c/02', 'c/03'],
    ]);
  });

  it('the parts of an upload', async () => {
    const { UploadId } = await sdk.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'large' }));
    for (const PartNumber of [1, 2, 3, 5, 9]) {
      await sdk.s3.send(new UploadPartCommand({ Bucket, Key: 'large', UploadId, PartNumber, Body: 'x' }));
    }
    const pages = await pagesOf(
      paginateListParts({ client: sdk.s3, pageSize: 2 }, { Bucket, Key: 'large', UploadId }),
      (page) => page.Parts?.map((part) => part.PartNumber),
    );
    expect(pages).toEqual([[1, 2], [3, 5], [9]]);
  });

  it('the buckets', async () => {
    for (const name of ['pages-b', 'pages-a']) await sdk.createBucket(name);
    const pages = await pagesOf(paginateListBuckets({ client: sdk.s3 }, { Prefix: 'pages-' }), (page) =>
      page.Buckets?.map((each) => each.Name),
    );
    expect(pages.flat()).toEqual(['pages-a', 'pages-b']);
  });

  it('the queues', async () => {
    for (const QueueName of [...numbered('line-', 5), 'other']) {
      await sdk.sqs.send(new CreateQueueCommand({ QueueName }));
    }
    const pages = await pagesOf(
      paginateListQueues({ client: sdk.sqs, pageSize: 2 }, { QueueNamePrefix: 'line-' }),
      (page) => page.QueueUrls?.map((url) => url.split('/').at(-1)),
    );
    expect(pages).toEqual([['line-00', 'line-01'], ['line-02', 'line-03'], ['line-04']]);
  });
});

describe('the SDK pages through a table', () => {
  const TableName = 'numbers';

  beforeAll(async () => {
    await sdk.dynamoDb.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'N' },
        ],
      }),
    );
    const patience = { maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.05 };
    await waitUntilTableExists({ client: sdk.dynamoDb, ...patience }, { TableName });
    const items = [10, 9, 1, -2, 2.5, 100, 0].map((n) => ({ pk: { S: 'a' }, sk: { N: String(n) } }));
    await sdk.dynamoDb.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
      }),
    );
  });

  // Creates a new object for each use, because the SDK's paginators write their token into it.
  const query = () => ({
    TableName,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': { S: 'a' } },
  });

  it('by query, in the order of numbers', async () => {
    const pages = await pagesOf(paginateQuery({ client: sdk.dynamoDb, pageSize: 3 }, query()), (page) =>
      page.Items?.map((item) => Number(item.sk?.N)),
    );
    expect(pages.flat()).toEqual([-2, 0, 1, 2.5, 9, 10, 100]);
    expect(Math.max(...sizes(pages))).toBe(3);
  });

  it('by query, backwards', async () => {
    const pages = await pagesOf(
      paginateQuery({ client: sdk.dynamoDb, pageSize: 3 }, { ...query(), ScanIndexForward: false }),
      (page) => page.Items?.map((item) => Number(item.sk?.N)),
    );
    expect(pages.flat()).toEqual([100, 10, 9, 2.5, 1, 0, -2]);
  });

  it('by scan, each item once', async () => {
    const pages = await pagesOf(paginateScan({ client: sdk.dynamoDb, pageSize: 2 }, { TableName }), (page) =>
      page.Items?.map((item) => Number(item.sk?.N)),
    );
    expect(pages.flat().toSorted((a, b) => a - b)).toEqual([-2, 0, 1, 2.5, 9, 10, 100]);
    expect(pages.length).toBeGreaterThanOrEqual(4);
  });

  it('and the tables', async () => {
    const pages = await pagesOf(
      paginateListTables({ client: sdk.dynamoDb, pageSize: 1 }, {}),
      (page) => page.TableNames,
    );
    expect(pages.flat()).toEqual([TableName]);
  });
});
