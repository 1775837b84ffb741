import type { RowCounts } from '../contract/events.ts';

/** How a row ended. */
export type RowOutcome = 'succeeded' | 'failed' | 'expired' | 'cancelled' | 'missing';

/** Where a line of the API's files belongs. */
export type LineVerdict = { outcome: RowOutcome } | { anomaly: 'unknown_id' | 'second_line' | 'unreadable' };

const NOT_RUN: ReadonlyMap<string, RowOutcome> = new Map([
  ['batch_expired', 'expired'],
  ['batch_cancelled', 'cancelled'],
]);

/**
 * Accounts for the rows of one part: each id of the request file ends with exactly one outcome, and lines that belong
 * to no row, or to one that has a line already, are told apart. The first line of an id decides.
 */
export class RowAccount {
  readonly #batchStatus: string;
  readonly #outcomes = new Map<string, RowOutcome | undefined>();
  /** Rows whose ids could not be read again, because the request file is gone: any new id is taken for one. */
  #unnamed: number;
  anomalies = 0;

  constructor(part: { rows: number; batchStatus: string }, customIds: Iterable<string> | undefined) {
    this.#batchStatus = part.batchStatus;
    for (const id of customIds ?? []) this.#outcomes.set(id, undefined);
    this.#unnamed = customIds ? 0 : part.rows;
  }

  /** Settles the row of one result line. */
  settle(line: Uint8Array): LineVerdict {
    const result = readResult(line);
    if (!result) return this.#anomaly('unreadable');
    const { customId, outcome } = result;
    if (this.#outcomes.get(customId) !== undefined) return this.#anomaly('second_line');
    if (!this.#outcomes.has(customId)) {
      if (this.#unnamed === 0) return this.#anomaly('unknown_id');
      this.#unnamed -= 1;
    }
    const settled = outcome === 'expired' && this.#batchStatus === 'cancelled' ? 'cancelled' : outcome;
    this.#outcomes.set(customId, settled);
    return { outcome: settled };
  }

  /** Settles every row without a line, and names those that have a name. */
  *settleTheRest(): Generator<{ customId: string; outcome: RowOutcome }> {
    const outcome = this.#outcomeWithoutLine();
    for (const [customId, known] of this.#outcomes) {
      if (known !== undefined) continue;
      this.#outcomes.set(customId, outcome);
      yield { customId, outcome };
    }
  }

  counts(): RowCounts {
    const counts: RowCounts = { total: 0, succeeded: 0, failed: 0, expired: 0, cancelled: 0, missing: 0 };
    for (const outcome of this.#outcomes.values()) {
      counts[outcome ?? 'missing'] += 1;
      counts.total += 1;
    }
    counts[this.#outcomeWithoutLine()] += this.#unnamed;
    counts.total += this.#unnamed;
    return counts;
  }

  /** A batch that failed ran nothing; one that was cancelled owes no line to the rows it did not run. */
  #outcomeWithoutLine(): RowOutcome {
    if (this.#batchStatus === 'failed') return 'failed';
    return this.#batchStatus === 'cancelled' ? 'cancelled' : 'missing';
  }

  #anomaly(anomaly: 'unknown_id' | 'second_line' | 'unreadable'): LineVerdict {
    this.anomalies += 1;
    return { anomaly };
  }
}

function readResult(line: Uint8Array): { customId: string; outcome: RowOutcome } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!hasFields(parsed) || typeof parsed.custom_id !== 'string') return undefined;
  return { customId: parsed.custom_id, outcome: outcomeOf(parsed) };
}

/** By the HTTP status of the row's own response: the API's count of failures is not to be trusted. */
function outcomeOf(result: Record<string, unknown>): RowOutcome {
  const { response, error } = result;
  if (hasFields(error)) return NOT_RUN.get(String(error.code)) ?? 'failed';
  const status = hasFields(response) ? response.status_code : undefined;
  return typeof status === 'number' && status >= 200 && status < 300 ? 'succeeded' : 'failed';
}

function hasFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
