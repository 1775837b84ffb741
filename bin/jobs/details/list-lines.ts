/** The table of `batchdrop list`: one line for each job, and below it what it waits for, with the command that ends the wait. */
import { styleText } from 'node:util';
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import type { DelayedItem, StalledItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { PlaceTime } from '../../connection/server-time.ts';
import { ageShown, grouped } from '../../terminal/amounts.ts';
import { tableLines } from '../../terminal/columns.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { colorOf, waitingFor } from '../../terminal/event-line.ts';
import { moneyShown } from '../../terminal/money.ts';
import { shortId } from '../../terminal/short-id.ts';
import { heldSentence } from '../held-sentence.ts';
import type { QueuePosition } from '../queue-positions.ts';
import { stallEnd, waitEnd } from './wait-end.ts';

/** What jobs wait for, by job id. */
export interface Waits {
  readonly positions: ReadonlyMap<string, readonly QueuePosition[]>;
  readonly delayed: ReadonlyMap<string, readonly DelayedItem[]>;
  readonly stalled: ReadonlyMap<string, readonly StalledItem[]>;
}

/** Returns the table as lines, which are safe to print. */
export function listLines(
  jobs: readonly JobSummary[],
  waits: Waits,
  { now, isSimulated }: PlaceTime,
): string[] {
  const columns = [
    { title: 'JOB' },
    { title: 'STATUS' },
    { title: 'ROWS', isNumber: true },
    { title: 'FAILED', isNumber: true },
    { title: 'COST', isNumber: true },
    { title: isSimulated ? 'SIM. AGE' : 'AGE', isNumber: true },
    { title: 'FILE' },
  ];
  return tableLines(
    columns,
    jobs.map((job) => ({
      cells: cellsOf(job, now),
      below: waitLines(job, waits, isSimulated).map((line) => escapeControlCharacters(`  ${line}`)),
    })),
  );
}

function cellsOf(
  { jobId, status, plannedRows, rows, cost, createdAt, requestFile }: JobSummary,
  now: number,
): string[] {
  const count = rows?.total ?? plannedRows;
  const failed = rows ? rows.total - rows.succeeded : undefined;
  const paid = cost && (cost.paid === null ? '?' : moneyShown(cost.paid, cost.currency));
  return [
    shortId(jobId),
    styleText(colorOf(status), escapeControlCharacters(status)),
    count === undefined ? '' : grouped(count),
    failed === undefined ? '' : grouped(failed),
    paid ?? '',
    ageShown(now - createdAt),
    escapeControlCharacters(requestFile.key),
  ];
}

function waitLines(
  { jobId, plannedParts = 1, hold, estimate }: JobSummary,
  waits: Waits,
  isSimulated: boolean,
): string[] {
  const held = hold ? [heldSentence(jobId, hold, estimate, isSimulated)] : [];
  const stalled = (waits.stalled.get(jobId) ?? []).map((item) => stalledLine(item, jobId));
  return [
    ...held,
    ...waitingLine(waits.positions.get(jobId) ?? [], plannedParts, jobId),
    ...delayLine(waits.delayed.get(jobId) ?? [], jobId),
    ...stalled,
  ];
}

/** The command comes before what others said, so that a narrow terminal shows it. */
function waitingLine([first, ...others]: readonly QueuePosition[], parts: number, jobId: string): string[] {
  if (!first) return [];
  const share = parts === 1 ? '' : `; ${others.length + 1} of ${parts} batches wait`;
  const alone = first.alone ? '; rejected although nothing else was enqueued' : '';
  const said = first.said === undefined ? '' : `: ${first.said}`;
  return [
    `waiting: ${waitingFor(first.for)}; ${waitEnd(first.for, jobId)}; position ${first.position}${share}${alone}${said}`,
  ];
}

/** Returns the first held-up item, and the number of the others. */
function delayLine([first, ...others]: readonly DelayedItem[], jobId: string): string[] {
  if (!first) return [];
  const part = first.kind === 'part' ? `; part ${first.number}` : '';
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return [`waiting: ${waitingFor(first.for)}; ${waitEnd(first.for, jobId)}${part}${more}: ${first.said}`];
}

function stalledLine(item: StalledItem, jobId: string): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `stalled:${part} ${stallEnd(item.reason, jobId)}; ${item.reason.message}`;
}
