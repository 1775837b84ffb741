/** Reads the bodies of requests: in bounded memory, in bounded time, and not beyond the length that they state. */
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { temporaryFolder } from '../../terminal/temporary-folder.ts';
import { BadRequest } from './answers.ts';

const MAX_JSON_BYTES = 64 * 1024;
const IDLE_MS = 60_000;

/** Returns the fields of a JSON body. Errors: BadRequest. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  requireType(request, 'application/json');
  const length = statedLength(request, MAX_JSON_BYTES);
  const body = await pipeline(request, exactly(length), text);
  try {
    return Object(JSON.parse(body));
  } catch {
    throw new BadRequest(400, 'not_json', 'The body is not JSON.');
  }
}

/**
 * Stores the body in a temporary file that only this user can read, passes its path and length to `work`, and deletes
 * it. If the sender gives up, `work` never runs. Errors: BadRequest.
 */
export async function withStoredBody<T>(
  request: IncomingMessage,
  { type, maxBytes }: { type: string; maxBytes: number },
  work: (path: string, bytes: number) => Promise<T>,
): Promise<T> {
  requireType(request, type);
  const length = statedLength(request, maxBytes);
  const folder = temporaryFolder('batchdrop-upload');
  try {
    const path = join(folder.path, 'body');
    await pipeline(request, exactly(length), createWriteStream(path, { mode: 0o600 }));
    return await work(path, length);
  } finally {
    folder.discard();
  }
}

/** The type keeps other pages out once more: a browser asks before a page sends one of these to another origin. */
function requireType({ headers }: IncomingMessage, type: string): void {
  const given = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (given !== type) throw new BadRequest(415, 'wrong_type', `The body must be ${type}.`);
}

function statedLength({ headers }: IncomingMessage, maxBytes: number): number {
  const length = headers['content-length'];
  if (length === undefined) throw new BadRequest(411, 'no_length', 'The request must state its length.');
  if (Number(length) <= maxBytes) return Number(length);
  throw new BadRequest(413, 'too_large', `The body has ${length} bytes; ${maxBytes} are allowed.`);
}

/** Passes the body on; fails if it ends early, or if nothing arrives for a minute. */
function exactly(length: number): Transform {
  let seen = 0;
  let idle: NodeJS.Timeout;
  return new Transform({
    construct(done) {
      idle = setTimeout(
        () => this.destroy(new BadRequest(408, 'too_slow', 'Nothing arrived for a minute.')),
        IDLE_MS,
      );
      idle.unref();
      done();
    },
    transform(chunk: Buffer, _, done) {
      seen += chunk.length;
      idle.refresh();
      done(null, chunk);
    },
    flush(done) {
      done(seen === length ? null : new BadRequest(400, 'incomplete', 'The body ended early.'));
    },
    destroy(error, done) {
      clearTimeout(idle);
      done(error);
    },
  });
}
