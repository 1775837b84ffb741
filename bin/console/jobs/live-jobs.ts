/**
 * Follows the jobs while at least one page is open, for all pages together.
 *
 * 1. Every two seconds: the newest jobs, from the index of jobs. Jobs that are open and older are read one by one, ten at a
 *    time, and so are the parts of running jobs, for their progress: a job with many parts less often.
 * 2. Every ten seconds: what waits and what is stalled, from the index of unfinished items.
 * 3. A page gets all rows that are followed when it opens, and then those that change. If it reads too slowly, it gets all
 *    of them once it has caught up: nothing is queued.
 *
 * Without a page, nothing is read. Known gap: an older job that no page has listed is not followed.
 */
import type { JobRow, JobsChange, LedgerReads } from '../../../console/api.ts';
import { isLastStatus } from '../../../functions/shared/domain/job.ts';
import { type JobSummary, summaryOf } from '../../../functions/shared/domain/job-summary.ts';
import { isoTime } from '../../../functions/shared/lifecycle/status-events.ts';
import type { Ledger, LedgerQueries } from '../../../functions/shared/ports/ports.ts';
import { rowsDone } from '../../jobs/details/progress.ts';
import { sentenceOf } from '../../terminal/failure.ts';
import type { Progress } from './expected-end.ts';
import { jobRow, type OpenFacts, readOpenFacts } from './job-rows.ts';
import type { LedgerMeter } from './ledger-meter.ts';

/** A page that follows. */
export interface Follower {
  /** It has not read what it was sent. */
  readonly isBehind: boolean;
  send(event: 'jobs', change: JobsChange): void;
  send(event: 'reads', reads: LedgerReads): void;
}

interface Options {
  readonly ledger: Pick<Ledger, 'readJob' | 'partsOf'>;
  readonly queries: LedgerQueries;
  readonly meter: LedgerMeter;
  /** The time of the Batchdrop, in milliseconds. */
  readonly now: () => Promise<number>;
  readonly intervalMs?: number | undefined;
}

const INTERVAL_MS = 2_000;
const MAX_INTERVAL_MS = 30_000; // while the ledger cannot be read
const FACTS_EVERY = 5; // looks
const NEWEST = 50;
const MAX_READ = 10; // jobs for each look
const MAX_PART_READS = 25; // for each look, unless one job has more parts
const MAX_FOLLOWED = 5_000;

export class LiveJobs {
  readonly #options: Options;
  readonly #intervalMs: number;
  /** The pages, and what each of them knows. */
  readonly #followers = new Map<Follower, Map<string, string>>();
  /** The open jobs, and the newest ones. The longest not read come first. */
  readonly #jobs = new Map<string, JobSummary>();
  readonly #progress = new Map<string, Progress>();
  /** Running jobs by the look at which their parts are read next. */
  readonly #partsAt = new Map<string, number>();
  /** Older jobs that have ended: they are sent once more, and then forgotten. */
  readonly #ended = new Set<string>();
  #facts: OpenFacts = { waitingFor: new Map(), stalled: new Set() };
  #newest: readonly JobSummary[] = [];
  #looks = 0;
  #now = 0;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #problem: string | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  /** Sends changes to the page until the returned function is called. */
  follow(follower: Follower): () => void {
    this.#followers.set(follower, new Map());
    this.#schedule(0);
    return () => {
      this.#followers.delete(follower);
    };
  }

  /** Returns jobs that a page lists as rows, and follows those that are open. */
  rowsOf(jobs: readonly JobSummary[], now: number): JobRow[] {
    for (const job of jobs) {
      if (isLastStatus(job.status) || this.#jobs.has(job.jobId)) continue;
      if (this.#jobs.size < MAX_FOLLOWED) this.#jobs.set(job.jobId, job);
    }
    return jobs.map((job) => this.#rowOf(job, now));
  }

  close(): void {
    this.#followers.clear();
    clearTimeout(this.#timer);
  }

  #rowOf(job: JobSummary, now: number): JobRow {
    return jobRow(job, { ...this.#facts, progress: this.#progress, newest: this.#newest, now });
  }

  #schedule(afterMs: number): void {
    if (this.#isLooking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), afterMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#followers.size === 0) return;
    this.#isLooking = true;
    let pauseMs = this.#intervalMs;
    try {
      await this.#read();
      this.#problem = undefined;
    } catch (error) {
      pauseMs = this.#problem === undefined ? this.#intervalMs : MAX_INTERVAL_MS;
      this.#problem = sentenceOf(error);
    }
    this.#isLooking = false;
    this.#publish();
    if (this.#followers.size > 0) this.#schedule(pauseMs);
  }

  async #read(): Promise<void> {
    const { queries, now } = this.#options;
    const hasNewPage = [...this.#followers.values()].some((known) => known.size === 0);
    const [at, { jobs: newest }] = await Promise.all([now(), queries.listJobs({ limit: NEWEST })]);
    this.#now = at;
    this.#newest = newest;
    const ids = new Set(newest.map(({ jobId }) => jobId));
    await this.#readOlder(ids);
    for (const job of newest) this.#take(job);
    if (hasNewPage || this.#looks % FACTS_EVERY === 0) this.#facts = await readOpenFacts(queries);
    await this.#readProgress();
    this.#looks += 1;
    this.#forgetEnded(ids);
  }

  /** Those that were read the longest time ago. */
  async #readOlder(newest: ReadonlySet<string>): Promise<void> {
    const older = [...this.#jobs.values()].filter(
      ({ jobId, status }) => !newest.has(jobId) && !isLastStatus(status),
    );
    for (const { jobId } of older.slice(0, MAX_READ)) {
      const job = await this.#options.ledger.readJob(jobId);
      this.#jobs.delete(jobId);
      if (job) this.#take(summaryOf(job));
    }
  }

  #take(job: JobSummary): void {
    this.#jobs.delete(job.jobId);
    this.#jobs.set(job.jobId, job);
  }

  /** The more parts a job has, the longer it waits for its next turn. Those that wait longest come first. */
  async #readProgress(): Promise<void> {
    const { ledger } = this.#options;
    const turnOf = ({ jobId }: JobSummary) => this.#partsAt.get(jobId) ?? 0;
    const due = [...this.#jobs.values()].filter(
      (job) => job.status === 'submitted' && turnOf(job) <= this.#looks,
    );
    let reads = 0;
    for (const { jobId, plannedParts = 1, plannedRows = 0 } of due.sort((a, b) => turnOf(a) - turnOf(b))) {
      const needed = 1 + plannedParts; // at most: one answer has many parts
      if (reads > 0 && reads + needed > MAX_PART_READS) continue;
      reads += needed;
      this.#partsAt.set(jobId, this.#looks + 1 + Math.floor(plannedParts / MAX_PART_READS));
      const job = await ledger.readJob(jobId);
      if (!job?.plan) continue;
      const done = rowsDone(await ledger.partsOf(jobId, job.plan.planId));
      this.#progress.set(jobId, { done, total: plannedRows });
    }
  }

  #forgetEnded(newest: ReadonlySet<string>): void {
    for (const { jobId, status } of this.#jobs.values()) {
      if (!isLastStatus(status)) continue;
      this.#progress.delete(jobId);
      this.#partsAt.delete(jobId);
      if (!newest.has(jobId)) this.#ended.add(jobId);
    }
  }

  #publish(): void {
    const { meter } = this.#options;
    const rows = [...this.#jobs.values()].map((job) => this.#rowOf(job, this.#now));
    const texts = new Map(rows.map((row) => [row.jobId, JSON.stringify(row)]));
    for (const [follower, known] of [...this.#followers]) {
      if (follower.isBehind) {
        this.#followers.set(follower, new Map());
        continue;
      }
      const jobs = rows.filter(({ jobId }) => known.get(jobId) !== texts.get(jobId));
      this.#followers.set(follower, texts);
      if (jobs.length > 0) follower.send('jobs', { jobs });
      follower.send('reads', {
        ...{ total: meter.total, perHour: meter.perHour, now: isoTime(this.#now) },
        ...(this.#problem !== undefined && { problem: this.#problem }),
      });
    }
    for (const jobId of this.#ended) this.#jobs.delete(jobId);
    this.#ended.clear();
  }
}
