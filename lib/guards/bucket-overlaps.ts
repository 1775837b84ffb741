/**
 * Two Batchdrops of one app must not share keys of a bucket: a file would run twice, a result would be taken for a request,
 * or one would delete what the other wrote. They may be in different stacks and stages, so this is checked at synth.
 */
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { FOLDER_OF_OTHERS, INTERNAL_FOLDER } from '../../functions/shared/contract/result-keys.ts';
import { Buckets } from '../resources/buckets.ts';
import { bucketShown, isSameBucket, SAME_BUCKET } from './bucket-identity.ts';

/** Returns a sentence for each Batchdrop before this one with which it shares keys, and one if it shares with itself. */
export function overlapProblems(own: Buckets): string[] {
  const all = own.node.root.node.findAll().filter((one) => one instanceof Buckets);
  const before = all.slice(0, all.indexOf(own));
  return [
    ...(isSameBucket(own.requests, own.results) ? [SAME_BUCKET] : []),
    ...before.flatMap((other) => [...problemsBetween(own, other)]),
  ];
}

function* problemsBetween(own: Buckets, other: Buckets): Generator<string> {
  const path = other.node.scope?.node.path;
  const { requestPrefix, resultsPrefix } = own;
  if (shareKeys(own.requests, [requestPrefix], other.requests, [other.requestPrefix]))
    yield `requestBucket ${under(own.requests, requestPrefix)} is also read by ${path} (${keysOf(other.requestPrefix)}), so a file would run twice and be paid twice; set requestPrefix of both, so that neither begins with the other.`;
  if (shareKeys(own.requests, [requestPrefix], other.results, resultKeysOf(other)))
    yield `requestBucket ${under(own.requests, requestPrefix)} is where ${path} writes its results (${keysOf(other.resultsPrefix)}), so each result would be processed as a request file; use another bucket, or prefixes such that neither begins with the other.`;
  if (shareKeys(own.results, resultKeysOf(own), other.requests, [other.requestPrefix]))
    yield `resultsBucket ${under(own.results, resultsPrefix)} is where ${path} reads its requests (${keysOf(other.requestPrefix)}), so each result would be processed as a request file; use another bucket, or prefixes such that neither begins with the other.`;
  if (shareKeys(own.results, [resultsPrefix], other.results, [other.resultsPrefix]))
    yield `resultsBucket ${under(own.results, resultsPrefix)} is also written by ${path} (${keysOf(other.resultsPrefix)}), so each may overwrite and delete what the other wrote; set resultsPrefix of both, so that neither begins with the other.`;
}

/** Results are in a folder with the key of their request. */
function resultKeysOf({ requestPrefix = '', resultsPrefix = '' }: Buckets): string[] {
  return [requestPrefix, INTERNAL_FOLDER, `${FOLDER_OF_OTHERS}/`].map((start) => resultsPrefix + start);
}

function shareKeys(
  one: IBucket,
  starts: readonly (string | undefined)[],
  other: IBucket,
  others: readonly (string | undefined)[],
): boolean {
  const overlap = starts.some((mine = '') =>
    others.some((theirs = '') => mine.startsWith(theirs) || theirs.startsWith(mine)),
  );
  return overlap && isSameBucket(one, other);
}

function under(bucket: IBucket, prefix: string | undefined): string {
  return `${bucketShown(bucket)} (${keysOf(prefix)})`;
}

function keysOf(prefix: string | undefined): string {
  return prefix === undefined ? 'every key' : `prefix ${prefix}`;
}
