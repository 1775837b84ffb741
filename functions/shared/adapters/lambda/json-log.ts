import type { Log } from '../../ports/ports.ts';

const MAX_CAUSES = 5;

/** The parts of an error that may be logged. */
interface LoggedError {
  name: string;
  message: string;
  stack: string[];
  cause?: LoggedError;
}

/** Writes one JSON object per line to standard output, as Lambda's log format JSON expects it. */
export function createJsonLog(service: string): Log {
  // Not with `console`: Lambda replaces it and would wrap the object in another one.
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

/** Only name, message and stack frames: an SDK's error has whole requests and responses in its other fields. */
function loggable(error: unknown, depth = 1): LoggedError {
  if (!(error instanceof Error))
    return { name: typeof error, message: 'a value that is not an Error', stack: [] };
  return {
    name: error.name,
    // The parser's errors quote the text that they could not parse, which may be a user's line.
    message: error instanceof SyntaxError ? 'unreadable' : error.message,
    stack: (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: loggable(error.cause, depth + 1) }),
  };
}
