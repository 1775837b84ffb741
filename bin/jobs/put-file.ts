import { PutObjectCommand } from '@aws-sdk/client-s3';
import {
  HOLD_INSTRUCTION,
  METADATA_PREFIX,
  PRIORITY_INSTRUCTION,
  type Priority,
  RERUN_INSTRUCTION,
} from '../../functions/shared/contract/request-file.ts';
import { jobIdOf } from '../../functions/shared/domain/job-id.ts';
import type { Connection } from '../connection/connection.ts';
import { Failure } from '../terminal/failure.ts';
import { contentOf, type RequestSource } from './request-source.ts';

/** An uploaded file and its job. */
export interface Submission {
  readonly file: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly jobId: string;
}

/** The tags and instructions of an upload. */
export interface FileMetadata {
  /** The user's metadata, for the batches and events of the file. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Run the file even if the same bytes ran before. */
  readonly rerun?: boolean;
  /** How urgent the file is among those that wait. */
  readonly priority?: Priority;
  /** Send nothing before somebody approved the job. */
  readonly hold?: boolean;
  /** Other instructions to Batchdrop, with their whole names (`batchdrop-…`). */
  readonly instructions?: Readonly<Record<string, string>>;
}

/** S3's limit for one PutObject. */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;
const PROGRESS_INTERVAL_MS = 200;

/**
 * Uploads one file to the request bucket. Calls `onBytes` repeatedly with the number of bytes sent. Throws a Failure.
 */
export async function putFile(
  { s3, names }: Connection,
  source: RequestSource,
  options: FileMetadata & { onBytes?: (bytes: number) => void } = {},
): Promise<Submission> {
  const { file, key, bytes } = source;
  if (bytes > MAX_PUT_BYTES) {
    throw new Failure(
      `${file} is larger than 5 GiB, the limit of one PutObject call. Upload it with aws s3 cp, or split it.`,
    );
  }
  const bucket = names.requestBucket;
  const content = contentOf(source);
  const progress = setInterval(() => options.onBytes?.(content.bytesRead), PROGRESS_INTERVAL_MS);
  try {
    const { VersionId: versionId } = await s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: content,
        ContentLength: bytes,
        ContentType: 'application/jsonl',
        Metadata: objectMetadata(options),
      }),
    );
    if (versionId === undefined || versionId === 'null')
      throw new Failure(
        `The bucket ${bucket} has no versioning, so Batchdrop will reject ${key}. Enable versioning.`,
      );
    return { file, bucket, key, versionId, jobId: jobIdOf({ bucket, key, versionId }) };
  } finally {
    clearInterval(progress);
    content.destroy();
  }
}

/** Returns the S3 user metadata of a file. S3 stores the names in lower case. */
export function objectMetadata({
  tags = {},
  rerun = false,
  hold = false,
  priority,
  instructions = {},
}: FileMetadata): Record<string, string> {
  const named = Object.entries(tags).map(([name, value]) => [METADATA_PREFIX + name.toLowerCase(), value]);
  return {
    ...Object.fromEntries(named),
    ...instructions,
    ...(rerun && { [RERUN_INSTRUCTION]: 'yes' }),
    ...(priority !== undefined && { [PRIORITY_INSTRUCTION]: priority }),
    ...(hold && { [HOLD_INSTRUCTION]: 'yes' }),
  };
}
