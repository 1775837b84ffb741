import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Refused, RetryLater } from '../core/errors.ts';
import type { ObjectWriter } from '../core/ports.ts';
import { headObject, s3Failure } from './s3-object.ts';

/** Where an object is written. */
export interface S3Target {
  bucket: string;
  key: string;
  contentType: string;
  owner: string;
}

const PIECE_BYTES = 8 * 1024 * 1024; // 10,000 pieces, S3's limit, make 84 GB

/**
 * Writes an object of unknown length: one PutObject when it is small, else pieces of 8 MiB, one of them under way while
 * the next is filled, so that memory stays at two.
 */
export class S3Writer implements ObjectWriter {
  readonly #client: S3Client;
  readonly #target: S3Target;
  #piece: Buffer = Buffer.allocUnsafe(PIECE_BYTES);
  /** The piece under way, then free to be filled again. */
  #sent: Buffer | undefined;
  #filled = 0;
  #length = 0;
  #uploadId: string | undefined;
  readonly #etags: string[] = [];
  #underWay: Promise<void> = Promise.resolve();
  #open = true;

  constructor(client: S3Client, target: S3Target) {
    this.#client = client;
    this.#target = target;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    let taken = 0;
    while (taken < bytes.length) {
      if (this.#filled === PIECE_BYTES) await this.#handOver();
      const next = bytes.subarray(taken, taken + PIECE_BYTES - this.#filled);
      this.#piece.set(next, this.#filled);
      this.#filled += next.length;
      taken += next.length;
    }
    this.#length += bytes.length;
  }

  async close(): Promise<number> {
    this.#mustBeOpen();
    this.#open = false;
    if (this.#uploadId === undefined) await this.#putWhole();
    else await this.#complete(this.#uploadId);
    return this.#length;
  }

  async abort(): Promise<void> {
    this.#open = false;
    await this.#underWay.catch(() => {}); // it failed, which is why we are here
    const UploadId = this.#uploadId;
    if (UploadId === undefined) return;
    // What cannot be given up now is removed by the bucket's rule for uploads that were never completed.
    await this.#client.send(new AbortMultipartUploadCommand({ ...this.#place(), UploadId })).catch(() => {});
  }

  /** Sends the full piece off and goes on with an empty one. */
  async #handOver(): Promise<void> {
    await this.#underWay;
    this.#uploadId ??= await this.#begin();
    const body = this.#piece.subarray(0, this.#filled);
    this.#underWay = this.#upload(this.#uploadId, body, this.#etags.length + 1);
    this.#underWay.catch(() => {}); // it is thrown where it is waited for
    const free = this.#sent ?? Buffer.allocUnsafe(PIECE_BYTES);
    this.#sent = this.#piece;
    this.#piece = free;
    this.#filled = 0;
  }

  #putWhole(): Promise<void> {
    return this.#send(`put ${this.#target.key}`, async () => {
      const Body = this.#piece.subarray(0, this.#filled);
      const ContentType = this.#target.contentType;
      await this.#client.send(new PutObjectCommand({ ...this.#place(), Body, ContentType }));
    });
  }

  #begin(): Promise<string> {
    return this.#send(`begin the upload of ${this.#target.key}`, () =>
      beginUpload(this.#client, this.#target),
    );
  }

  async #upload(uploadId: string, body: Uint8Array, partNumber: number): Promise<void> {
    const etag = await this.#send(`upload part ${partNumber} of ${this.#target.key}`, () =>
      uploadPart(this.#client, this.#target, { uploadId, partNumber, body }),
    );
    this.#etags.push(etag);
  }

  async #complete(uploadId: string): Promise<void> {
    if (this.#filled > 0) await this.#handOver();
    await this.#underWay;
    const tried = `complete ${this.#target.key}`;
    const completed = await this.#send(tried, () =>
      completeUpload(this.#client, this.#target, uploadId, this.#etags),
    );
    if (!completed) throw new RetryLater(`${tried}: the upload is gone and the object is not there`);
  }

  async #send<T>(tried: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw s3Failure(tried, error);
    }
  }

  #place(): { Bucket: string; Key: string; ExpectedBucketOwner: string } {
    return placeOf(this.#target);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error(`${this.#target.key}: the writer was closed or given up`);
  }
}

/** Begins a multipart upload; answers its id. */
export async function beginUpload(client: S3Client, target: S3Target): Promise<string> {
  const answer = await client.send(
    new CreateMultipartUploadCommand({ ...placeOf(target), ContentType: target.contentType }),
  );
  if (answer.UploadId === undefined)
    throw new RetryLater(`begin the upload of ${target.key}: no id was answered`);
  return answer.UploadId;
}

/** Uploads a part; answers its ETag. */
export async function uploadPart(
  client: S3Client,
  target: Omit<S3Target, 'contentType'>,
  part: { uploadId: string; partNumber: number; body: Uint8Array },
): Promise<string> {
  const answer = await client.send(
    new UploadPartCommand({
      ...placeOf(target),
      UploadId: part.uploadId,
      PartNumber: part.partNumber,
      Body: part.body,
    }),
  );
  if (answer.ETag === undefined) throw new RetryLater(`upload to ${target.key}: no ETag was answered`);
  return answer.ETag;
}

/** True when done now or before; false when the upload is unknown and the object is not there. */
export async function completeUpload(
  client: S3Client,
  target: Omit<S3Target, 'contentType'>,
  uploadId: string,
  etags: readonly string[],
): Promise<boolean> {
  const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
  try {
    await client.send(
      new CompleteMultipartUploadCommand({
        ...placeOf(target),
        UploadId: uploadId,
        MultipartUpload: { Parts },
      }),
    );
    return true;
  } catch (error) {
    const failure = s3Failure(`complete ${target.key}`, error);
    if (!(failure instanceof Refused) || failure.code !== 'upload_gone') throw failure;
    return (await headObject(client, target)) !== undefined; // completed, and the answer was lost
  }
}

function placeOf(target: Omit<S3Target, 'contentType'>) {
  return { Bucket: target.bucket, Key: target.key, ExpectedBucketOwner: target.owner };
}
