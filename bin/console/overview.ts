/**
 * What the whole Batchdrop does and did. An answer costs four queries of unfinished items, some of the jobs of the last
 * three days, and what is not known from earlier answers: one object of S3 for each job that has a cost, and the parts of
 * the newest jobs.
 */
import type { OverviewAnswer } from '../../console/api.ts';
import { isLastStatus } from '../../functions/shared/domain/job.ts';
import type { JobSummary } from '../../functions/shared/domain/job-summary.ts';
import { DUE_SHARDS, type DueItem, type StalledItem } from '../../functions/shared/domain/ledger-records.ts';
import { type Amount, amountOf, decimalOf } from '../../functions/shared/domain/money/amount.ts';
import type { CostRecord } from '../../functions/shared/domain/money/cost-record.ts';
import { isoTime } from '../../functions/shared/lifecycle/status-events.ts';
import type { Connection } from '../connection/connection.ts';
import { costRecordsOfDay, type KeptRecords } from '../jobs/cost-records.ts';
import { moneyOf } from './jobs/job-rows.ts';

type Waiting = OverviewAnswer['waiting'];
type Detection = OverviewAnswer['detection'][number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS = 48;
const DAYS = 30;
const MAX_AGE_MS = 72 * HOUR_MS; // a job ends within a day of its last batch
const JOBS_PAGE = 1_000;
const MAX_JOBS = 5_000;
const MAX_RECORDS = 5_000; // at first, some ten seconds of S3
const MAX_ITEMS = 2_000; // for each shard
const DETECTED_JOBS = 20;

/** Answers, and remembers what does not change any more. */
export class Overview {
  readonly #connection: Connection;
  readonly #records: KeptRecords = new Map();
  readonly #detections = new Map<string, Detection | undefined>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `now`: the time of the Batchdrop, in milliseconds. Errors: those of the ledger and of S3. */
  async answer(now: number): Promise<OverviewAnswer> {
    const { ledger, queries } = this.#connection;
    const [items, delayed, stalled, { paused }, jobs, spending] = await Promise.all([
      this.#unfinished(),
      queries.listDelayed(),
      queries.listStalled(),
      ledger.readControl(),
      this.#newestJobs(now),
      this.#spending(now),
    ]);
    return {
      openBatches: openBatches(items),
      paused,
      waiting: [
        ...waitingForCapacity(items),
        ...grouped(delayed.map(({ jobId, for: reason, said }) => ({ jobId, reason, what: said }))),
        ...grouped(stalled.map(stallOf)),
        ...grouped(jobs.filter(({ status }) => status === 'unapproved').map(holdOf)),
      ],
      rowsPerHour: rowsPerHour(jobs, now),
      ...spending,
      detection: await this.#detection(jobs),
    };
  }

  async #unfinished(): Promise<DueItem[]> {
    const { ledger } = this.#connection;
    const shards = Array.from({ length: DUE_SHARDS }, (_, shard) =>
      ledger.due(shard, Number.MAX_SAFE_INTEGER, MAX_ITEMS),
    );
    return (await Promise.all(shards)).flat();
  }

  async #newestJobs(now: number): Promise<JobSummary[]> {
    const jobs: JobSummary[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#connection.queries.listJobs({
        ...{ limit: JOBS_PAGE, since: now - MAX_AGE_MS },
        ...(cursor !== undefined && { cursor }),
      });
      jobs.push(...page.jobs);
      cursor = page.cursor;
    } while (cursor !== undefined && jobs.length < MAX_JOBS);
    return jobs;
  }

  /** Day by day, the newest first, as long as there are not too many records. */
  async #spending(now: number): Promise<Pick<OverviewAnswer, 'spending' | 'spendingFrom'>> {
    const kept = this.#records;
    const records: CostRecord[] = [];
    let from = now + DAY_MS;
    while (from > now - (DAYS - 1) * DAY_MS) {
      const day = from - DAY_MS;
      const limit = MAX_RECORDS - records.length;
      const ofDay = await costRecordsOfDay(this.#connection, day, { kept, limit });
      if (ofDay === undefined) break;
      records.push(...ofDay);
      from = day;
    }
    const spendingFrom = isoTime(from).slice(0, 10);
    for (const [key, { record }] of kept) if (record.receivedAt.slice(0, 10) < spendingFrom) kept.delete(key);
    return { spending: spendingByDay(records), spendingFrom };
  }

  async #detection(jobs: readonly JobSummary[]): Promise<Detection[]> {
    const ended = jobs.filter(
      ({ status, plannedParts }) => plannedParts !== undefined && isLastStatus(status),
    );
    const newest = ended.sort((a, b) => b.changedAt - a.changedAt).slice(0, DETECTED_JOBS);
    const found: Detection[] = [];
    for (const job of newest.reverse()) {
      if (!this.#detections.has(job.jobId)) this.#detections.set(job.jobId, await this.#detectionOf(job));
      const detection = this.#detections.get(job.jobId);
      if (detection) found.push(detection);
    }
    const shown = new Set(newest.map(({ jobId }) => jobId));
    for (const jobId of this.#detections.keys()) if (!shown.has(jobId)) this.#detections.delete(jobId);
    return found;
  }

  async #detectionOf({ jobId, changedAt }: JobSummary): Promise<Detection | undefined> {
    const parts = await this.#connection.ledger.partsOf(jobId);
    const ends = parts.flatMap(({ batch }) => batch?.endedAt ?? []);
    if (ends.length === 0) return undefined;
    return {
      at: isoTime(changedAt),
      seconds: Math.max(0, Math.round((changedAt - Math.max(...ends)) / 1_000)),
    };
  }
}

function openBatches(items: readonly DueItem[]): OverviewAnswer['openBatches'] {
  const open = items.flatMap((item) => (item.kind === 'part' && item.open ? [item.open.status] : []));
  return [...Map.groupBy(open, (status) => status)].map(([status, all]) => ({ status, count: all.length }));
}

function waitingForCapacity(items: readonly DueItem[]): Waiting {
  const parts = items.flatMap((item) => (item.kind === 'part' && item.waits ? [item.waits] : []));
  const groups = Map.groupBy(parts, ({ waiting, model }) => `${waiting.for} ${model}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const jobs = new Set(group.map(({ jobId }) => jobId)).size;
    const rows = group.reduce((sum, part) => sum + (part.rows ?? 0), 0);
    return [{ reason: first.waiting.for, what: first.model, jobs, rows }];
  });
}

interface Wait {
  readonly jobId: string;
  readonly reason: string;
  readonly what: string;
  readonly rows?: number;
}

function grouped(waits: readonly Wait[]): Waiting {
  const groups = Map.groupBy(waits, ({ reason, what }) => `${reason} ${what}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { reason, what } = first;
    const rows = group.reduce((sum, wait) => sum + (wait.rows ?? 0), 0);
    const jobs = new Set(group.map(({ jobId }) => jobId)).size;
    return [{ reason, what, jobs, ...(rows > 0 && { rows }) }];
  });
}

function stallOf({ jobId, reason }: StalledItem): Wait {
  return { jobId, reason: 'stalled', what: reason.message };
}

function holdOf({ jobId, hold, plannedRows = 0 }: JobSummary): Wait {
  return { jobId, reason: 'approval', what: hold?.reason.message ?? '', rows: plannedRows };
}

function rowsPerHour(jobs: readonly JobSummary[], now: number): OverviewAnswer['rowsPerHour'] {
  const current = Math.floor(now / HOUR_MS);
  const hours = Array.from({ length: HOURS }, (_, at) => current - HOURS + 1 + at);
  const rowsIn = new Map(hours.map((hour) => [hour, 0]));
  for (const { rows, changedAt } of jobs) {
    const hour = Math.floor(changedAt / HOUR_MS);
    const known = rowsIn.get(hour);
    if (rows && known !== undefined) rowsIn.set(hour, known + rows.succeeded + rows.failed);
  }
  return [...rowsIn].map(([hour, rows]) => ({ hour: isoTime(hour * HOUR_MS), rows }));
}

function spendingByDay(records: readonly CostRecord[]): OverviewAnswer['spending'] {
  const used = records.flatMap(({ models, receivedAt, currency }) =>
    models.map((model) => ({ ...model, day: receivedAt.slice(0, 10), currency })),
  );
  const groups = [...Map.groupBy(used, ({ day, model, currency }) => `${day} ${currency} ${model}`)];
  return groups
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) => {
      const [first] = group;
      if (!first) return [];
      const { day, model, currency } = first;
      const tokens = group.reduce((sum, each) => sum + each.inputTokens + each.outputTokens, 0);
      return [{ day, model, tokens, cost: moneyOf(currency, sumOf(group.map(({ paid }) => paid))) }];
    });
}

/** Null if the price of one is not known. */
function sumOf(decimals: readonly (string | null)[]): string | null {
  let sum: Amount = 0n;
  for (const decimal of decimals) {
    const amount = amountOf(decimal ?? '');
    if (amount === undefined) return null;
    sum += amount;
  }
  return decimalOf(sum);
}
