import { randomBytes, randomUUID } from 'node:crypto';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../protocol/aws-service.ts';
import type { Bucket } from '../buckets.ts';
import type { CreationReason, ObjectCreatedEvent } from '../outbox.ts';
import type { S3Store } from '../store.ts';
import type { Checksum } from '../wire/checksums.ts';
import { checkWrite } from '../wire/conditions.ts';
import type { S3Request } from '../wire/request.ts';
import type { Piece } from './data-files.ts';
import type { ObjectVersion } from './versions.ts';

/** An object that is about to become visible. */
export interface NewObject {
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum | undefined;
  readonly pieces: readonly Piece[];
  readonly reason: CreationReason;
}

/**
 * Makes an object the newest version of the request's key, under the conditions of the request, and records its event.
 * All new objects are added here. Call this in a transaction.
 */
export function addObject(
  store: S3Store,
  request: S3Request,
  object: NewObject,
  unneeded: string[],
): ObjectVersion {
  const bucket = store.buckets.get(request.bucket);
  const key = Buffer.from(request.key);
  checkWrite(request, request.key, store.versions.newest(bucket.name, key));
  const { modified, etag, headers, checksum, pieces } = object;
  const size = pieces.reduce((sum, piece) => sum + piece.size, 0);
  const identity = newIdentity(store, bucket, key, unneeded);
  const version = { ...identity, deleteMarker: false, modified, size, etag, headers, checksum };
  store.versions.insert(version, pieces);
  if (bucket.eventBridge) store.outbox.record(objectCreated(store, request, bucket, version, object.reason));
  return version;
}

/** Adds a delete marker to a key. Call it in a transaction. */
export function addDeleteMarker(
  store: S3Store,
  bucket: Bucket,
  key: Buffer,
  unneeded: string[],
): ObjectVersion {
  const marker = {
    ...newIdentity(store, bucket, key, unneeded),
    deleteMarker: true,
    modified: store.nowSeconds(),
    size: 0,
    etag: '',
    headers: {},
    checksum: undefined,
  };
  store.versions.insert(marker, []);
  return marker;
}

/** Without versioning, a key has one version with the id `null`. A new version replaces it. */
function newIdentity(
  store: S3Store,
  bucket: Bucket,
  key: Buffer,
  unneeded: string[],
): Pick<ObjectVersion, 'seq' | 'bucket' | 'key' | 'versionId'> {
  const seq = store.nextSeq();
  if (bucket.versioning === 'Enabled') return { seq, bucket: bucket.name, key, versionId: newVersionId(seq) };
  const replaced = store.versions.byId(bucket.name, key, 'null');
  if (replaced !== undefined) unneeded.push(...store.versions.delete(replaced));
  return { seq, bucket: bucket.name, key, versionId: 'null' };
}

const SEQ_DIGITS = 12;

/**
 * Returns 32 characters, as S3's ids have. The last ones are the version's number, so that a listing can continue after
 * a deleted version.
 */
const newVersionId = (seq: number): string =>
  randomBytes(15).toString('base64url').replaceAll('-', '.') + seq.toString(16).padStart(SEQ_DIGITS, '0');

/** Returns the number in a version id; undefined for `null` and for ids of other systems. */
export function seqWithin(versionId: string): number | undefined {
  const digits = /^[\w.]{20}([0-9a-f]{12})$/.exec(versionId)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

function objectCreated(
  store: S3Store,
  request: S3Request,
  bucket: Bucket,
  version: ObjectVersion,
  reason: CreationReason,
): ObjectCreatedEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: LOCAL_ACCOUNT,
    time: new Date(store.nowSeconds() * 1000).toISOString().replace('.000Z', 'Z'),
    region: LOCAL_REGION,
    resources: [`arn:aws:s3:::${bucket.name}`],
    detail: {
      version: '0',
      bucket: { name: bucket.name },
      object: {
        key: request.key,
        size: version.size,
        etag: version.etag,
        ...(bucket.versioning === 'Enabled' ? { 'version-id': version.versionId } : {}),
        sequencer: version.seq.toString(16).toUpperCase().padStart(18, '0'),
      },
      'request-id': request.id,
      requester: LOCAL_ACCOUNT,
      'source-ip-address': request.remoteAddress,
      reason,
    },
  };
}
