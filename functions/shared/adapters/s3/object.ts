import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ContentFacts } from '../../domain/same-bytes.ts';
import type { ObjectFacts } from '../../ports/ports.ts';
import { awsFailure, httpStatusOf } from '../aws/aws-failure.ts';
import { withIdleTimeout } from '../aws/idle-timeout.ts';

/**
 * An object, or one version of it. Its bucket must belong to `owner` (an AWS account id); undefined only for the CLI,
 * whose user chose the bucket.
 */
export interface S3Place {
  bucket: string;
  key: string;
  versionId?: string;
  owner: string | undefined;
}

const IDLE_TIMEOUT_MS = 15_000; // S3 sends its first byte within a second, so after this the connection is dead
const MAX_REOPENINGS = 3; // in a row, each with less than `PROGRESS_BYTES`
const PROGRESS_BYTES = 1024 * 1024;

/** The read can resume where it broke off. After a wrong checksum it cannot, because all bytes before are invalid. */
class Interrupted extends RetryableError {}

/** Returns what S3 reports of an object; undefined if there is none. Errors: RetryableError; NotAllowed. */
export async function headObject(client: S3Client, place: S3Place): Promise<ObjectFacts | undefined> {
  const tried = `head ${nameOf(place)}`;
  try {
    const head = await client.send(new HeadObjectCommand({ ...inputOf(place), ChecksumMode: 'ENABLED' }));
    if (head.ContentLength === undefined || head.ETag === undefined || head.LastModified === undefined) {
      throw new RetryableError(`${tried}: the response is incomplete`);
    }
    return {
      size: head.ContentLength,
      etag: unquoted(head.ETag),
      ...bytesIn(head),
      lastModified: head.LastModified.getTime(),
      metadata: lowerCased(head.Metadata ?? {}),
    };
  } catch (error) {
    const failure = s3Failure(tried, error);
    // 405: the version is a delete marker.
    if (isGone(failure) || httpStatusOf(error) === 405) return undefined;
    throw failure;
  }
}

/**
 * Returns the checksum of the whole object, and whether a KMS key makes the ETag random. If the client sent no
 * checksum, S3 computes CRC64NVME
 * ([source](https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html)).
 */
function bytesIn(head: HeadObjectCommandOutput): Pick<ContentFacts, 'checksum' | 'etagIsRandom'> {
  const isKms = head.ServerSideEncryption?.startsWith('aws:kms') ?? false;
  const checksum = head.ChecksumType === 'FULL_OBJECT' ? checksumIn(head) : undefined;
  return { ...(isKms && { etagIsRandom: true as const }), ...(checksum && { checksum }) };
}

function checksumIn(head: HeadObjectCommandOutput): ContentFacts['checksum'] {
  for (const algorithm of ['CRC64NVME', 'SHA256', 'SHA1', 'CRC32', 'CRC32C'] as const) {
    const value = head[`Checksum${algorithm}`];
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}

/**
 * Streams an object or a range of it (`end` exclusive): exactly as many bytes as S3 announced. After a broken
 * connection it resumes at the byte that it reached, as long as it makes progress. Errors: RetryableError; NotAllowed;
 * TerminalError.
 */
export async function* readObject(
  client: S3Client,
  place: S3Place,
  range?: { start: number; end: number },
): AsyncGenerator<Uint8Array> {
  const tried = `read ${nameOf(place)}`;
  if (range !== undefined && range.start >= range.end) return;
  let response = await getObject(client, place, tried, range);
  const start = range?.start ?? 0;
  const end = start + lengthOf(response, tried);
  const etag = response.ETag;
  let reached = start;
  for (let reopenings = 0; ; reopenings += 1) {
    const from = reached;
    try {
      for await (const piece of piecesOf(response, tried)) {
        reached += piece.length;
        if (reached > end) throw new RetryableError(`${tried}: S3 sent more bytes than announced`);
        yield piece;
      }
      if (reached === end) return;
      throw new Interrupted(`${tried}: the connection ended at byte ${reached} of ${end}`);
    } catch (error) {
      const failure = s3Failure(tried, error);
      if (reached - from >= PROGRESS_BYTES) reopenings = 0;
      if (reopenings >= MAX_REOPENINGS || !(failure instanceof Interrupted)) throw failure;
    }
    response = await getObject(client, place, tried, { start: reached, end }, etag);
  }
}

/** Returns an S3 error as RetryableError, NotAllowed, TerminalError or, for a defect, Error. */
export function s3Failure(tried: string, error: unknown): Error {
  if (error instanceof TerminalError) return error;
  const name = error instanceof Error ? error.name : '';
  const status = httpStatusOf(error);
  const options = { cause: error };
  if (name === 'NoSuchUpload')
    return new TerminalError('upload_gone', `${tried}: the upload is unknown`, options);
  if (name === 'NoSuchBucket') return new Error(`${tried}: there is no such bucket`, options); // a mistake in the deployment
  if (status === 404) return new TerminalError('object_gone', `${tried}: there is no such object`, options);
  if (status === 412) return new TerminalError('object_gone', `${tried}: the object was replaced`, options);
  if (status === 416)
    return new TerminalError('invalid_range', `${tried}: the object is shorter than the range`, options);
  if (name === 'InvalidPart' || name === 'InvalidPartOrder' || name === 'EntityTooSmall') {
    return new TerminalError(name, `${tried}: ${name}`, options);
  }
  return awsFailure(tried, error);
}

/** Makes a call, and translates its errors with `s3Failure`. */
export async function translated<T>(tried: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw s3Failure(tried, error);
  }
}

/** Returns the place as input of the SDK's commands. */
export function inputOf(place: S3Place) {
  return {
    Bucket: place.bucket,
    Key: place.key,
    ExpectedBucketOwner: place.owner,
    ...(place.versionId === undefined || place.versionId === '' ? {} : { VersionId: place.versionId }),
  };
}

/** Returns whether the failure means that the object does not exist. */
function isGone(failure: unknown): boolean {
  return failure instanceof TerminalError && failure.code === 'object_gone';
}

async function getObject(
  client: S3Client,
  place: S3Place,
  tried: string,
  range?: { start: number; end: number },
  ifMatch?: string,
): Promise<GetObjectCommandOutput> {
  const response = await translated(tried, () =>
    client.send(
      new GetObjectCommand({
        ...inputOf(place),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
        ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      }),
    ),
  );
  if (range !== undefined && !isOfRange(response, range)) {
    if (response.Body instanceof Readable) response.Body.destroy();
    throw new RetryableError(`${tried}: the response is not the requested range`);
  }
  return response;
}

/** Returns whether the response is the range, or the part of it that the object has. */
function isOfRange(
  { $metadata, ContentRange, ContentLength }: GetObjectCommandOutput,
  { start, end }: { start: number; end: number },
): boolean {
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(ContentRange ?? '') ?? [];
  return (
    $metadata.httpStatusCode === 206 &&
    Number(first) === start &&
    Number(last) < end &&
    Number(last) - Number(first) + 1 === ContentLength
  );
}

async function* piecesOf(response: GetObjectCommandOutput, tried: string): AsyncGenerator<Uint8Array> {
  const { Body: body } = response;
  if (!(body instanceof Readable)) throw new RetryableError(`${tried}: the response has no body`);
  const source: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const piece = await nextOf(source, body, tried);
      if (piece.done) return;
      yield piece.value;
    }
  } finally {
    body.destroy();
  }
}

async function nextOf(
  source: AsyncIterator<Buffer>,
  body: Readable,
  tried: string,
): Promise<IteratorResult<Buffer>> {
  try {
    return await withIdleTimeout(IDLE_TIMEOUT_MS, body, source.next());
  } catch (error) {
    const broken = awsFailure(tried, error) instanceof RetryableError;
    if (broken) throw new Interrupted(`${tried}: the connection broke`, { cause: error });
    throw new RetryableError(`${tried}: the bytes do not match their checksum`, { cause: error });
  }
}

function lengthOf(response: GetObjectCommandOutput, tried: string): number {
  if (response.ContentLength === undefined) throw new RetryableError(`${tried}: the response has no length`);
  return response.ContentLength;
}

function nameOf(place: S3Place): string {
  return `${place.bucket}/${place.key}${place.versionId === undefined ? '' : ` ${place.versionId}`}`;
}

function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}

function lowerCased(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}
