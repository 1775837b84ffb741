/**
 * Finds request files that were uploaded to the wrong place, where nobody looks at them. It reads the first page of each
 * bucket.
 *
 * Known gaps: it does not see files after the first 1,000 keys, nor those in a folder of the results bucket.
 */
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { REQUEST_FILE_SUFFIXES } from '../../../functions/shared/contract/request-file.ts';
import { serverTime } from '../../connection/server-time.ts';
import { counted } from '../../terminal/amounts.ts';
import { failed, note, ok, type Verdict } from '../finding.ts';
import { requestPrefixOf } from './bucket-checks.ts';
import type { Subject } from './subject.ts';

const COMPRESSED = /\.(jsonl|ndjson)\.(gz|zst|bz2|zip|xz)$/i;
const MAX_LOOKED_UP = 50;
/** A file that is older has a job by now, unless nobody noticed it; the ledger forgets much older ones. */
const NOTICED_AFTER_MS = 10 * 60_000;
const REMEMBERED_MS = 7 * 24 * 3_600_000;

interface StoredFile {
  readonly key: string;
  readonly at: number;
}

export async function filesAreInPlace(subject: Subject): Promise<Verdict> {
  const { names, s3 } = subject.connection;
  const { requestBucket: requests, resultsBucket: results, resultsPrefix = '' } = names;
  const prefix = await requestPrefixOf(subject);
  const files = await firstFiles(s3, { Bucket: requests });
  const inScope = files.filter(({ key }) => prefix === undefined || key.startsWith(prefix));
  const unnoticed = await unnoticedOf(subject, inScope);
  if (unnoticed !== undefined) return unnoticed;

  const [zipped] = inScope.filter(({ key }) => COMPRESSED.test(key));
  if (zipped !== undefined) {
    const plain = zipped.key.replace(/\.[^.]+$/, '');
    return note(
      `${zipped.key} is compressed, so it was rejected`,
      `Upload it uncompressed, for example: aws s3 cp s3://${requests}/${zipped.key} - | gunzip | aws s3 cp - s3://${requests}/${plain}`,
    );
  }
  const [outside, ...more] = files.filter(
    ({ key }) => isRequestFile(key) && !inScope.some((each) => each.key === key),
  );
  if (prefix !== undefined && outside !== undefined)
    return note(
      `${shown(outside, more)} not under the request prefix ${prefix}, so Batchdrop does not see ${more.length === 0 ? 'it' : 'them'}`,
      `If it is for Batchdrop: aws s3 mv s3://${requests}/${outside.key} s3://${requests}/${prefix}${outside.key}`,
    );
  const top = await firstFiles(s3, { Bucket: results, Prefix: resultsPrefix, Delimiter: '/' });
  const [misplaced, ...others] = top.filter(({ key }) => isRequestFile(key) || COMPRESSED.test(key));
  if (misplaced !== undefined)
    return note(
      `${shown(misplaced, others)} in the results bucket, where Batchdrop does not look for requests`,
      `aws s3 mv s3://${results}/${misplaced.key} s3://${requests}/${prefix ?? ''}${misplaced.key.slice(resultsPrefix.length)}`,
    );
  return ok('no request file is in a wrong place');
}

/** A file without a job came while its event was lost: before the deployment, or while notifications or the rule were off. */
async function unnoticedOf(
  { connection }: Subject,
  files: readonly StoredFile[],
): Promise<Verdict | undefined> {
  const { ledger, names } = connection;
  const now = await serverTime(connection);
  const recent = files
    .filter(({ key, at }) => isRequestFile(key) && now - at > NOTICED_AFTER_MS && now - at < REMEMBERED_MS)
    .toSorted((a, b) => b.at - a.at)
    .slice(0, MAX_LOOKED_UP);
  const without: StoredFile[] = [];
  for (const file of recent) {
    const pointer = await ledger.readKeyPointer(names.requestBucket, file.key);
    if (pointer?.newest === undefined) without.push(file);
  }
  const [first, ...more] = without;
  if (first === undefined) return undefined;
  const object = `s3://${names.requestBucket}/${first.key}`;
  return failed(
    `${shown(first, more)} without a job, because nobody noticed ${more.length === 0 ? 'it' : 'them'}`,
    `Fix the checks above, then upload again, or copy in place: aws s3 cp ${object} ${object} --storage-class STANDARD`,
  );
}

function shown({ key }: StoredFile, more: readonly StoredFile[]): string {
  return more.length === 0
    ? `${key} is`
    : `${key} and ${counted(more.length, 'other file', 'other files')} are`;
}

function isRequestFile(key: string): boolean {
  return REQUEST_FILE_SUFFIXES.some((suffix) => key.toLowerCase().endsWith(suffix));
}

async function firstFiles(
  s3: S3Client,
  where: { readonly Bucket: string; readonly Prefix?: string; readonly Delimiter?: string },
): Promise<StoredFile[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command(where));
  return Contents.flatMap(({ Key, LastModified }) =>
    Key === undefined || LastModified === undefined ? [] : [{ key: Key, at: LastModified.getTime() }],
  );
}
