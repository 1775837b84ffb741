import type { Log } from '../../ports/ports.ts';

const MAX_CAUSES = 5;

/** An error as far as it may be logged. */
interface LoggedError {
  name: string;
  message: string;
  stack: string[];
  cause?: LoggedError;
}

/** One JSON object a line on standard output, as Lambda's log format JSON expects it. */
export function createJsonLog(service: string): Log {
  // Not by `console`, which Lambda replaces: it would wrap the object into another one.
  const write = (level: 'INFO' | 'WARN' | 'ERROR', code: string, facts: object): void => {
    const line = { level, timestamp: new Date().toISOString(), service, code, message: code, ...facts };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  return {
    info: (code, facts = {}) => write('INFO', code, facts),
    warn: (code, facts = {}) => write('WARN', code, facts),
    error: (code, facts = {}, cause) =>
      write('ERROR', code, { ...facts, ...(cause === undefined ? {} : { failure: loggable(cause) }) }),
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
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: loggable(error.cause, depth + 1) }),
  };
}
