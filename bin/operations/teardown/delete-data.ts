/**
 * Deletes the data that a deleted stack left. Each step may be interrupted and repeated: a bucket or a table that is gone
 * already is passed over.
 */
import { DeleteBucketCommand, GetBucketLocationCommand, type S3Client } from '@aws-sdk/client-s3';
import { openLedgerTable } from '../../../functions/shared/adapters/dynamodb/open-ledger.ts';
import { errorName } from '../../connection/put-secret.ts';
import { clientConfigAt, type Target } from '../../connection/target.ts';
import { Failure } from '../../terminal/failure.ts';
import {
  abortUploads,
  type ObjectPlace,
  openUploads,
  removeVersions,
  versionPages,
} from '../object-removal.ts';
import type { Retained } from './retained.ts';

/** How much a resource holds. */
export interface Holding {
  readonly retained: Retained;
  /** Versions and delete markers of a bucket, or items of the table. */
  readonly count: number;
  readonly bytes: number;
  /** Uploads to the bucket that were never completed. */
  readonly uploads: number;
}

const MAX_ROUNDS = 5; // S3 may still deliver access logs, hours after the last request

/** Returns how much a resource holds; undefined if it does not exist any more. Errors: those of AWS. */
export async function holdingOf(
  { target, s3, account }: { target: Target; s3: S3Client; account: string },
  retained: Retained,
): Promise<Holding | undefined> {
  if (retained.kind === 'ledger') {
    const table = openLedgerTable(clientConfigAt(target), retained.name);
    const facts = await table.facts().finally(() => table.close());
    return facts && { retained, count: facts.items, bytes: facts.bytes, uploads: 0 };
  }
  const place = { s3, bucket: retained.name, owner: account };
  if (!(await exists(place))) return undefined;
  let [count, bytes] = [0, 0];
  for await (const page of versionPages(place)) {
    count += page.length;
    bytes += page.reduce((sum, version) => sum + version.bytes, 0);
  }
  return { retained, count, bytes, uploads: (await openUploads(place)).length };
}

/** Deletes the resource with everything in it. `progress` is called with the number of versions deleted so far. */
export async function deleteHolding(
  { target, s3, account }: { target: Target; s3: S3Client; account: string },
  { retained: { kind, name } }: Holding,
  progress: (deleted: number) => void,
): Promise<void> {
  if (kind === 'ledger') {
    const table = openLedgerTable(clientConfigAt(target), name);
    await table.remove().finally(() => table.close());
    return;
  }
  const place = { s3, bucket: name, owner: account };
  let deleted = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    await abortUploads(place, await openUploads(place));
    for await (const page of versionPages(place)) {
      await removeVersions(place, page);
      deleted += page.length;
      progress(deleted);
    }
    if (await deleteBucket(place)) return;
  }
  throw new Failure(
    `New objects arrive in the bucket ${name} while it is emptied. S3 delivers access logs for hours: repeat the command later. It continues where it ended.`,
  );
}

async function exists({ s3, bucket, owner }: ObjectPlace): Promise<boolean> {
  try {
    await s3.send(new GetBucketLocationCommand({ Bucket: bucket, ExpectedBucketOwner: owner }));
    return true;
  } catch (error) {
    if (errorName(error) === 'NoSuchBucket') return false;
    throw error;
  }
}

/** Returns false if the bucket is not empty. */
async function deleteBucket({ s3, bucket, owner }: ObjectPlace): Promise<boolean> {
  try {
    await s3.send(new DeleteBucketCommand({ Bucket: bucket, ExpectedBucketOwner: owner }));
    return true;
  } catch (error) {
    if (errorName(error) === 'NoSuchBucket') return true;
    if (errorName(error) === 'BucketNotEmpty') return false;
    throw error;
  }
}
