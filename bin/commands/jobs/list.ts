import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { JOB_STATUSES } from '../../../functions/shared/contract/batch-status.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { JobSummary } from '../../../functions/shared/domain/job-summary.ts';
import type { HeldUpItem, StalledItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { LearnedLimit } from '../../../functions/shared/domain/waiting/learned-limits.ts';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { sinceTime } from '../../connection/server-time.ts';
import { heldSentence } from '../../jobs/held-sentence.ts';
import { summaryFacts } from '../../jobs/job-facts.ts';
import { type QueuePosition, queuePositions } from '../../jobs/queue-positions.ts';
import { parseSince, type Since } from '../../jobs/since.ts';
import { grouped, momentShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { waitingFor } from '../../terminal/event-line.ts';
import { moneyShown } from '../../terminal/money.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options extends ConnectionOptions {
  readonly status?: Job['status'];
  readonly since?: Since;
  readonly limit: number;
  readonly limits?: boolean;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100_000;
const STATUS_WIDTH = 10; // unapproved
const ROWS_WIDTH = 9; // up to 9,999,999

/** `batchdrop list`: jobs, newest first. */
export function listCommand(): Command {
  return withConnectionOptions(
    new Command('list')
      .summary('List jobs')
      .description('List jobs, newest first. Each version of a request file is one job.')
      .addOption(
        new Option('--status <status>', 'only jobs in this status').choices(['received', ...JOB_STATUSES]),
      )
      .option('--since <time>', 'only jobs created since this time: 90m, 24h, 7d, or 2026-01-31', parseSince)
      .option(
        '--limit <number>',
        'how many jobs to list at most',
        wholeNumber('--limit', 1, MAX_LIMIT),
        DEFAULT_LIMIT,
      )
      .option('--limits', 'list the enqueued limits that Batchdrop has learned, instead of jobs'),
  ).action(list);
}

async function list(options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const { status, since, limit, json } = options;
    if (options.limits) return listLimits(connection, json);
    const [{ jobs, cursor }, waiting, heldUp, stalled] = await Promise.all([
      connection.queries.listJobs({
        limit,
        ...(status !== undefined && { status }),
        ...(since !== undefined && { since: await sinceTime(since, connection) }),
      }),
      connection.queries.waitingParts(),
      connection.queries.listHeldUp(),
      connection.queries.listStalled(),
    ]);
    const stalledOf = Map.groupBy(stalled, ({ jobId }) => jobId);
    const positions = queuePositions(waiting);
    const heldUpOf = Map.groupBy(heldUp, ({ jobId }) => jobId);
    if (json) {
      const facts = jobs.map((job) => ({
        ...summaryFacts(job),
        waiting: positions.get(job.jobId) ?? [],
        heldUp: (heldUpOf.get(job.jobId) ?? []).map(heldUpFacts),
        stalled: (stalledOf.get(job.jobId) ?? []).map(stalledFacts),
      }));
      console.log(printableJson(facts, 2));
    } else if (jobs.length > 0) printTable(jobs, positions, { heldUpOf, stalledOf });
    else if (status === undefined && since === undefined)
      console.log('There are no jobs. To create one: batchdrop submit FILE');
    else console.log('No job matches. To list all jobs: batchdrop list');
    if (cursor !== undefined)
      console.error(
        `There are more jobs. To list them, raise --limit (now ${limit}), or use --since or --status.`,
      );
  });
}

/** Lists the limits that Batchdrop learned from refusals. A configured limit (`enqueuedTokens`) takes precedence. */
async function listLimits({ ledger }: Connection, json: boolean | undefined): Promise<void> {
  const { learned = [] } = await ledger.readAdmissions();
  if (json) console.log(printableJson(learned.map(limitFacts), 2));
  else if (learned.length === 0) console.log('Batchdrop has learned no enqueued limit.');
  else for (const limit of learned) console.log(escapeControlCharacters(limitLine(limit)));
}

function limitFacts({ name, counts, models, limit, assumed, said, at }: LearnedLimit): object {
  const source = limit === undefined ? 'assumed' : 'named';
  const value = limit ?? assumed?.limit ?? null;
  return { name, counts, limit: value, source, models, said, at: new Date(at).toISOString() };
}

function limitLine({ name, counts, limit, assumed, said, at }: LearnedLimit): string {
  const value = grouped(limit ?? assumed?.limit ?? 0);
  const known = limit === undefined ? `assumed ${value}` : value;
  return `${name}: ${known} enqueued ${counts}, learned ${momentShown(at)}: ${said}`;
}

/** The items that are stalled or held up, by job id. */
interface HeldAndStalled {
  readonly heldUpOf: ReadonlyMap<string, readonly HeldUpItem[]>;
  readonly stalledOf: ReadonlyMap<string, readonly StalledItem[]>;
}

function printTable(
  jobs: readonly JobSummary[],
  positions: ReadonlyMap<string, QueuePosition[]>,
  { heldUpOf, stalledOf }: HeldAndStalled,
): void {
  const header = `${'JOB'.padEnd(26)}  ${'STATUS'.padEnd(STATUS_WIDTH)}  ${'ROWS'.padStart(ROWS_WIDTH)}  ${'CREATED'.padEnd(16)}  FILE, COST`;
  console.log(styleText('dim', header));
  for (const {
    jobId,
    status,
    plannedRows,
    plannedParts,
    createdAt,
    requestFile,
    cost,
    hold,
    estimate,
  } of jobs) {
    const rows = (plannedRows === undefined ? '' : grouped(plannedRows)).padStart(ROWS_WIDTH);
    const created = momentShown(createdAt);
    console.log(
      fitting(
        escapeControlCharacters(
          `${jobId}  ${status.padEnd(STATUS_WIDTH)}  ${rows}  ${created}  ${requestFile.key}${costShown(cost)}`,
        ),
      ),
    );
    if (hold) console.log(fitting(escapeControlCharacters(`  ${heldSentence(jobId, hold, estimate)}`)));
    const waiting = waitingLine(positions.get(jobId) ?? [], plannedParts ?? 1);
    if (waiting !== undefined) console.log(fitting(escapeControlCharacters(waiting)));
    const heldUp = heldUpLine(heldUpOf.get(jobId) ?? []);
    if (heldUp !== undefined) console.log(fitting(escapeControlCharacters(heldUp)));
    for (const item of stalledOf.get(jobId) ?? [])
      console.log(fitting(escapeControlCharacters(stalledLine(item))));
  }
}

/** Nothing before the job has ended. */
function costShown(cost: JobSummary['cost']): string {
  if (!cost) return '';
  return `, ${cost.paid === null ? 'cost unknown' : moneyShown(cost.paid, cost.currency)}`;
}

/** Returns the first held-up item, and the number of the others. */
function heldUpLine([first, ...others]: readonly HeldUpItem[]): string | undefined {
  if (!first) return undefined;
  const part = first.kind === 'part' ? `, part ${first.number}` : '';
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return `  waiting: ${waitingFor(first.for)}${part}${more}: ${first.said}`;
}

function heldUpFacts(item: HeldUpItem): object {
  return { ...(item.kind === 'part' && { part: item.number }), for: item.for, said: item.said };
}

function stalledLine(item: StalledItem): string {
  const part = item.kind === 'part' ? ` part ${item.number}` : '';
  return `  stalled:${part} ${item.reason.message}`;
}

function stalledFacts(item: StalledItem): object {
  return { ...(item.kind === 'part' && { part: item.number }), reason: item.reason };
}

function waitingLine([first, ...others]: readonly QueuePosition[], parts: number): string | undefined {
  if (!first) return undefined;
  const share = parts === 1 ? '' : ` (${others.length + 1} of ${parts} batches wait)`;
  const alone = first.alone ? '; rejected although nothing else was enqueued' : '';
  const said = first.said === undefined ? '' : `: ${first.said}`;
  return `  waiting: ${waitingFor(first.for)}, position ${first.position}${share}${alone}${said}`;
}

/** Cuts a line to the width of the terminal. A pipe gets the whole line. */
function fitting(line: string): string {
  const { isTTY, columns } = process.stdout;
  return isTTY && line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}
