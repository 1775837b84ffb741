import type { JobRow } from '../../../console/api.ts';

const BEGIN = Date.UTC(2026, 10, 1);
const MINUTE = 60_000;
const NAMES = ['reviews', 'support/tickets', 'translations/de', 'embeddings', 'team-a/labels'];

/** Jobs of every status, newest first: an hour apart, the newest at the end of November 2026 or later. */
export function madeUpJobs(count: number): JobRow[] {
  return Array.from({ length: count }, (_, at) => madeUpJob(at)).reverse();
}

/** When the job of this number was created. */
export function createdAt(number: number): number {
  return BEGIN + number * 7 * MINUTE;
}

function madeUpJob(number: number): JobRow {
  const at = createdAt(number);
  const time = (minutes: number) => new Date(at + minutes * MINUTE).toISOString();
  const plannedRows = 1_000 + ((number * 7_919) % 90_000);
  const base = {
    jobId: (number * 2_654_435_761 + 1).toString(16).padStart(26, '0').slice(-26),
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

/** Jobs that are open, as the newest. `now` is in milliseconds. */
export function openJobs(now: number): JobRow[] {
  const ago = (minutes: number) => new Date(now - minutes * MINUTE).toISOString();
  const estimate = { currency: 'USD', low: 3.12, likely: 4.4, high: 7.02 };
  const open = { ended: false, stalled: false, size: 21_400_000, plannedRows: 52_000, estimate };
  return [
    {
      ...open,
      jobId: 'aaaa1111',
      file: 'reviews/today.jsonl',
      status: 'submitted',
      createdAt: ago(4),
      changedAt: ago(3),
      progress: 0.42,
      expectedEnd: ago(-7),
    },
    {
      ...open,
      jobId: 'bbbb2222',
      file: 'audit/contracts.jsonl',
      status: 'unapproved',
      createdAt: ago(9),
      changedAt: ago(9),
      reason: { code: 'approve_above', message: 'It may cost more than $5.00.' },
    },
    {
      ...open,
      jobId: 'cccc3333',
      file: 'labels/very/deep/folder/with-a-rather-long-name-of-a-file.jsonl',
      status: 'accepted',
      createdAt: ago(12),
      changedAt: ago(11),
      waitingFor: 'budget',
    },
    {
      ...open,
      jobId: 'dddd4444',
      file: 'embeddings-wiki.jsonl',
      status: 'submitted',
      createdAt: ago(31),
      changedAt: ago(30),
      progress: 0.91,
      stalled: true,
    },
    {
      jobId: 'eeee5555',
      file: 'new.jsonl',
      status: 'received',
      ended: false,
      stalled: false,
      size: 1_204,
      createdAt: ago(0),
      changedAt: ago(0),
    },
  ];
}
