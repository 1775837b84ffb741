/**
 * A program that makes the AWS calls of small jobs and does nothing else: what is left of a job's time is Batchdrop, its
 * processes, the queues and the Batch API. Arguments: `RuntimeEndpoints` as JSON, the number of jobs, and a name that no other
 * program has.
 */
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { RuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';

/** By `npm run bench:calls`, for one small job. Two of the reads are queries there. */
const CALLS = { ledgerReads: 15, ledgerWrites: 22, events: 6, putObject: 5, getObject: 3 };
const AT_ONCE = 4;
const TEXT = 'x'.repeat(1200); // about the size of a part, an event and a small object

const [endpoints = '', jobs = '0', name = ''] = process.argv.slice(2);
const { url, ledgerTable, resultsBucket, eventBus }: RuntimeEndpoints = JSON.parse(endpoints);
const ledger = new DynamoDBClient(clientConfig(url));
const s3 = new S3Client(clientConfig(url));
const bus = new EventBridgeClient(clientConfig(url));

let next = 0;
const worker = async () => {
  for (let job = next++; job < Number(jobs); job = next++) await makeCalls(`${name}-${job}`);
};
await Promise.all(Array.from({ length: AT_ONCE }, worker));
for (const client of [ledger, s3, bus]) client.destroy();

async function makeCalls(job: string): Promise<void> {
  for (let version = 1; version <= CALLS.ledgerWrites; version += 1) await write(job, version);
  const Key = { pk: { S: job }, sk: { S: 'item' } };
  const item = { TableName: ledgerTable, Key, ConsistentRead: true };
  await times(CALLS.ledgerReads, () => ledger.send(new GetItemCommand(item)));
  const entry = {
    EventBusName: eventBus,
    Source: 'calls-alone',
    DetailType: 'x',
    Detail: JSON.stringify({ TEXT }),
  };
  await times(CALLS.events, () => bus.send(new PutEventsCommand({ Entries: [entry] })));
  const object = { Bucket: resultsBucket, Key: `calls-alone/${job}` };
  await times(CALLS.putObject, () => s3.send(new PutObjectCommand({ ...object, Body: TEXT })));
  await times(CALLS.getObject, async () => {
    const { Body } = await s3.send(new GetObjectCommand(object));
    await Body?.transformToByteArray();
  });
  await s3.send(new HeadObjectCommand(object));
  await s3.send(new ListObjectsV2Command({ Bucket: resultsBucket, Prefix: object.Key }));
  await s3.send(new GetObjectTaggingCommand(object));
  await s3.send(new PutObjectTaggingCommand({ ...object, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }));
  await s3.send(
    new DeleteObjectsCommand({ Bucket: resultsBucket, Delete: { Objects: [{ Key: object.Key }] } }),
  );
}

/** Writes the item as the ledger does: only on its last version. */
async function write(job: string, version: number): Promise<void> {
  const Item = { pk: { S: job }, sk: { S: 'item' }, version: { N: `${version}` }, text: { S: TEXT } };
  const condition = {
    ConditionExpression: '#v = :v',
    ExpressionAttributeNames: { '#v': 'version' },
    ExpressionAttributeValues: { ':v': { N: `${version - 1}` } },
  };
  await ledger.send(new PutItemCommand({ TableName: ledgerTable, Item, ...(version > 1 ? condition : {}) }));
}

async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += 1) await call();
}
