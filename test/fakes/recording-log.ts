import type { Log } from '../../functions/shared/ports/ports.ts';

/** One line of the log, as it was passed. */
interface LogLine {
  level: 'info' | 'warn' | 'error';
  code: string;
  facts: Record<string, string | number | boolean | undefined>;
  cause?: unknown;
}

/** A log whose lines tests can read. */
export interface RecordingLog extends Log {
  readonly lines: readonly LogLine[];
}

/** Keeps every line in order. */
export function createRecordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  return {
    lines,
    info: (code, facts = {}) => void lines.push({ level: 'info', code, facts }),
    warn: (code, facts = {}) => void lines.push({ level: 'warn', code, facts }),
    error: (code, facts = {}, cause) => void lines.push({ level: 'error', code, facts, cause }),
  };
}
