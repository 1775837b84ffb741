/** Downloads of a job's files, through the console: the page never gets a presigned URL, which would work without it. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resultFileKeys } from '../../../functions/shared/contract/result-keys.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { ReadBuckets } from '../../connection/buckets.ts';
import { BadRequest } from '../http/answers.ts';

/** The name of the request file among a job's files. */
export const REQUEST_FILE = 'requests.jsonl';

/** One file of one job. */
export interface Download {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** Finds a file of a job. Errors: BadRequest if the job has no such file. */
export async function findDownload(
  { requestFiles, results }: ReadBuckets,
  job: Job,
  file: string,
): Promise<Download> {
  const name = downloadName(job.request.key, file);
  if (file === REQUEST_FILE) {
    const { request } = job;
    return { name, size: request.size, open: () => requestFiles.read(request) };
  }
  const known = resultFileKeys(job).find((each) => each.name === file);
  const size = known && (await results.size(known.key));
  if (known === undefined || size === undefined)
    throw new BadRequest(404, 'no_such_file', `Job ${job.jobId} has no ${file}.`);
  return { name, size, open: () => results.read(known.key) };
}

/**
 * Sends a file as an attachment, no faster than it is read: a browser neither shows nor runs it. If S3 fails on the way,
 * the connection is cut, and the browser reports a failed download.
 */
export async function sendDownload(response: ServerResponse, { name, size, open }: Download): Promise<void> {
  response.strictContentLength = true; // an object that was replaced meanwhile is a failed download
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': size,
    'content-disposition': `attachment; filename="${asciiOf(name)}"; filename*=UTF-8''${encoded(name)}`,
  });
  response.flushHeaders();
  await pipeline(Readable.from(open(), { objectMode: false, highWaterMark: 256 * 1024 }), response);
}

const MAX_NAME = 100; // characters, of up to four bytes: file systems allow 255 bytes
/** What a path, a shell or a screen could take for something else: separators, controls, and marks that turn text around. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\\/:*?"<>|]+/gu;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i; // Windows

/** Returns a name that is safe on any disk: `reviews-output.jsonl` for the results of `in/reviews.jsonl`. */
export function downloadName(key: string, file: string): string {
  const base = key.slice(key.lastIndexOf('/') + 1);
  const stem = [
    ...base
      .replace(/\.(jsonl|ndjson)$/i, '')
      .toWellFormed()
      .replace(UNSAFE, '_'),
  ]
    .slice(0, MAX_NAME)
    .join('')
    .replace(/^[.\s-]+|[.\s]+$/g, '');
  const safe = stem === '' || RESERVED.test(stem) ? `job-${stem}` : stem;
  return file === REQUEST_FILE ? `${safe}.jsonl` : `${safe}-${file}`;
}

/** For browsers that do not know `filename*`. */
function asciiOf(name: string): string {
  return name.replace(/[^\w.() -]/g, '_');
}

function encoded(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
