import type { RowOutcome } from '../../shared/part-rows/row-states.ts';

/** What one line of the API's result files says. */
export interface ResultLine {
  customId: string;
  outcome: RowOutcome;
  /** There is proof that the row did not run, or that a passing fault kept it from it: it may run again. */
  passing: boolean;
}

const NOT_RUN: ReadonlyMap<string, RowOutcome> = new Map([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

// Time-out, conflict, too many requests; 0 is what the API writes when no answer came at all.
const PASSING: ReadonlySet<number> = new Set([0, 408, 409, 429]);

/** Undefined for what is no result line. By the row's own HTTP status: the API's count of failures is not to be trusted. */
export function readResultLine(line: Uint8Array): ResultLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!hasFields(parsed) || typeof parsed.custom_id !== 'string') return undefined;
  return { customId: parsed.custom_id, ...outcomeOf(parsed) };
}

function outcomeOf({ response, error }: Record<string, unknown>): Omit<ResultLine, 'customId'> {
  if (hasFields(error)) {
    const outcome = NOT_RUN.get(String(error.code)) ?? 'failed';
    return { outcome, passing: outcome === 'expired' };
  }
  const status = hasFields(response) ? response.status_code : undefined;
  if (typeof status !== 'number') return { outcome: 'failed', passing: false };
  if (status >= 200 && status < 300) return { outcome: 'succeeded', passing: false };
  return { outcome: 'failed', passing: PASSING.has(status) || (status >= 500 && status < 600) };
}

function hasFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
