/** Checks files and uploads them, as `batchdrop submit` does. A file that does not arrive whole is never uploaded. */
import type { IncomingMessage } from 'node:http';
import type { FileCheck, UploadAnswer } from '../../../console/api.ts';
import { createPriceList } from '../../../functions/shared/adapters/lambda/compose-price-list.ts';
import type { Connection } from '../../connection/connection.ts';
import { forecast } from '../../jobs/dry-run.ts';
import { MAX_PUT_BYTES, putFile } from '../../jobs/put-file.ts';
import { BadRequest } from '../http/answers.ts';
import { withStoredBody } from '../http/request-body.ts';
import { rangeOf } from '../jobs/job-rows.ts';

/** The largest file that the console takes, in bytes. */
export const MAX_UPLOAD_BYTES = MAX_PUT_BYTES;

const BODY = { type: 'application/jsonl', maxBytes: MAX_UPLOAD_BYTES };
const MAX_KEY_BYTES = 1_024; // S3's limit
const SHOWN_FINDINGS = 100;
const AT_ONCE = 2; // each needs its size on the disk

/** Limits how many files are taken at once. */
export class Uploads {
  #running = 0;

  /** Checks the body of the request, and uploads nothing. */
  check(request: IncomingMessage, { ledger }: Connection, key: string): Promise<FileCheck> {
    return this.#limited(() =>
      withStoredBody(request, BODY, async (path, bytes) => {
        const prices = createPriceList(undefined).at(Date.now());
        const { measured } = await ledger.readControl();
        const known = await forecast({ file: key, path, key, bytes }, {}, prices, measured);
        if (known.verdict === 'bad') {
          const { count, findings } = known;
          return { rows: 0, parts: 0, findingCount: count, findings: findings.slice(0, SHOWN_FINDINGS) };
        }
        const { rows, parts, estimate } = known;
        return { rows, parts: parts.length, findingCount: 0, findings: [], estimate: rangeOf(estimate) };
      }),
    );
  }

  /** Uploads the body of the request under the key. */
  upload(request: IncomingMessage, connection: Connection, key: string): Promise<UploadAnswer> {
    refuseKey(key);
    return this.#limited(() =>
      withStoredBody(request, BODY, async (path, bytes) => {
        const { jobId } = await putFile(connection, { file: key, path, key, bytes });
        return { key, jobId };
      }),
    );
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE)
      throw new BadRequest(429, 'busy', `${AT_ONCE} files are on their way. Try again when one has arrived.`);
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }
}

/** A key is a name in the bucket. One with `..` would mean another folder to whoever takes it for a path. */
function refuseKey(key: string): void {
  const refuse = (message: string) => {
    throw new BadRequest(400, 'bad_key', message);
  };
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES) refuse(`A key has 1 to ${MAX_KEY_BYTES} bytes.`);
  if (key.startsWith('/') || key.split('/').some((name) => name === '.' || name === '..'))
    refuse('A key neither begins with a slash nor has . or .. between slashes.');
  if (/\p{Cc}/u.test(key) || !key.isWellFormed()) refuse('A key has no control characters.');
}
