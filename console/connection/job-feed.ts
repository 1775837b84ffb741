import type { JobRow, JobsAnswer, JobsChange, LedgerReads } from '../api.ts';
import { readEvents } from './event-stream.ts';
import { RequestFailure } from './request-failure.ts';
import { Store } from './store.ts';

/**
 * `live`: the stream is open. `lost`: the CLI does not answer; the page tries again. `ended`: the token is not valid any
 * more.
 */
export type Connection = 'connecting' | 'live' | 'lost' | 'ended';

export interface Feed {
  /** Newest first. */
  readonly jobs: readonly JobRow[];
  /** All jobs are there, not only the newest. */
  readonly complete: boolean;
  readonly connection: Connection;
  readonly reads: LedgerReads | undefined;
}

/** A job that is new or has changed, and what it was before. */
export interface Change {
  readonly before: JobRow | undefined;
  readonly after: JobRow;
}

/** What the feed asks. Errors: RequestFailure. */
interface Source {
  jobs(cursor: string | undefined): Promise<JobsAnswer>;
  stream(signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

/** Tells when the page is hidden and when it is shown. */
export interface Visibility {
  readonly hidden: boolean;
  /** Calls `listener` at each change, until `signal` aborts. */
  follow(listener: () => void, signal: AbortSignal): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * The jobs, kept current while the page is visible.
 *
 * 1. Open the stream, so that no change is missed while the list is read.
 * 2. Read the list: at first all of it; after a break, as far as the oldest job that was open, because nothing older changes.
 * 3. A job that the stream has sent is newer than the same job in the list.
 * 4. When the page is hidden, close the stream. When it is shown again, or when the stream breaks, begin at 1.
 */
export class JobFeed {
  readonly state = new Store<Feed>({ jobs: [], complete: false, connection: 'connecting', reads: undefined });
  readonly changes = new Store<readonly Change[]>([]);
  readonly #jobs = new Map<string, JobRow>();
  readonly #api: Source;
  readonly #visibility: Visibility;
  #complete = false;

  constructor(api: Source, visibility: Visibility) {
    this.#api = api;
    this.#visibility = visibility;
  }

  /** Runs until the session ends. */
  async run(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    const onOpen = () => {
      pause = FIRST_PAUSE_MS;
    };
    for (;;) {
      await this.#untilVisible();
      try {
        await this.#followOnce(onOpen);
      } catch (error) {
        if (!(error instanceof RequestFailure)) throw error;
        if (error.kind === 'session') return this.#show({ connection: 'ended' });
      }
      if (this.#visibility.hidden) continue;
      this.#show({ connection: 'lost' });
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  async #untilVisible(): Promise<void> {
    if (!this.#visibility.hidden) return;
    const shown = new AbortController();
    await new Promise<void>((resolve) => this.#visibility.follow(resolve, shown.signal));
    shown.abort();
    return this.#untilVisible();
  }

  async #followOnce(onOpen: () => void): Promise<void> {
    const over = new AbortController();
    this.#visibility.follow(() => over.abort(), over.signal);
    try {
      const stream = await this.#api.stream(over.signal);
      onOpen();
      this.#show({ connection: 'live' });
      const sent = new Set<string>();
      await Promise.all([this.#readStream(stream, sent), this.#readList(sent, over.signal)]);
    } finally {
      over.abort();
    }
  }

  async #readStream(stream: ReadableStream<Uint8Array>, sent: Set<string>): Promise<void> {
    for await (const { event, data } of readEvents(stream)) {
      if (event === 'reads') {
        const reads: LedgerReads = JSON.parse(data);
        this.#show({ reads });
      }
      if (event !== 'jobs') continue;
      const { jobs }: JobsChange = JSON.parse(data);
      for (const { jobId } of jobs) sent.add(jobId);
      this.#take(jobs);
    }
  }

  async #readList(sent: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const oldestOpen = this.#oldestOpen();
    let cursor: string | undefined;
    do {
      const page = await this.#api.jobs(cursor);
      if (signal.aborted) return;
      this.#take(page.jobs.filter(({ jobId }) => !sent.has(jobId)));
      const last = page.jobs.at(-1);
      if (this.#complete && last !== undefined && last.createdAt < oldestOpen) return;
      cursor = page.cursor;
    } while (cursor !== undefined);
    this.#complete = true;
    this.#show({ complete: true });
  }

  #oldestOpen(): string {
    const open = this.state.value.jobs.filter(({ ended }) => !ended).map(({ createdAt }) => createdAt);
    return open.at(-1) ?? this.state.value.jobs[0]?.createdAt ?? '';
  }

  #take(jobs: readonly JobRow[]): void {
    const changes = jobs.map((after) => ({ before: this.#jobs.get(after.jobId), after }));
    for (const job of jobs) this.#jobs.set(job.jobId, job);
    this.#show({ jobs: [...this.#jobs.values()].sort(newestFirst) });
    if (this.#complete) this.changes.set(changes);
  }

  #show(changed: Partial<Feed>): void {
    this.state.set({ ...this.state.value, ...changed });
  }
}

function newestFirst(one: JobRow, other: JobRow): number {
  return one.createdAt === other.createdAt ? 0 : one.createdAt < other.createdAt ? 1 : -1;
}
