import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DETAIL_TYPE, EVENT_SOURCE } from '../../functions/shared/contract/events.ts';
import { isLastStatus } from '../../functions/shared/domain/job.ts';
import type { Connection } from '../connection/connection.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';
import type { ReceivedEvent } from '../terminal/event-line.ts';
import { everyJob } from './every-job.ts';
import { fetchResults } from './fetch-results.ts';

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
  notice({ source, detail, 'detail-type': type }: ReceivedEvent): void {
    if (source !== EVENT_SOURCE || type !== DETAIL_TYPE.jobStatusChange) return;
    const { metadata, data } = Object(detail);
    if (!isLastStatus(String(Object(data).status))) return;
    this.#add(async () => {
      await this.#keep(String(Object(metadata).jobId));
    });
  }

  /** Keeps what every job left. */
  catchUp(): void {
    this.#add(async () => {
      for await (const job of everyJob(this.#connection.queries))
        if (isLastStatus(job.status)) await this.#keep(job.jobId);
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

  async #keep(jobId: string): Promise<void> {
    const folder = join(this.#directory, jobId);
    if (existsSync(folder)) return;
    const job = await this.#connection.ledger.readJob(jobId);
    if (job === undefined || job.status === 'joined') return;
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
