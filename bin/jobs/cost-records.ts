import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { COSTS_FOLDER } from '../../functions/shared/contract/result-keys.ts';
import type { CostRecord } from '../../functions/shared/domain/money/cost-record.ts';
import { inParallel } from '../../functions/shared/lifecycle/in-parallel.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';

const AT_ONCE = 16;

/**
 * Yields what each job cost that arrived at this time or later, in the order of their days. `since` in milliseconds; absent:
 * all jobs. Reads one small object a job. Errors: those of S3; a Failure that names an object which is no record.
 */
export async function* costRecords(
  connection: Connection,
  since: number | undefined,
): AsyncGenerator<CostRecord> {
  const before = since === undefined ? '' : folderOf(since);
  for await (const objects of recordObjects(connection, '', before)) {
    const records = await recordsAt(connection, objects);
    yield* records.filter(({ receivedAt }) => since === undefined || Date.parse(receivedAt) >= since);
  }
}

/** Records that were read, by key. A record that is written again has another ETag. */
export type KeptRecords = Map<string, { readonly etag: string; readonly record: CostRecord }>;

/**
 * Returns what the jobs cost that arrived on the day of this time, in UTC; undefined if there are more than `limit`. Reads only
 * objects that are not in `kept`, and adds them. `at` in milliseconds. Errors: as `costRecords`.
 */
export async function costRecordsOfDay(
  connection: Connection,
  at: number,
  { kept, limit }: { readonly kept: KeptRecords; readonly limit: number },
): Promise<CostRecord[] | undefined> {
  const objects: RecordObject[] = [];
  for await (const page of recordObjects(connection, `${folderOf(at)}/`, '')) {
    objects.push(...page);
    if (objects.length > limit) return undefined;
  }
  const unread = objects.filter(({ key, etag }) => kept.get(key)?.etag !== etag);
  const records = await recordsAt(connection, unread);
  for (const [index, { key, etag }] of unread.entries()) {
    const record = records[index];
    if (record) kept.set(key, { etag, record });
  }
  return objects.flatMap(({ key }) => kept.get(key)?.record ?? []);
}

interface RecordObject {
  readonly key: string;
  readonly etag: string;
}

/** Yields pages of objects whose keys begin with `start` and come after `after`, both without the folder of all records. */
async function* recordObjects(
  { s3, names }: Connection,
  start: string,
  after: string,
): AsyncGenerator<RecordObject[]> {
  const folder = `${names.resultsPrefix ?? ''}${COSTS_FOLDER}`;
  let last = after === '' ? undefined : `${folder}${after}`;
  for (;;) {
    const { Contents = [], IsTruncated } = await s3.send(
      new ListObjectsV2Command({
        Bucket: names.resultsBucket,
        Prefix: `${folder}${start}`,
        StartAfter: last,
      }),
    );
    yield Contents.flatMap(({ Key: key, ETag: etag = '' }) => (key === undefined ? [] : [{ key, etag }]));
    last = Contents.at(-1)?.Key ?? last;
    if (!IsTruncated) return;
  }
}

function folderOf(at: number): string {
  return `date=${new Date(at).toISOString().slice(0, 10)}`;
}

async function recordsAt(connection: Connection, objects: readonly RecordObject[]): Promise<CostRecord[]> {
  const records: CostRecord[] = [];
  const numbered = objects.map(({ key }, at) => ({ key, at }));
  await inParallel(numbered, AT_ONCE, async ({ key, at }) => {
    records[at] = await recordAt(connection, key);
  });
  return records;
}

async function recordAt({ s3, names }: Connection, key: string): Promise<CostRecord> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: names.resultsBucket, Key: key }));
  const text = (await Body?.transformToString()) ?? '';
  try {
    const record: CostRecord = JSON.parse(text);
    if (Array.isArray(record.models) && typeof record.currency === 'string') return record;
  } catch {
    // said below
  }
  throw new Failure(
    `s3://${names.resultsBucket}/${key} does not say what a job cost. Batchdrop writes one JSON object there; remove what another program wrote.`,
  );
}
