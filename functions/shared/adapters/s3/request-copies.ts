import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { CopyTarget, RequestCopies, SourceFile } from '../../ports/ports.ts';
import { httpStatusOf } from '../aws/aws-failure.ts';
import { aborted, copyPart, copySourceOf, quoted } from './copy-part.ts';
import { headObject, inputOf, type S3Place, translated } from './object.ts';
import { abortUpload, beginUpload, completeUpload } from './object-writer.ts';

/** How copies are made. Sizes in bytes. */
export interface CopySizes {
  /** A larger file is copied in parts. S3's limit is 5 GiB. */
  atOnce: number;
  /** 5 MiB to 5 GiB. */
  part: number;
  /** How many parts are copied at the same time. */
  partsAtOnce: number;
}

const GIB = 1024 ** 3;
// S3 copies a part of 512 MiB within seconds, long before the client gives up. 50 GB, the largest request file, have 94.
const SIZES: CopySizes = { atOnce: GIB, part: GIB / 2, partsAtOnce: 8 };
const CONTENT_TYPE = 'application/jsonl';

/**
 * Copies files within S3. `owner`: the AWS account that must own the request bucket. The bucket of a source may belong to
 * anybody who lets the function read it.
 */
export function createS3RequestCopies(options: {
  client: S3Client;
  owner: string;
  sizes?: CopySizes;
}): RequestCopies {
  const { client, owner, sizes = SIZES } = options;
  const from = ({ bucket, key }: { bucket: string; key: string }) => ({ bucket, key, owner: undefined });
  return {
    look: (source) => unlessDenied(source, () => headObject(client, from(source))),
    async copy(source, target, signal) {
      const places = { from: from(source), to: { ...target, owner } };
      await unlessTooMuchMetadata(() =>
        source.size > sizes.atOnce
          ? copyInParts(client, places, source, sizes, signal)
          : copyAtOnce(client, places, source, signal),
      );
    },
  };
}

interface Places {
  from: S3Place;
  to: CopyTarget & { owner: string };
}

/** Without the tags of the source, which may be those of an ended job, or grant or deny access. */
async function copyAtOnce(
  client: S3Client,
  { from, to }: Places,
  { etag }: SourceFile,
  signal: AbortSignal,
): Promise<void> {
  const command = new CopyObjectCommand({
    ...inputOf(to),
    CopySource: copySourceOf(from),
    CopySourceIfMatch: quoted(etag),
    MetadataDirective: 'REPLACE',
    Metadata: to.metadata,
    TaggingDirective: 'REPLACE',
    ContentType: CONTENT_TYPE,
  });
  await translated(`copy ${from.bucket}/${from.key}`, () => client.send(command, aborted(signal)));
}

async function copyInParts(
  client: S3Client,
  { from, to }: Places,
  { size, etag }: SourceFile,
  { part: partBytes, partsAtOnce }: CopySizes,
  signal: AbortSignal,
): Promise<void> {
  const uploadId = await beginUpload(client, { ...to, contentType: CONTENT_TYPE });
  try {
    const etags: string[] = [];
    const parts = Math.ceil(size / partBytes);
    for (let done = 0; done < parts; done += partsAtOnce) {
      const next = Array.from({ length: Math.min(partsAtOnce, parts - done) }, (_, at) => done + at);
      const copied = await Promise.all(
        next.map((nth) => {
          const range = { from, start: nth * partBytes, end: Math.min(size, (nth + 1) * partBytes), etag };
          return copyPart(client, to, range, { uploadId, partNumber: nth + 1 }, signal);
        }),
      );
      etags.push(...copied);
    }
    if (await completeUpload(client, to, uploadId, etags)) return;
    throw new RetryableError(`copy ${from.bucket}/${from.key}: the upload is unknown`);
  } catch (failure) {
    await abortUpload(client, to, uploadId);
    throw failure;
  }
}

/** A refusal of the source is not a fault of S3: the function lacks the permission to read it. */
async function unlessDenied<T>(source: { bucket: string }, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (failure) {
    if (!(failure instanceof Error) || httpStatusOf(failure.cause) !== 403) throw failure;
    throw new TerminalError('access_denied', `S3 refuses to show files of ${source.bucket}`, {
      cause: failure,
    });
  }
}

/** The metadata of a source may leave no space for more. */
async function unlessTooMuchMetadata(copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (failure) {
    const { cause } = Object(failure);
    if (!(cause instanceof Error) || cause.name !== 'MetadataTooLarge') throw failure;
    const message = 'the metadata of the file leaves no space for one more pair: S3 allows 2 KB';
    throw new TerminalError('metadata_too_large', message, { cause: failure });
  }
}
