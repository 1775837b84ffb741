import { Command, Option } from 'commander';
import { JOB_STATUSES } from '../../../functions/shared/contract/batch-status.ts';
import type { Job } from '../../../functions/shared/domain/job.ts';
import type { DelayedItem, StalledItem } from '../../../functions/shared/domain/ledger-records.ts';
import type { LearnedLimit } from '../../../functions/shared/domain/waiting/learned-limits.ts';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { placeTime, sinceTime } from '../../connection/server-time.ts';
import { listLines } from '../../jobs/details/list-lines.ts';
import { PAUSED } from '../../jobs/details/wait-end.ts';
import { summaryFacts } from '../../jobs/job-facts.ts';
import { queuePositions } from '../../jobs/queue-positions.ts';
import { parseSince, type Since } from '../../jobs/since.ts';
import { grouped, momentShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options extends ConnectionOptions, FormatOptions {
  readonly status?: Job['status'];
  readonly since?: Since;
  readonly limit: number;
  readonly limits?: boolean;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100_000;

/** `batchdrop list`: jobs, newest first. */
export function listCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('list')
        .summary('List jobs')
        .description('List jobs, newest first. Each version of a request file is one job.')
        .addOption(
          new Option('--status <status>', 'only jobs in this status').choices(['received', ...JOB_STATUSES]),
        )
        .option(
          '--since <time>',
          'only jobs created since this time: 90m, 24h, 7d, or 2026-01-31',
          parseSince,
        )
        .option(
          '--limit <number>',
          'how many jobs to list at most',
          wholeNumber('--limit', 1, MAX_LIMIT),
          DEFAULT_LIMIT,
        )
        .option('--limits', 'list the enqueued limits that Batchdrop has learned, instead of jobs'),
    ),
    'batchdrop list --status unapproved',
    'batchdrop list --since 24h --format csv',
  ).action(list);
}

async function list(options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const { status, since, limit } = options;
    if (options.limits) return listLimits(connection, options);
    const [{ jobs, cursor }, waiting, delayed, stalled] = await Promise.all([
      connection.queries.listJobs({
        limit,
        ...(status !== undefined && { status }),
        ...(since !== undefined && { since: await sinceTime(since, connection) }),
      }),
      connection.queries.waitingParts(),
      connection.queries.listDelayed(),
      connection.queries.listStalled(),
    ]);
    const waits = {
      positions: queuePositions(waiting),
      delayed: Map.groupBy(delayed, ({ jobId }) => jobId),
      stalled: Map.groupBy(stalled, ({ jobId }) => jobId),
    };
    const facts = jobs.map((job) => ({
      ...summaryFacts(job),
      waiting: waits.positions.get(job.jobId) ?? [],
      delayed: (waits.delayed.get(job.jobId) ?? []).map(delayFacts),
      stalled: (waits.stalled.get(job.jobId) ?? []).map(stalledFacts),
    }));
    const time = await placeTime(connection);
    const { paused } = await connection.ledger.readControl();
    printFacts(options, facts, () => {
      if (jobs.length > 0) return [...listLines(jobs, waits, time), ...(paused ? [PAUSED] : [])];
      return status === undefined && since === undefined
        ? ['There are no jobs. To create one: batchdrop submit FILE']
        : ['No job matches. To list all jobs: batchdrop list'];
    });
    if (cursor !== undefined)
      console.error(
        `There are more jobs. To list them, raise --limit (now ${limit}), or use --since or --status.`,
      );
  });
}

/** Lists the limits that Batchdrop learned from refusals. A configured limit (`enqueuedTokens`) takes precedence. */
async function listLimits({ ledger }: Connection, options: Options): Promise<void> {
  const { learned = [] } = await ledger.readAdmissions();
  printFacts(options, learned.map(limitFacts), () =>
    learned.length === 0
      ? ['Batchdrop has learned no enqueued limit.']
      : learned.map((limit) => escapeControlCharacters(limitLine(limit))),
  );
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

function delayFacts(item: DelayedItem): object {
  return { ...(item.kind === 'part' && { part: item.number }), for: item.for, said: item.said };
}

function stalledFacts(item: StalledItem): object {
  return { ...(item.kind === 'part' && { part: item.number }), reason: item.reason };
}
