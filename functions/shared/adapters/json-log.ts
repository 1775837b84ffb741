import { Logger } from '@aws-lambda-powertools/logger';
import type { Log } from '../core/ports.ts';

const MOST_CAUSES = 5;

/** An error as far as it may be logged. */
interface LoggedError {
  name: string;
  message: string;
  stack: string[];
  cause?: LoggedError;
}

/** One JSON object a line on standard output; the level comes from `POWERTOOLS_LOG_LEVEL`. */
export function createJsonLog(serviceName: string): Log {
  const logger = new Logger({ serviceName });
  return {
    info: (code, facts = {}) => logger.info(code, { code, ...facts }),
    warn: (code, facts = {}) => logger.warn(code, { code, ...facts }),
    error: (code, facts = {}, cause) =>
      logger.error(code, { code, ...facts, ...(cause === undefined ? {} : { failure: loggable(cause) }) }),
  };
}

/** Name, message and frames only: an SDK's error carries whole requests and answers in its other fields. */
function loggable(error: unknown, depth = 1): LoggedError {
  if (!(error instanceof Error))
    return { name: typeof error, message: 'something else than an error', stack: [] };
  return {
    name: error.name,
    // The parser's errors quote what they could not read, which may be a user's line.
    message: error instanceof SyntaxError ? 'unreadable' : error.message,
    stack: (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)),
    ...(error.cause === undefined || depth >= MOST_CAUSES ? {} : { cause: loggable(error.cause, depth + 1) }),
  };
}
