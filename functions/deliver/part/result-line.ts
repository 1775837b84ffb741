import type { RowOutcome } from '../../shared/part-rows/row-states.ts';

/** The content of one line of the API's result files. */
export interface ResultLine {
  customId: string;
  outcome: RowOutcome;
  /** The row may run again: the line proves that it did not run, or that it failed for a transient reason. */
  passing: boolean;
}

const NOT_RUN: ReadonlyMap<string, RowOutcome> = new Map([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

// Time-out, conflict, too many requests; the API writes 0 when it got no response at all.
const PASSING: ReadonlySet<number> = new Set([0, 408, 409, 429]);

/**
 * Returns what a result line says; undefined for any other line. The row's own HTTP status decides, not the API's
 * counts.
 */
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
