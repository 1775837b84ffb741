import { DETAIL_TYPE, EVENT_SOURCE } from '../../functions/shared/contract/events.ts';
import type { Connection } from '../connection/connection.ts';
import { requestCancel } from '../jobs/request-cancel.ts';
import {
  pauseSubmission,
  resumeSubmission,
  type WaitingJob,
  whatIsToBeSent,
} from '../operations/submission-switch.ts';
import { counted } from '../terminal/amounts.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { costText, estimateText, totalCost } from '../terminal/estimate-text.ts';
import type { ReceivedEvent } from '../terminal/event-line.ts';

const LOOK_AGAIN_MS = 5_000; // real time

/** How to ask, and for which API. */
interface ConfirmationOptions {
  /** The URL of the API. */
  readonly api: string;
  /** Returns true only for a clear yes. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  readonly print: (line: string) => void;
  /** Ends an open question. */
  readonly stopped: AbortSignal;
}

/**
 * Sends nothing to an API that costs money before the user, once per run, has seen how many rows wait and has said yes.
 *   1. Before any function runs, submission is paused in the ledger, so that a crash cannot start spending.
 *   2. When files wait, now or later, it shows each of them and asks. It does not ask about rows whose create request
 *      had no response before a crash, because an earlier yes covers them. If the search then finds no batch, it asks
 *      about them too. It checks after each relevant event and every five seconds, because an event may be lost with a
 *      killed run, the index may be a moment late, and the end of a search publishes no event.
 *   3. After a yes, submission resumes for these files and for all later files of the run.
 *   4. After a no, files of which nothing was sent are cancelled, and the others remain paused. The next file asks
 *      again.
 * `batchdrop resume` in another terminal counts as a yes.
 */
export class SpendConfirmation {
  readonly #connection: Connection;
  readonly #options: ConfirmationOptions;
  readonly #refused = new Set<string>();
  /** Jobs of an earlier run, and jobs from events, about which it has not asked yet. */
  readonly #noticed = new Set<string>();
  #isConfirmed = false;
  #review: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;

  constructor(connection: Connection, options: ConfirmationOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Pauses submission. Await it before any function runs. */
  async pause(): Promise<void> {
    await pauseSubmission(this.#connection);
    // Nothing writes to the ledger yet, so the index shows every job. The jobs of an earlier run may have no more
    // events.
    for (const { jobId } of await this.#connection.queries.openJobs()) this.#noticed.add(jobId);
  }

  /** Reviews the waiting files if the event says that there may be new ones. */
  notice({ source, detail, 'detail-type': type }: ReceivedEvent): void {
    if (source !== EVENT_SOURCE) return;
    const { status, willRetry } = Object(Object(detail).data);
    const { jobId } = Object(Object(detail).metadata);
    const waits =
      (type === DETAIL_TYPE.jobStatusChange && status === 'accepted') ||
      (type === DETAIL_TYPE.batchStatusChange && willRetry === true);
    if (!waits || this.#isConfirmed) return;
    if (typeof jobId === 'string') this.#noticed.add(jobId);
    void this.review();
  }

  /** Asks about waiting files if there are any, one question at a time, now and later again. Never rejects. */
  review(): Promise<void> {
    this.#review = this.#review
      .then(() => this.#ask())
      .catch((error: Error) => {
        if (!this.#options.stopped.aborted)
          this.#options.print(`Batchdrop sent nothing: ${escapeControlCharacters(error.message)}`);
      })
      .then(() => this.#lookAgain());
    return this.#review;
  }

  #lookAgain(): void {
    clearTimeout(this.#again);
    if (this.#isConfirmed || this.#options.stopped.aborted) return;
    this.#again = setTimeout(() => void this.review(), LOOK_AGAIN_MS).unref();
  }

  async #ask(): Promise<void> {
    const { ask, print, api, stopped } = this.#options;
    if (this.#isConfirmed || stopped.aborted) return;
    const all = await whatIsToBeSent(this.#connection, this.#noticed);
    const waiting = all.filter(({ job }) => !this.#refused.has(job.jobId));
    if (waiting.length === 0) return;
    for (const { job } of waiting) this.#noticed.delete(job.jobId);
    for (const job of waiting) for (const sentence of sentencesFor(job)) print(`  ${sentence}`);
    const rows = counted(
      waiting.reduce((sum, job) => sum + job.rows, 0),
      'row',
      'rows',
    );
    const yes = await ask(
      `Send ${rows} to ${escapeControlCharacters(api)}, and all later files of this run?\n${priceFor(waiting)}\n[y/N] `,
      stopped,
    );
    if (stopped.aborted) return;
    if (yes) await this.#confirm();
    else await this.#refuse(waiting);
  }

  async #confirm(): Promise<void> {
    await resumeSubmission(this.#connection);
    this.#isConfirmed = true;
    this.#options.print('Batchdrop sends the rows within a minute.');
  }

  async #refuse(waiting: readonly WaitingJob[]): Promise<void> {
    for (const { job } of waiting) {
      const { jobId, request } = job;
      this.#refused.add(jobId);
      const now = await this.#connection.ledger.readJob(jobId);
      if (now?.status !== 'accepted') {
        this.#options.print(
          `${escapeControlCharacters(request.key)} is partly sent. To send the rest: batchdrop resume. To cancel the job: batchdrop cancel ${jobId}`,
        );
        continue;
      }
      await this.#cancel(jobId);
      this.#options.print(`${escapeControlCharacters(request.key)} is cancelled. Nothing of it was sent.`);
    }
  }

  /**
   * Requests a cancel and waits until it is recorded on every part. From then on, not even a later yes sends the job.
   */
  async #cancel(jobId: string): Promise<void> {
    const { ledger, pollIntervalMs } = this.#connection;
    await requestCancel(this.#connection, { jobId });
    while (!this.#options.stopped.aborted) {
      const job = await ledger.readJob(jobId);
      const parts = job?.plan === undefined ? [] : await ledger.partsOf(jobId, job.plan.planId);
      const recorded = parts.every(
        (part) => part.cancelRequestedAt !== undefined || part.ended !== undefined,
      );
      if (job === undefined || (job.cancelRequestedAt !== undefined && recorded)) return;
      await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    }
  }
}

/** What a yes costs, as far as it is known. */
function priceFor(waiting: readonly WaitingJob[]): string {
  const total = totalCost(waiting.map(({ job }) => job.plan?.estimate));
  const cost = total && costText(total);
  return cost === undefined ? 'This costs money.' : `This costs money: about ${cost} for the files above.`;
}

function sentencesFor({ job, parts, rows }: WaitingJob): string[] {
  const [what, batches] = [counted(rows, 'row', 'rows'), counted(parts.length, 'batch', 'batches')];
  const [model = '', ...others] = new Set(parts.map((part) => part.model));
  const models = others.length === 0 ? escapeControlCharacters(model) : `${others.length + 1} models`;
  const estimate = job.plan?.estimate;
  return [
    `${escapeControlCharacters(job.request.key)}: ${what} of ${models} in ${batches}`,
    ...(estimate ? [`  ${estimateText(estimate)}`] : []),
  ];
}
