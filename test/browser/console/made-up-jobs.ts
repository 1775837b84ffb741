import { createHash } from 'node:crypto';
import type { JobRow } from '../../../console/api.ts';

const BEGIN = Date.UTC(2026, 10, 1);
const MINUTE = 60_000;
const NAMES = ['reviews', 'support/tickets', 'translations/de', 'embeddings', 'team-a/labels'];

/** Jobs of every status, newest first: an hour apart, the newest at the end of November 2026 or later. */
export function madeUpJobs(count: number): JobRow[] {
  return Array.from({ length: count }, (_, at) => madeUpJob(at)).reverse();
}

/** When the job of this number was created. */
function createdAt(number: number): number {
  return BEGIN + number * 7 * MINUTE;
}

function madeUpJob(number: number): JobRow {
  const at = createdAt(number);
  const time = (minutes: number) => new Date(at + minutes * MINUTE).toISOString();
  const plannedRows = 1_000 + ((number * 7_919) % 90_000);
  const base = {
    jobId: createHash('sha256').update(`${number}`).digest('hex').slice(0, 26),
    file: `${NAMES[number % NAMES.length]}-${number}.jsonl`,
    size: plannedRows * 412,
    createdAt: time(0),
    changedAt: time(14),
    plannedRows,
    stalled: false,
  };
  const cost = { currency: 'USD', amount: Math.round(plannedRows * 1.31) / 10_000 };
  const failed = number % 4 === 0 ? number % 97 : 0;
  const rows = {
    total: plannedRows,
    succeeded: plannedRows - failed,
    failed,
    expired: 0,
    cancelled: 0,
    missing: 0,
  };
  if (number % 50 === 7) return { ...base, status: 'rejected', ended: true, findings: 1 + (number % 30) };
  if (number % 50 === 19)
    return {
      ...base,
      status: 'expired',
      ended: true,
      cost,
      rows: { ...rows, succeeded: 900, expired: plannedRows - failed - 900 },
    };
  return { ...base, status: 'completed', ended: true, cost, rows };
}
