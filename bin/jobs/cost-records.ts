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
  const { s3, names } = connection;
  const folder = `${names.resultsPrefix ?? ''}${COSTS_FOLDER}`;
  const before = since === undefined ? '' : `date=${new Date(since).toISOString().slice(0, 10)}`;
  let after = `${folder}${before}`;
  for (;;) {
    const { Contents = [], IsTruncated } = await s3.send(
      new ListObjectsV2Command({ Bucket: names.resultsBucket, Prefix: folder, StartAfter: after }),
    );
    const keys = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
    const records: CostRecord[] = [];
    const numbered = keys.map((key, at) => ({ key, at }));
    await inParallel(numbered, AT_ONCE, async ({ key, at }) => {
      records[at] = await recordAt(connection, key);
    });
    yield* records.filter(({ receivedAt }) => since === undefined || Date.parse(receivedAt) >= since);
    after = keys.at(-1) ?? after;
    if (!IsTruncated) return;
  }
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
