import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../clock.ts';
import { DISK_FULL, isDiskFull } from '../../disk-full.ts';
import { printableJson } from '../../unprintable.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import { neededForS3, neededToReportAbsence } from '../iam/needed-permissions.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type AwsService, LOCAL_ACCOUNT } from '../protocol/aws-service.ts';
import { notImplemented, S3Error } from './errors.ts';
import { operationName } from './operation-names.ts';
import { OPERATIONS } from './operations.ts';
import type { ObjectCreatedListener } from './outbox.ts';
import { S3Store } from './store.ts';
import { newRequestId, readRequest, type S3Answer, type S3Request } from './wire/request.ts';
import { writeErrorXml } from './wire/xml.ts';

export interface S3EngineOptions {
  /** The directory of the buckets. It is created if missing, otherwise partly written files are removed. */
  readonly directory: string;
  readonly clock: Clock;
  /**
   * Receives the event of each new object version in a bucket with EventBridge on. It is called again with the same
   * event, also after a restart, until it has resolved once.
   */
  readonly onObjectCreated?: ObjectCreatedListener;
}

/** The local S3: a subset of its operations, on files and SQLite. Signatures are not verified. */
export class S3Engine implements AwsService {
  readonly signingName = 's3';
  readonly #store: S3Store;

  constructor(options: S3EngineOptions) {
    this.#store = new S3Store(options.directory, options.clock, options.onObjectCreated);
  }

  /**
   * Creates a bucket, or updates the settings of an existing one. Versioning that was turned on can only be suspended.
   */
  createBucket(name: string, settings: { versioned: boolean; eventBridge: boolean }): void {
    this.#store.buckets.save({ name, created: this.#store.nowSeconds(), ...settings });
  }

  /** Delivers the undelivered events of an earlier run. Call this once at the start, when the listener is ready. */
  deliverPending(): Promise<void> {
    return this.#store.outbox.deliverPending();
  }

  async handle(
    message: IncomingMessage,
    response: ServerResponse,
    caller: Caller = ACCOUNT_OWNER,
  ): Promise<void> {
    const requestId = newRequestId();
    let answer: S3Answer;
    try {
      answer = await this.#answer(readRequest(message, requestId, caller));
    } catch (error) {
      if (isLost(message, response)) return;
      answer = errorAnswer(error, requestId, message.url ?? '');
    }
    try {
      await send(response, answer, requestId, message.method === 'HEAD');
    } catch (error) {
      // The status line has been sent, so closing the connection is the only way to tell the client that the content is
      // incomplete.
      response.destroy();
      if (!isLost(message, response)) logDefect(error, requestId);
    } finally {
      // Drains a body that was refused midway. Otherwise, the next request on its connection would wait forever.
      message.resume();
      answer.sent?.();
    }
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #answer(request: S3Request): Promise<S3Answer> {
    for (const name of ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']) {
      const owner = request.headers.get(name);
      if (owner !== undefined && owner !== LOCAL_ACCOUNT) {
        throw new S3Error(403, 'AccessDenied', 'Access Denied');
      }
    }
    const name = operationName(request);
    const operation = OPERATIONS.get(name);
    if (operation === undefined) throw notImplemented(name);
    for (const need of neededForS3(name, request)) request.caller.demand(need);
    try {
      return await operation(this.#store, request);
    } catch (error) {
      if (saysAbsent(error)) request.caller.demand(neededToReportAbsence(request));
      throw error;
    }
  }
}

const saysAbsent = (error: unknown): boolean =>
  error instanceof S3Error && (error.code === 'NoSuchKey' || error.code === 'NoSuchVersion');

/** Returns whether the client has disconnected, so that no response can reach it. */
const isLost = (message: IncomingMessage, response: ServerResponse): boolean =>
  response.destroyed || message.socket.destroyed;

async function send(
  response: ServerResponse,
  answer: S3Answer,
  requestId: string,
  headersOnly: boolean,
): Promise<void> {
  const { status, headers, body } = answer;
  const length = typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {};
  response.writeHead(status, { ...length, ...headers, 'x-amz-request-id': requestId });
  if (headersOnly || body === undefined) response.end();
  else if (typeof body === 'string') response.end(body);
  else await pipeline(body, response);
}

function errorAnswer(error: unknown, requestId: string, path: string): S3Answer {
  const refusal = refusalFor(error, requestId);
  const body = writeErrorXml({
    Code: refusal.code,
    Message: refusal.message,
    Resource: path.replace(/\?.*$/s, ''),
    ...refusal.details,
    RequestId: requestId,
  });
  return {
    status: refusal.status,
    headers: { ...refusal.headers, 'content-type': 'application/xml' },
    body,
  };
}

/** S3 has its own error code for missing permissions. */
function refusalFor(error: unknown, requestId: string): S3Error {
  if (error instanceof S3Error) return error;
  if (isDiskFull(error)) return new S3Error(503, 'ServiceUnavailable', DISK_FULL);
  if (error instanceof AwsError) return new S3Error(403, 'AccessDenied', error.message);
  logDefect(error, requestId);
  return new S3Error(500, 'InternalError', 'The local S3 failed; see its log.');
}

const logDefect = (error: unknown, requestId: string): void =>
  console.error(
    printableJson({
      code: 's3.defect',
      requestId,
      error: error instanceof Error ? error.stack : String(error),
    }),
  );
