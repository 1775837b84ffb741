import type { ServerResponse } from 'node:http';
import type { ErrorAnswer } from '../../../console/api.ts';
import { httpStatusOf } from '../../../functions/shared/adapters/aws/aws-failure.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../../functions/shared/domain/errors.ts';
import { Failure, sentenceOf } from '../../terminal/failure.ts';
import type { Refusal } from './request-guard.ts';

/** A request that cannot be answered as it stands. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Sends an answer as JSON, which a browser never takes for a page. */
export function sendJson(response: ServerResponse, answer: object, status = 200): void {
  const body = Buffer.from(JSON.stringify(answer));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

/** Sends an error, unless the answer has begun: then the connection is cut, so that nobody takes the half for the whole. */
export function sendError(response: ServerResponse, { status, code, message }: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.setHeader('connection', 'close'); // the rest of the request is not read
  const answer: ErrorAnswer = { error: { code, message } };
  sendJson(response, answer, status);
}

/** Returns what an error means for the page. */
export function refusalFor(error: unknown): Refusal {
  if (error instanceof BadRequest) return error;
  const message = sentenceOf(error);
  if (error instanceof Failure) return { status: 409, code: 'failed', message };
  if (error instanceof TerminalError) return { status: 400, code: error.code, message };
  if (isDenied(error)) return { status: 403, code: 'not_allowed', message };
  if (error instanceof RetryableError) return { status: 503, code: 'unreachable', message };
  return { status: 500, code: 'unexpected', message };
}

/** AWS refused the call. The ledger's adapter wraps that in an error that is worth another try. */
function isDenied(error: unknown): boolean {
  const cause = error instanceof RetryableError ? error.cause : error;
  return (
    error instanceof NotAllowed || httpStatusOf(cause) === 403 || /^AccessDenied/.test(Object(cause).name)
  );
}
