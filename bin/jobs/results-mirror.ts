import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DETAIL_TYPE } from '../../functions/shared/contract/events.ts';
import { isLastStatus } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import { isBatchdropEvent, type ReceivedEvent } from '../terminal/event-line.ts';
import { everyJob } from './every-job.ts';
import { fetchResults } from './fetch-results.ts';

/**
 * A folder per job with its results, `<directory>/<job id>/`, which is downloaded when the job ends. A folder is either
 * complete or missing, and is never downloaded twice. After a crash, the next start downloads what is missing.
 */
export class ResultsMirror {
  readonly #connection: Connection;
  readonly #directory: string;
  readonly #print: (line: string) => void;
  #work: Promise<void> = Promise.resolve();

  constructor(connection: Connection, options: { directory: string; print: (line: string) => void }) {
    this.#connection = connection;
    this.#directory = options.directory;
    this.#print = options.print;
  }

  /** If the event says that a job has ended, downloads the results of the job. */
  notice(event: ReceivedEvent): void {
    if (!isBatchdropEvent(event) || event['detail-type'] !== DETAIL_TYPE.jobStatusChange) return;
    const { metadata, data } = event.detail;
    if (!isLastStatus(data.status)) return;
    this.#add(async () => {
      await this.#download(metadata.jobId);
    });
  }

  /** Downloads the missing results of all ended jobs. */
  catchUp(): void {
    this.#add(async () => {
      for await (const job of everyJob(this.#connection.queries))
        if (isLastStatus(job.status)) await this.#download(job.jobId);
    });
  }

  #add(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: Error) => {
      this.#print(
        `Results could not be stored in ${escapeControlCharacters(this.#directory)}; the next start tries again: ${escapeControlCharacters(error.message)}`,
      );
    });
  }

  async #download(jobId: string): Promise<void> {
    const folder = join(this.#directory, jobId);
    if (existsSync(folder)) return;
    const job = await this.#connection.ledger.readJob(jobId);
    if (job === undefined || job.status === 'joined') return;
    const draft = `${folder}.part`;
    await rm(draft, { recursive: true, force: true });
    const files = await fetchResults(this.#connection, job, draft).catch(async (cause: unknown) => {
      await rm(draft, { recursive: true, force: true });
      throw cause;
    });
    await rename(draft, folder);
    const shown = relative(process.cwd(), folder);
    const what = job.status === 'rejected' ? 'report is' : 'results are';
    if (files.length > 0)
      this.#print(
        `${escapeControlCharacters(job.request.key)}  ${job.status}: its ${what} in ${escapeControlCharacters(shown)}/`,
      );
  }
}
