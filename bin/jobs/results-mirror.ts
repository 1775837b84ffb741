import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import { isLastStatus, isOver, type Job } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { isBatchdropEvent, type ReceivedEvent } from '../terminal/event-line.ts';
import { fetchResults } from './fetch-results.ts';
import { allJobs } from './jobs.ts';

/**
 * A plain folder with what each job left, `<directory>/<job id>/`, filled as jobs end. A folder is there whole or not
 * at all, and is never made twice; what a death kept from it is fetched at the next start.
 */
export class ResultsMirror {
  readonly #connection: Connection;
  readonly #directory: string;
  readonly #tell: (line: string) => void;
  #work: Promise<void> = Promise.resolve();

  constructor(connection: Connection, options: { directory: string; tell: (line: string) => void }) {
    this.#connection = connection;
    this.#directory = options.directory;
    this.#tell = options.tell;
  }

  /** Keeps what a job left that an event says is over. */
  notice(event: ReceivedEvent): void {
    if (!isBatchdropEvent(event) || event['detail-type'] !== DETAIL_TYPE.jobStatusChange) return;
    const { metadata, data } = event.detail;
    if (!isLastStatus(data.status)) return;
    this.#add(async () => {
      const job = await this.#connection.ledger.readJob(metadata.jobId);
      if (job !== undefined) await this.#keep(job);
    });
  }

  /** Keeps what every job left. */
  catchUp(): void {
    this.#add(async () => {
      for (const job of await allJobs(this.#connection)) if (isOver(job)) await this.#keep(job);
    });
  }

  /** Resolves once everything asked for is there or was told to be impossible. */
  async settle(): Promise<void> {
    await this.#work;
  }

  #add(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: Error) => {
      this.#tell(
        `Results could not be put into ${this.#directory} and will be at the next start: ${error.message}`,
      );
    });
  }

  async #keep(job: Job): Promise<void> {
    const folder = join(this.#directory, job.jobId);
    if (job.status === 'joined' || existsSync(folder)) return;
    const draft = `${folder}.part`;
    await rm(draft, { recursive: true, force: true });
    const files = await fetchResults(this.#connection, job, draft);
    await rename(draft, folder);
    const shown = relative(process.cwd(), folder);
    const what = job.status === 'rejected' ? 'report is' : 'results are';
    if (files.length > 0)
      this.#tell(`${escapeControlCharacters(job.request.key)}  ${job.status}: its ${what} in ${shown}/`);
  }
}
