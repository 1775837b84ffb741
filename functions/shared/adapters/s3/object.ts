import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ObjectFacts } from '../../ports/ports.ts';
import { awsFailure, httpStatusOf } from '../aws/aws-failure.ts';
import { withIdleTimeout } from '../aws/idle-timeout.ts';

/** An object, or one version of it, in a bucket that has to belong to `owner` (an account id). */
export interface S3Place {
  bucket: string;
  key: string;
  versionId?: string;
  owner: string;
}

const SILENCE_MS = 30_000; // S3 sends its first byte within a second; this is a dead connection
const MAX_REOPENINGS = 3; // in a row that bring hardly anything
const PROGRESS_BYTES = 1024 * 1024;

/** May be taken up again where it ended; not so a wrong checksum, which spoils all that came before. */
class Interrupted extends RetryableError {}

/** What the storage knows of an object; undefined when there is none. */
export async function headObject(client: S3Client, place: S3Place): Promise<ObjectFacts | undefined> {
  const tried = `look at ${nameOf(place)}`;
  try {
    const head = await client.send(new HeadObjectCommand(inputOf(place)));
    if (head.ContentLength === undefined || head.ETag === undefined || head.LastModified === undefined) {
      throw new RetryableError(`${tried}: the answer is not whole`);
    }
    return {
      size: head.ContentLength,
      etag: unquoted(head.ETag),
      lastModified: head.LastModified.getTime(),
      metadata: lowerCased(head.Metadata ?? {}),
    };
  } catch (error) {
    const failure = s3Failure(tried, error);
    // 405: the version is the mark that a deletion left.
    if (isGone(failure) || httpStatusOf(error) === 405) return undefined;
    throw failure;
  }
}

/**
 * Streams an object or a range of it (`end` exclusive), never more and never less than the storage announced. A
 * connection that breaks is taken up again at the byte reached, as long as that gets us on.
 */
export async function* readObject(
  client: S3Client,
  place: S3Place,
  range?: { start: number; end: number },
): AsyncGenerator<Uint8Array> {
  const tried = `read ${nameOf(place)}`;
  if (range !== undefined && range.start >= range.end) return;
  let answer = await getObject(client, place, tried, range);
  const start = range?.start ?? 0;
  const end = start + lengthOf(answer, tried);
  const etag = answer.ETag;
  let reached = start;
  for (let reopenings = 0; ; reopenings += 1) {
    const from = reached;
    try {
      for await (const piece of piecesOf(answer, tried)) {
        reached += piece.length;
        if (reached > end) throw new RetryableError(`${tried}: more came than was announced`);
        yield piece;
      }
      if (reached === end) return;
      throw new Interrupted(`${tried}: it broke off at byte ${reached} of ${end}`);
    } catch (error) {
      const failure = s3Failure(tried, error);
      if (reached - from >= PROGRESS_BYTES) reopenings = 0;
      if (reopenings >= MAX_REOPENINGS || !(failure instanceof Interrupted)) throw failure;
    }
    answer = await getObject(client, place, tried, { start: reached, end }, etag);
  }
}

/** The class of an error of S3. */
export function s3Failure(tried: string, error: unknown): Error {
  if (error instanceof TerminalError) return error;
  const name = error instanceof Error ? error.name : '';
  const status = httpStatusOf(error);
  const options = { cause: error };
  if (name === 'NoSuchUpload')
    return new TerminalError('upload_gone', `${tried}: the upload is unknown`, options);
  if (name === 'NoSuchBucket') return new Error(`${tried}: there is no such bucket`, options); // a fault of the deployment
  if (status === 404) return new TerminalError('object_gone', `${tried}: there is no such object`, options);
  if (status === 412) return new TerminalError('object_gone', `${tried}: it is another object now`, options);
  if (status === 416) return new TerminalError('invalid_range', `${tried}: it is shorter than that`, options);
  if (name === 'InvalidPart' || name === 'InvalidPartOrder' || name === 'EntityTooSmall') {
    return new TerminalError(name, `${tried}: ${name}`, options);
  }
  return awsFailure(tried, error);
}

/** Makes a call; what it throws is of the class it belongs to. */
export async function translated<T>(tried: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw s3Failure(tried, error);
  }
}

/** A place as the SDK's commands spell it. */
export function inputOf(place: S3Place) {
  return {
    Bucket: place.bucket,
    Key: place.key,
    ExpectedBucketOwner: place.owner,
    ...(place.versionId === undefined || place.versionId === '' ? {} : { VersionId: place.versionId }),
  };
}

/** True for what says that the object is not there. */
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
  return translated(tried, () =>
    client.send(
      new GetObjectCommand({
        ...inputOf(place),
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
        ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      }),
    ),
  );
}

async function* piecesOf(answer: GetObjectCommandOutput, tried: string): AsyncGenerator<Uint8Array> {
  const { Body: body } = answer;
  if (!(body instanceof Readable)) throw new RetryableError(`${tried}: the answer has no body`);
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
    return await withIdleTimeout(SILENCE_MS, body, source.next());
  } catch (error) {
    const broken = awsFailure(tried, error) instanceof RetryableError;
    if (broken) throw new Interrupted(`${tried}: the connection broke`, { cause: error });
    throw new RetryableError(`${tried}: it did not come as it was stored`, { cause: error });
  }
}

function lengthOf(answer: GetObjectCommandOutput, tried: string): number {
  if (answer.ContentLength === undefined) throw new RetryableError(`${tried}: no length was announced`);
  return answer.ContentLength;
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
