/**
 * The queries of people, from three indexes. None is read as a whole, and the table is never scanned.
 *
 * - `jobs` (`jobShard`, `jobTime`; with `summary`): all jobs by time. A list merges the shards, newest first, so it needs
 *   no partition per day or month, and periods without jobs cost nothing. One partition key takes only 1,000 writes per
 *   second, and an index that cannot keep up throttles the table. A job writes its entry about seven times: when its
 *   status changes, and when that is published. So four shards take about 500 new jobs per second.
 * - `job-ids` (`jobIdPrefix`, `pk`; keys only): one query finds all ids with a prefix. An entry is written once.
 * - `due` (see `ledger.ts`): every unfinished item, with the reason if it is stalled and with what a part waits for.
 *
 * Known gap: a list of one status also reads all newer jobs of the other statuses, about 0.7 KB each.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isOver, type Job } from '../../domain/job.ts';
import type { JobSummary } from '../../domain/job-summary.ts';
import { type DelayedItem, DUE_SHARDS, type StalledItem } from '../../domain/ledger-records.ts';
import { AdmissionQueue, type WaitingPart } from '../../domain/waiting/admission-queue.ts';
import type { Clock, JobsPage, JobsQuery, Ledger, LedgerQueries } from '../../ports/ports.ts';
import {
  dueShardName,
  jobShardName,
  type LedgerAttributes,
  stalledIn,
  summaryIn,
  waitingPartIn,
} from './ledger-attributes.ts';
import { queriedPages } from './ledger-call.ts';
import { cursorAfter, dueItemAt, idPrefixOf, JOB_SHARDS, jobKey, jobTime, timeIn } from './ledger-keys.ts';
import type { TableCalls } from './table-calls.ts';

const BEFORE_ALL_TIMES = '!'; // a key cannot be empty
const AFTER_ALL_TIMES = '~';

interface Options {
  calls: TableCalls;
  tableName: string;
  clock: Clock;
  /** The ledger in the same table, for consistent reads. */
  ledger: Pick<Ledger, 'readJob'>;
}

/** A query of an index: its key condition, a filter, and the maximum number of entries per page. */
interface IndexQuery {
  index: 'due' | 'jobs' | 'job-ids';
  where: string;
  values: Record<string, AttributeValue>;
  filter?: { expression: string; names: Record<string, string> };
  newestFirst?: boolean;
  pageSize?: number;
}

/** The queries over the ledger's table. */
export function createDynamoDbLedgerQueries(options: Options): LedgerQueries {
  return new DynamoDbLedgerQueries(options);
}

class DynamoDbLedgerQueries implements LedgerQueries {
  readonly #calls: TableCalls;
  readonly #table: string;
  readonly #clock: Clock;
  readonly #ledger: Pick<Ledger, 'readJob'>;

  constructor({ calls, tableName, clock, ledger }: Options) {
    this.#calls = calls;
    this.#table = tableName;
    this.#clock = clock;
    this.#ledger = ledger;
  }

  async listJobs(query: JobsQuery): Promise<JobsPage> {
    const shards = Array.from({ length: JOB_SHARDS }, (_, shard) => this.#jobsOf(shard, query));
    const jobs: JobSummary[] = [];
    for await (const job of newestFirst(shards)) {
      const last = jobs.at(-1);
      if (jobs.length === query.limit && last) return { jobs, cursor: cursorAfter(jobTime(last)) };
      jobs.push(job);
    }
    return { jobs };
  }

  async jobIdsWith(prefix: string, limit: number): Promise<string[]> {
    const found: string[] = [];
    const entries = this.#entries({
      index: 'job-ids',
      where: 'jobIdPrefix = :start AND begins_with(pk, :key)',
      values: { ':start': { S: idPrefixOf(prefix) }, ':key': { S: jobKey(prefix).pk } },
      pageSize: limit,
    });
    for await (const { pk, sk } of entries) {
      const item = dueItemAt({ pk: pk?.S ?? '', sk: sk?.S ?? '' });
      // Reads the job, because the entry may be that of an expired job.
      if (item && (await this.#ledger.readJob(item.jobId))) found.push(item.jobId);
      if (found.length === limit) break;
    }
    return found;
  }

  async openJobs(): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const { item } of await this.#dueItems()) {
      const job = item.kind === 'job' ? await this.#ledger.readJob(item.jobId) : undefined;
      if (job && !isOver(job)) jobs.push(job);
    }
    return jobs.sort((a, b) => (jobTime(a) < jobTime(b) ? -1 : 1));
  }

  async listStalled(): Promise<StalledItem[]> {
    const stalled: StalledItem[] = [];
    for (const { item, attributes } of await this.#dueItems('stalled')) {
      const known = stalledIn(attributes);
      if (known && 'reason' in known) stalled.push({ ...item, reason: known.reason });
    }
    return stalled;
  }

  async listDelayed(): Promise<DelayedItem[]> {
    const delayed: DelayedItem[] = [];
    for (const { item, attributes } of await this.#dueItems('stalled')) {
      const known = stalledIn(attributes);
      if (known && 'delayed' in known) delayed.push({ ...item, ...known.delayed });
    }
    return delayed;
  }

  async waitingParts(): Promise<WaitingPart[]> {
    const queue = new AdmissionQueue();
    for (const { attributes } of await this.#dueItems('waits')) {
      const part = waitingPartIn(attributes);
      if (part) queue.add(part);
    }
    return queue.inOrder();
  }

  /** The jobs of one shard, newest first. */
  async *#jobsOf(shard: number, { limit, status, since, cursor }: JobsQuery): AsyncGenerator<JobSummary> {
    const last = cursor === undefined ? undefined : timeIn(cursor);
    const entries = this.#entries({
      index: 'jobs',
      where: 'jobShard = :shard AND jobTime BETWEEN :from AND :to',
      values: {
        ':shard': { S: jobShardName(shard) },
        ':from': { S: since === undefined ? BEFORE_ALL_TIMES : new Date(Math.max(0, since)).toISOString() },
        ':to': { S: last ?? AFTER_ALL_TIMES },
        ...(status !== undefined && { ':status': { S: status } }),
      },
      newestFirst: true,
      ...(status === undefined
        ? { pageSize: 2 * Math.ceil(limit / JOB_SHARDS) + 1 } // usually enough for the shard's share
        : { filter: { expression: 'summary.#status = :status', names: { '#status': 'status' } } }),
    });
    for await (const attributes of entries) {
      const job = summaryIn(attributes, this.#clock.now());
      if (job && attributes.jobTime?.S !== last) yield job;
    }
  }

  /** Returns all entries of the `due` index, by job and then by part. With `having`, only those with that attribute. */
  async #dueItems(having?: 'stalled' | 'waits') {
    const shards = Array.from({ length: DUE_SHARDS }, (_, shard) =>
      collected(
        this.#entries({
          index: 'due',
          where: 'dueShard = :shard',
          values: { ':shard': { S: dueShardName(shard) } },
          ...(having && {
            filter: { expression: 'attribute_exists(#wanted)', names: { '#wanted': having } },
          }),
        }),
      ),
    );
    const entries = (await Promise.all(shards)).flat();
    entries.sort((a, b) => (keyTextOf(a) < keyTextOf(b) ? -1 : 1));
    return entries.flatMap((attributes) => {
      const item = dueItemAt({ pk: attributes.pk?.S ?? '', sk: attributes.sk?.S ?? '' });
      return item ? [{ item, attributes }] : [];
    });
  }

  async *#entries(query: IndexQuery): AsyncGenerator<LedgerAttributes> {
    const { index, where, values, filter, newestFirst = false, pageSize } = query;
    const pages = queriedPages(this.#calls, `query the index ${index}`, {
      TableName: this.#table,
      IndexName: index,
      KeyConditionExpression: where,
      ExpressionAttributeValues: values,
      FilterExpression: filter?.expression,
      ExpressionAttributeNames: filter?.names,
      ScanIndexForward: !newestFirst,
      Limit: pageSize,
    });
    for await (const page of pages) yield* page;
  }
}

/** Merges lists that are each newest first into one such list. */
async function* newestFirst(lists: readonly AsyncGenerator<JobSummary>[]): AsyncGenerator<JobSummary> {
  const heads = await Promise.all(lists.map(async (list) => ({ list, head: await list.next() })));
  for (;;) {
    const open = heads.filter(({ head }) => !head.done);
    const [newest] = open.sort((a, b) => (jobTime(a.head.value) < jobTime(b.head.value) ? 1 : -1));
    if (!newest) return;
    yield newest.head.value;
    newest.head = await newest.list.next();
  }
}

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function keyTextOf({ pk, sk }: LedgerAttributes): string {
  return `${pk?.S} ${sk?.S}`;
}
