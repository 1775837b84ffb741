import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { RetryableError, TerminalError } from '../../domain/errors.ts';
import type { ObjectWriter } from '../../ports/ports.ts';
import { headObject, inputOf, type S3Place, s3Failure, translated } from './object.ts';

/** The key to write to, the content type, the object's tags in S3's format, and its user metadata. */
type S3Target = S3Place & { contentType: string; tagging?: string; metadata?: Record<string, string> };

const PIECE_BYTES = 8 * 1024 * 1024; // 10,000 parts, S3's limit, make 84 GB
/** Enough for the results of a small job, which has several objects. The buffer grows if it is not. */
const FIRST_BYTES = 64 * 1024;
/** Less than what a socket usually sends without a turn of the event loop. */
const TURN_BYTES = 1024 * 1024;

/**
 * Writes an object of unknown length: with one PutObject if it is small, otherwise in parts of 8 MiB. It fills the next
 * part while one is being uploaded, so it needs memory for two. The event loop has a turn after each MiB, because a
 * caller that never waits would otherwise stop the upload until the next part is full.
 */
export class S3Writer implements ObjectWriter {
  readonly #client: S3Client;
  readonly #target: S3Target;
  #piece: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  /** The part that is being uploaded or was uploaded. Its buffer is reused after the upload. */
  #sent: Buffer | undefined;
  #filled = 0;
  /** The CRC32 of the filled part. Bytes that were just copied are still in the processor's cache. */
  #crc32 = 0;
  #length = 0;
  #uploadId: string | undefined;
  readonly #etags: string[] = [];
  #pendingUpload: Promise<void> = Promise.resolve();
  #open = true;

  constructor(client: S3Client, target: S3Target) {
    this.#client = client;
    this.#target = target;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    let taken = 0;
    while (taken < bytes.length) {
      if (this.#filled === PIECE_BYTES) await this.#uploadPiece();
      if (this.#filled === this.#piece.length) this.#grow(bytes.length - taken);
      const next = bytes.subarray(taken, taken + this.#piece.length - this.#filled);
      this.#piece.set(next, this.#filled);
      this.#crc32 = crc32(next, this.#crc32);
      this.#filled += next.length;
      taken += next.length;
    }
    const before = this.#length;
    this.#length += bytes.length;
    if (!this.#sent) return;
    if (Math.floor(before / TURN_BYTES) < Math.floor(this.#length / TURN_BYTES)) await setImmediate();
  }

  async close(): Promise<number> {
    this.#mustBeOpen();
    this.#open = false;
    if (this.#uploadId !== undefined) await this.#complete(this.#uploadId);
    else await putObject(this.#client, this.#target, this.#piece.subarray(0, this.#filled));
    return this.#length;
  }

  async abort(): Promise<void> {
    this.#open = false;
    await this.#pendingUpload.catch(() => {}); // the failure of this upload may be the reason for the abort
    if (this.#uploadId === undefined) return;
    await abortUpload(this.#client, this.#target, this.#uploadId);
  }

  #grow(missing: number): void {
    const wanted = Math.max(2 * this.#piece.length, this.#filled + missing);
    const larger = Buffer.allocUnsafe(Math.min(wanted, PIECE_BYTES));
    larger.set(this.#piece);
    this.#piece = larger;
  }

  /** Begins the upload of the filled part, and continues with an empty one. */
  async #uploadPiece(): Promise<void> {
    await this.#pendingUpload;
    this.#uploadId ??= await beginUpload(this.#client, this.#target);
    const body = this.#piece.subarray(0, this.#filled);
    const part = { uploadId: this.#uploadId, partNumber: this.#etags.length + 1, body, crc32: this.#crc32 };
    this.#pendingUpload = this.#upload(part);
    this.#pendingUpload.catch(() => {}); // the error is thrown where the promise is awaited
    const free = this.#sent ?? Buffer.allocUnsafe(PIECE_BYTES);
    this.#sent = this.#piece;
    this.#piece = free;
    this.#filled = 0;
    this.#crc32 = 0;
  }

  async #upload(part: UploadedPart): Promise<void> {
    this.#etags.push(await uploadPart(this.#client, this.#target, part));
  }

  async #complete(uploadId: string): Promise<void> {
    if (this.#filled > 0) await this.#uploadPiece();
    await this.#pendingUpload;
    if (await completeUpload(this.#client, this.#target, uploadId, this.#etags)) return;
    throw new RetryableError(`complete ${this.#target.key}: the upload is unknown and the object is missing`);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error(`${this.#target.key}: the writer is closed or aborted`);
  }
}

function newObject(target: S3Target) {
  const { contentType: ContentType, tagging: Tagging, metadata: Metadata } = target;
  return {
    ...inputOf(target),
    ContentType,
    ...(Tagging === undefined ? {} : { Tagging }),
    ...(Metadata === undefined ? {} : { Metadata }),
  };
}

/** Writes an object with one call. Errors: those of S3. */
export async function putObject(
  client: S3Client,
  target: S3Target,
  body: string | Uint8Array,
): Promise<void> {
  const command = { ...newObject(target), Body: body };
  await translated(`put ${target.key}`, () => client.send(new PutObjectCommand(command)));
}

/** Begins a multipart upload, and returns its id. Errors: those of S3. */
export async function beginUpload(client: S3Client, target: S3Target): Promise<string> {
  const tried = `begin the upload of ${target.key}`;
  const command = newObject(target);
  const { UploadId } = await translated(tried, () => client.send(new CreateMultipartUploadCommand(command)));
  if (UploadId === undefined) throw new RetryableError(`${tried}: S3 returned no upload id`);
  return UploadId;
}

/** Discards a multipart upload; never throws. */
export async function abortUpload(client: S3Client, target: S3Place, uploadId: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...inputOf(target), UploadId: uploadId });
  // If this fails, the bucket's lifecycle rule deletes the incomplete upload.
  await client.send(command).catch(() => {});
}

interface UploadedPart {
  uploadId: string;
  partNumber: number;
  body: Uint8Array;
  /** Absent: the SDK computes it. */
  crc32?: number;
}

/** Uploads a part, and returns its ETag. Errors: those of S3. */
export async function uploadPart(client: S3Client, target: S3Place, part: UploadedPart): Promise<string> {
  const tried = `upload part ${part.partNumber} of ${target.key}`;
  const command = {
    ...inputOf(target),
    UploadId: part.uploadId,
    PartNumber: part.partNumber,
    Body: part.body,
    ...(part.crc32 === undefined ? {} : { ChecksumCRC32: checksumOf(part.crc32) }),
  };
  const { ETag } = await translated(tried, () => client.send(sentDirectly(new UploadPartCommand(command))));
  if (ETag === undefined) throw new RetryableError(`${tried}: S3 returned no ETag`);
  return ETag;
}

/** Returns the CRC32 as S3 has it: its four bytes in base64. */
function checksumOf(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

/**
 * Excludes the bytes from the request's signature: TLS and their CRC32 already protect them, and their SHA-256 would cost
 * a sixth of a delivery's CPU time. And sends them without asking first whether S3 accepts them (`Expect`), for which the
 * SDK would open a new connection for each part: the call that began the upload has just been accepted.
 */
function sentDirectly(command: UploadPartCommand): UploadPartCommand {
  command.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      delete headers.Expect;
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  return command;
}

/**
 * Completes a multipart upload. Returns true if the object is complete, by this call or an earlier one; false if the
 * upload is unknown and the object is missing. Errors: those of S3.
 */
export async function completeUpload(
  client: S3Client,
  target: S3Place,
  uploadId: string,
  etags: readonly string[],
): Promise<boolean> {
  const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
  try {
    await client.send(
      new CompleteMultipartUploadCommand({
        ...inputOf(target),
        UploadId: uploadId,
        MultipartUpload: { Parts },
      }),
    );
    return true;
  } catch (error) {
    const failure = s3Failure(`complete ${target.key}`, error);
    if (!(failure instanceof TerminalError) || failure.code !== 'upload_gone') throw failure;
    return (await headObject(client, target)) !== undefined; // an earlier call completed it, but its response was lost
  }
}
