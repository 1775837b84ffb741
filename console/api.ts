/**
 * What the console page asks of the CLI that serves it, and what the CLI answers: JSON over HTTP on 127.0.0.1. Types
 * only: the page and the server import them. Each request to `/api/` has the header `Authorization: Bearer TOKEN`.
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /api/session` | `Session` |
 * | `GET /api/jobs?limit&cursor` | `JobsAnswer`, newest first |
 * | `GET /api/stream` | server-sent events: `jobs` with `JobsChange`, first all that are followed; `reads` with `LedgerReads` |
 * | `GET /api/jobs/JOB` | `JobAnswer` |
 * | `GET /api/jobs/JOB/samples?of=succeeded` or `failed` | `SamplesAnswer` |
 * | `POST /api/jobs/JOB/cancel`, `approve`, `retry` (body: `RetryRequest`) | `ActionAnswer` |
 * | `POST /api/tickets` (body: `TicketRequest`) | `TicketAnswer` |
 * | `GET /download/TICKET` | the file, as an attachment, once and within 60 seconds |
 * | `GET /api/overview` | `OverviewAnswer` |
 * | `GET /api/checks` | `ChecksAnswer`: doctor's checks, run now |
 * | `POST /api/check?key=KEY` (body: the file) | `FileCheck` |
 * | `PUT /api/files/KEY` (body: the file) | `UploadAnswer` |
 *
 * A JSON body is `application/json`, a file `application/jsonl`; both state their length. An error has a status of 400 or above and an `ErrorAnswer`. Times are ISO 8601; money is in decimal numbers.
 */
import type { JobStatus } from '../functions/shared/contract/batch-status.ts';
import type {
  Finding,
  Reason,
  RowCounts,
  TokenUsage,
  WaitingFor,
} from '../functions/shared/contract/events.ts';

/** Which Batchdrop the page shows, and what it may do there. */
export interface Session {
  readonly version: string;
  readonly place: 'local' | 'account';
  /** The name of the stack, `local` for the runtime of this machine. */
  readonly stack: string;
  readonly account?: string;
  readonly region?: string;
  /** False: it was started with `--read-only`. True says nothing of the rights of the credentials. */
  readonly mayOperate: boolean;
  /** The time of the Batchdrop now. On one machine it can be simulated and run ahead. */
  readonly now: string;
  readonly simulatedTime: boolean;
  readonly requestBucket: string;
  /** Largest file that `PUT /api/files/` takes, in bytes. */
  readonly maxUploadBytes: number;
}

export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string };
}

/** One line of the table of jobs. */
export interface JobRow {
  readonly jobId: string;
  readonly status: JobStatus | 'received';
  readonly ended: boolean;
  /** The key of the request file. */
  readonly file: string;
  /** Size of the request file, in bytes. */
  readonly size: number;
  readonly createdAt: string;
  readonly changedAt: string;
  /** Absent until the file is checked. */
  readonly plannedRows?: number;
  /** By outcome, once the job has ended. */
  readonly rows?: RowCounts;
  /** 0 to 1, of rows that the API has processed. Absent until something runs. */
  readonly progress?: number;
  /** When it is expected to end, from measured durations. Absent: not known. */
  readonly expectedEnd?: string;
  readonly cost?: Money;
  readonly estimate?: MoneyRange;
  readonly waitingFor?: WaitingFor;
  readonly reason?: Reason;
  /** A person has to act. */
  readonly stalled: boolean;
  readonly findings?: number;
  readonly joinedJobId?: string;
  /** The job whose rows this one runs again. */
  readonly retryOf?: string;
}

/** `amount` is null if the price of a model is unknown. */
export interface Money {
  readonly currency: string;
  readonly amount: number | null;
}

export interface MoneyRange {
  readonly currency: string;
  readonly low: number | null;
  readonly likely: number | null;
  readonly high: number | null;
}

export interface JobsAnswer {
  readonly jobs: readonly JobRow[];
  readonly cursor?: string;
}

/** The jobs that are new or changed since the last event of the stream. */
export interface JobsChange {
  readonly jobs: readonly JobRow[];
}

/** What looking costs: reads of the ledger. */
export interface LedgerReads {
  readonly total: number;
  readonly perHour: number;
  /** The time of the Batchdrop, as in `Session`. */
  readonly now: string;
  /** Why the ledger could not be read. Absent: it was. */
  readonly problem?: string;
}

/** All that is known of one job. */
export interface JobAnswer {
  readonly job: JobRow;
  /** Oldest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly instructions: Readonly<Record<string, string>>;
  /** What happens next, or which command ends the wait; a sentence or two. */
  readonly nextStep: string;
  readonly parts: readonly JobPart[];
  /** The parts beyond the first 200 are only counted. */
  readonly partCount: number;
  readonly findings?: { readonly count: number; readonly first: readonly Finding[] };
  readonly errorKinds: readonly ErrorKind[];
  readonly usage?: TokenUsage;
  readonly costByModel: readonly ModelCost[];
  /** The files that a ticket can be had for. */
  readonly files: readonly { readonly name: ResultFile; readonly size: number }[];
}

/** Something that happened to the job, or to one of its batches. */
export interface TimelineEntry {
  readonly at: string;
  readonly of: 'job' | 'batch' | 'request';
  /**
   * `job`: its status. `batch`: `created`, or how it ended. `request`: `cancel requested`, `cancel too late` or `approved`.
   */
  readonly status: string;
  readonly batchId?: string;
  /** The number of the part whose batch it is. */
  readonly part?: number;
}

export interface JobPart {
  readonly number: number;
  readonly model: string;
  readonly endpoint: string;
  readonly rows: number;
  readonly phase: string;
  readonly attempt: number;
  readonly waitingFor?: WaitingFor;
  readonly stalled?: Reason;
  /** Oldest first; the last one is the open one, if any. */
  readonly batches: readonly JobBatch[];
}

export interface JobBatch {
  readonly batchId: string;
  readonly status: string;
  readonly attempt: number;
  /** How many rows were sent. Absent if the API rejected the batch. */
  readonly rows?: number;
  readonly createdAt?: string;
  readonly endedAt?: string;
  readonly counts?: { readonly total: number; readonly completed: number; readonly failed: number };
  /** The first error of the batch itself. */
  readonly error?: string;
}

/** Rows that failed for the same reason. */
export interface ErrorKind {
  /** The API's error code, or the HTTP status. */
  readonly code: string;
  readonly count: number;
  /** The message of the first of them. */
  readonly message: string;
  readonly customIds: readonly string[];
  /** The counts come from the first rows of a large file only. */
  readonly sampled: boolean;
}

export interface ModelCost {
  readonly model: string;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly cost: Money;
}

/** The prompt and the answer of one row, as they were sent and received. */
export interface SampledRow {
  readonly customId: string;
  /** Line of the request file, from 1. Absent, as the prompt: the row lies beyond what is searched of a large file. */
  readonly line?: number;
  /** The text of the messages or of the input; else the body as JSON. */
  readonly prompt?: string;
  /** The text of the answer; else the body as JSON. Absent: the row failed. */
  readonly answer?: string;
  readonly error?: { readonly code: string; readonly message: string };
  /** Prompt or answer were cut. */
  readonly cut: boolean;
}

export interface SamplesAnswer {
  readonly rows: readonly SampledRow[];
}

/** As the options of `batchdrop retry`. Without `confirmed`, the answer only says what would be sent. */
export interface RetryRequest {
  readonly rows: 'default' | 'missing' | 'all';
  readonly confirmed: boolean;
}

/** `outcome`: `done`: it was requested; `too_late`, or `question` for what has to be confirmed. */
export interface ActionAnswer {
  readonly outcome: 'done' | 'too_late' | 'question';
  readonly message: string;
  /** A new job: of a retry. */
  readonly jobId?: string;
}

export type ResultFile =
  | 'output.jsonl'
  | 'errors.jsonl'
  | 'anomalies.jsonl'
  | 'summary.json'
  | 'rejected.json'
  | 'requests.jsonl';

export interface TicketRequest {
  readonly jobId: string;
  readonly file: ResultFile;
}

export interface TicketAnswer {
  readonly path: string;
}

export interface OverviewAnswer {
  readonly openBatches: readonly { readonly status: string; readonly count: number }[];
  /** An operator paused submission. */
  readonly paused: boolean;
  /**
   * What waits, and why. `reason` is a `WaitingFor`, `stalled` or `approval`; `what` names the model, or says what was
   * answered. Without `rows`: not known.
   */
  readonly waiting: readonly {
    readonly reason: string;
    readonly what: string;
    readonly jobs: number;
    readonly rows?: number;
  }[];
  /** One entry an hour of the last 48, oldest first; hours without rows are there, too. Rows count when their job ends. */
  readonly rowsPerHour: readonly { readonly hour: string; readonly rows: number }[];
  /** One entry a day and model, oldest first, of at most the last 30 days. */
  readonly spending: readonly {
    readonly day: string;
    readonly model: string;
    readonly tokens: number;
    readonly cost: Money;
  }[];
  /**
   * The first day of `spending`: later than 30 days ago if there are very many jobs, and tomorrow if today alone has too many
   * (`batchdrop costs` sums those).
   */
  readonly spendingFrom: string;
  /** From the end of a job's last batch to its results and event, in seconds, of the newest jobs; oldest first. */
  readonly detection: readonly { readonly at: string; readonly seconds: number }[];
}

export interface ChecksAnswer {
  readonly checks: readonly {
    readonly level: 'ok' | 'warning' | 'error';
    readonly message: string;
    readonly action?: string;
  }[];
}

/** As `batchdrop submit --dry-run` finds it. Nothing is uploaded. */
export interface FileCheck {
  readonly rows: number;
  readonly parts: number;
  readonly findingCount: number;
  /** The first 100. */
  readonly findings: readonly Finding[];
  readonly estimate?: MoneyRange;
}

export interface UploadAnswer {
  readonly key: string;
  readonly jobId: string;
}
