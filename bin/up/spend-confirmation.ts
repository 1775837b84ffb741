import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { DETAIL_TYPE, EVENT_SOURCE } from '../../functions/shared/contract/events.ts';
import type { Connection } from '../connection/connection.ts';
import {
  pauseSubmission,
  resumeSubmission,
  type WaitingJob,
  whatIsToBeSent,
} from '../operations/submission-switch.ts';
import { counted } from '../terminal/amounts.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import type { ReceivedEvent } from '../terminal/event-line.ts';

const UNSURE_AGAIN_MS = 5_000; // of the wall; no event tells that a search ended without finding a batch

/** What the gate does its asking with. */
interface GateOptions {
  /** The address the rows would be sent to. */
  readonly api: string;
  /** False for anything but a plain yes. */
  readonly ask: (question: string, signal: AbortSignal) => Promise<boolean>;
  readonly tell: (line: string) => void;
  /** Ends a question that stands. */
  readonly stopped: AbortSignal;
}

/**
 * Nothing is sent to an API that costs money before a person has seen how many rows wait and said yes, once a run.
 *   1. before any function runs, submission is paused in the ledger: a death cannot open the gate
 *   2. when files wait, now or later, it tells of each and asks; not about rows that were sent before a death and whose
 *      batch is still being looked for: those were paid for with an earlier yes, and are asked about if there is none
 *   3. yes: submission goes on, for these and for what is dropped until the end of the run
 *   4. no: files of which nothing was sent are cancelled; others stay held. The next file asks again
 * `batchdrop resume`, given elsewhere, opens it as well: that is a person's yes, too.
 */
export class SpendConfirmation {
  readonly #connection: Connection;
  readonly #options: GateOptions;
  readonly #refused = new Set<string>();
  #isOpen = false;
  #review: Promise<void> = Promise.resolve();
  #again: NodeJS.Timeout | undefined;

  constructor(connection: Connection, options: GateOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** To be awaited before any function runs. */
  async shut(): Promise<void> {
    await pauseSubmission(this.#connection);
  }

  /** Looks whether an event makes something wait. */
  notice({ source, detail, 'detail-type': type }: ReceivedEvent): void {
    if (source !== EVENT_SOURCE) return;
    const { status, willRetry } = Object(Object(detail).data);
    const waits =
      (type === DETAIL_TYPE.jobStatusChange && status === 'accepted') ||
      (type === DETAIL_TYPE.batchStatusChange && willRetry === true);
    if (waits) void this.review();
  }

  /** Asks about what waits, if anything does; one question at a time. Never rejects. */
  review(): Promise<void> {
    this.#review = this.#review
      .then(() => this.#ask())
      .catch((error: Error) => {
        if (!this.#options.stopped.aborted) this.#options.tell(`Nothing was sent: ${error.message}`);
      });
    return this.#review;
  }

  async #ask(): Promise<void> {
    const { ask, tell, api, stopped } = this.#options;
    if (this.#isOpen || stopped.aborted) return;
    const { waiting: all, unsureParts } = await whatIsToBeSent(this.#connection);
    clearTimeout(this.#again);
    if (unsureParts > 0) this.#again = setTimeout(() => void this.review(), UNSURE_AGAIN_MS).unref();
    const waiting = all.filter(({ job }) => !this.#refused.has(job.jobId));
    if (waiting.length === 0) return;
    for (const job of waiting) tell(`  ${sentenceFor(job)}`);
    const rows = counted(
      waiting.reduce((sum, job) => sum + job.rows, 0),
      'row',
      'rows',
    );
    const yes = await ask(
      `Send ${rows} to ${api}, and all that is dropped later?\nThis costs money. [y/N] `,
      stopped,
    );
    if (stopped.aborted) return;
    if (yes) await this.#open();
    else await this.#refuse(waiting);
  }

  async #open(): Promise<void> {
    await resumeSubmission(this.#connection);
    this.#isOpen = true;
    this.#options.tell('Sending begins within a minute.');
  }

  async #refuse(waiting: readonly WaitingJob[]): Promise<void> {
    for (const { job } of waiting) {
      const { jobId, request } = job;
      this.#refused.add(jobId);
      const now = await this.#connection.ledger.readJob(jobId);
      if (now?.status !== 'accepted') {
        this.#options.tell(
          `${escapeControlCharacters(request.key)} is under way: the rest of it is held until batchdrop resume or cancel ${jobId}.`,
        );
        continue;
      }
      await this.#cancel(jobId);
      this.#options.tell(`${escapeControlCharacters(request.key)} is cancelled: nothing of it was sent.`);
    }
  }

  /** Until the wish is on every part: from then on not even a later yes sends it. */
  async #cancel(jobId: string): Promise<void> {
    const { sqs, names, ledger, pollIntervalMs } = this.#connection;
    await sqs.send(
      new SendMessageCommand({ QueueUrl: names.cancelQueueUrl, MessageBody: JSON.stringify({ jobId }) }),
    );
    while (!this.#options.stopped.aborted) {
      const job = await ledger.readJob(jobId);
      const parts = job?.plan === undefined ? [] : await ledger.partsOf(jobId, job.plan.planId);
      const wished = parts.every((part) => part.cancelRequestedAt !== undefined || part.ended !== undefined);
      if (job === undefined || (job.cancelRequestedAt !== undefined && wished)) return;
      await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
    }
  }
}

function sentenceFor({ job, parts, rows }: WaitingJob): string {
  const [what, batches] = [counted(rows, 'row', 'rows'), counted(parts.length, 'batch', 'batches')];
  const [model = '', ...others] = new Set(parts.map((part) => part.model));
  const models = others.length === 0 ? escapeControlCharacters(model) : `${others.length + 1} models`;
  return `${escapeControlCharacters(job.request.key)}: ${what} of ${models} in ${batches}`;
}
