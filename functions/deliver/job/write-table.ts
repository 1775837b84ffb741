/**
 * Writes a job's results as one table, `output.csv`, once `output.jsonl` and `errors.jsonl` are complete. A job ends with
 * or without its table: if the table cannot be written for good, the job keeps the reason.
 *   1. read the request file for the columns that its answers need together
 *   2. read it again, side by side with both result files, and store the rows in pieces. Each is a
 *      function of the offset at which it begins, so a piece that is written twice has the same bytes
 *   3. assemble the pieces. A table of one piece needs none: it is written at once
 * The progress is stored on the job after each piece and shortly before the deadline; the next invocation resumes. The
 * clean-up deletes the pieces with those of the parts.
 */
import type { Reason } from '../../shared/contract/events.ts';
import { csvKey, resultKeys } from '../../shared/contract/result-keys.ts';
import { NotAllowed, RetryableError, TerminalError } from '../../shared/domain/errors.ts';
import { flatPieceKey } from '../../shared/domain/internal-keys.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { PriceList } from '../../shared/domain/money/price-list.ts';
import type { FlatProgress, FlatResults } from '../../shared/domain/results/flat-results.ts';
import { without } from '../../shared/domain/without.ts';
import { AnswerShape } from '../../shared/flat-results/answer-shape.ts';
import { RequestReader } from '../../shared/flat-results/asked.ts';
import { csvRow } from '../../shared/flat-results/csv.ts';
import { FlatTable, NO_COUNTS } from '../../shared/flat-results/flat-table.ts';
import { requestLines } from '../../shared/flat-results/line-queue.ts';
import { FROM_THE_START, OrderedResults } from '../../shared/flat-results/ordered-results.ts';
import { type LeasedJob, LostLease } from '../../shared/lifecycle/lease.ts';
import type { Deadline, Ports } from '../../shared/ports/ports.ts';
import { assembleFile } from './assemble-file.ts';
import { segmentBytes, segmentsOf } from './multipart-plan.ts';
import { isPieceGone } from './redeliver-parts.ts';

/** Whether and how tables are written. */
export interface TableSettings {
  /** For each job, unless its file asks for none. */
  always: boolean;
  /** At which length a piece is stored, in bytes: so much is in memory. */
  pieceBytes: number;
}

type Deps = Pick<Ports, 'log' | 'results' | 'requestFiles'> & {
  prices: Pick<PriceList, 'at'>;
  tables: TableSettings;
};

const CSV = 'text/csv; charset=utf-8';
// A line is in memory several times while it is read: as bytes, as text, parsed, and as a row.
const LONGEST = { requests: 16 * 1024 * 1024, results: 8 * 1024 * 1024 };
const TEXT = 256 * 1024; // characters that become bytes at a time

const BEGIN: FlatProgress = {
  shape: { columns: [], hasText: false, hasVectors: false, hasTools: false },
  shapeUntil: 0,
  pieces: [],
  offsets: FROM_THE_START,
  counts: NO_COUNTS,
  invocations: 0,
};

/**
 * Writes the table until the deadline. Returns what it has, or why there is none. Errors: those of the ports for which
 * the job has to wait; RetryableError at the deadline; LostLease.
 */
export async function writeTable(deps: Deps, leased: LeasedJob, deadline: Deadline): Promise<FlatResults> {
  const { jobId } = leased.item;
  try {
    const writer = new TableWriter(deps, leased, deadline);
    await writer.readShape();
    return await writer.write();
  } catch (failure) {
    if (mustBeTriedAgain(failure, deadline)) throw failure;
    const reason = reasonFor(failure);
    deps.log.error('table_not_written', { jobId, reason: reason.code }, failure);
    return { failed: reason };
  }
}

function reasonFor(failure: unknown): Reason {
  if (isPieceGone(failure)) {
    const message = 'the request file, or a result file, was deleted before the table was complete';
    return { code: 'file_gone', message };
  }
  if (failure instanceof TerminalError && failure.code === 'line_too_long')
    return {
      code: failure.code,
      message: `${failure.message}; to write the table: batchdrop results --format csv`,
    };
  const message = 'the results could not be written as a table; the log has the reason';
  return { code: 'not_written', message };
}

function mustBeTriedAgain(failure: unknown, { signal }: Deadline): boolean {
  if (failure instanceof RetryableError || failure instanceof NotAllowed || failure instanceof LostLease)
    return true;
  return signal.aborted && !(failure instanceof TerminalError);
}

class TableWriter {
  readonly #deps: Deps;
  readonly #leased: LeasedJob;
  readonly #deadline: Deadline;
  #progress: FlatProgress;
  #hasStored = false;
  #text = '';
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(deps: Deps, leased: LeasedJob, deadline: Deadline) {
    this.#deps = deps;
    this.#leased = leased;
    this.#deadline = deadline;
    this.#progress = structuredClone(progressOf(leased.item) ?? BEGIN);
  }

  /** Reads the columns that the answers need. Errors: those of the storage; RetryableError at the deadline. */
  async readShape(): Promise<void> {
    const { shape: known, shapeUntil: start } = this.#progress;
    if (start === undefined) return;
    const shape = new AnswerShape(known);
    const reader = new RequestReader();
    for await (const lines of requestLines(this.#requests(start), {
      longest: LONGEST.requests,
      offset: start,
    })) {
      for (const { text } of lines) shape.add(reader.read(text));
      const end = lines.at(-1)?.end;
      if (!this.#isLate || end === undefined) continue;
      await this.#pause({ ...this.#progress, shape: shape.stored(), shapeUntil: end });
    }
    this.#progress = { ...without(this.#progress, 'shapeUntil'), shape: shape.stored() };
  }

  /** Writes the rows. Errors: as those of `readShape`. */
  async write(): Promise<FlatResults> {
    const { shape, counts, offsets, pieces } = this.#progress;
    const prices = this.#deps.prices.at(this.#leased.item.createdAt);
    const table = new FlatTable(new AnswerShape(shape), prices, structuredClone(counts));
    if (pieces.length === 0) this.#add(csvRow(namesOf(table), PLAIN));
    const results = new OrderedResults(await this.#sources(), offsets, LONGEST);
    try {
      for await (const rows of results.rows()) {
        for (const { asked, result } of rows) {
          this.#add(csvRow(table.row(asked, result), PLAIN));
          if (this.#length >= this.#deps.tables.pieceBytes) await this.#store(table, results);
        }
        if (!this.#isLate) continue;
        if (this.#length > 0) await this.#store(table, results);
        await this.#pause(this.#progress);
      }
    } finally {
      await results.close();
    }
    const key = csvKey(this.#leased.item);
    if (this.#progress.pieces.length === 0) await this.#deps.results.put(key, this.#taken(), CSV);
    else {
      if (this.#length > 0) await this.#store(table, results);
      await this.#assemble(key);
    }
    return table.counts;
  }

  async #assemble(key: string): Promise<void> {
    const { jobId } = this.#leased.item;
    const ranges = this.#progress.pieces.map((end, at) => ({ key: flatPieceKey(jobId, at), start: 0, end }));
    const total = ranges.reduce((sum, { end }) => sum + end, 0);
    const segments = () => segmentsOf(ranges, segmentBytes(total, false));
    try {
      await assembleFile(this.#deps, this.#leased, { name: 'csv', key, contentType: CSV, segments });
    } catch (failure) {
      if (!isPieceGone(failure)) throw failure;
      await this.#save({ ...BEGIN, invocations: this.#progress.invocations }); // a piece was deleted: all are written again
      throw new RetryableError('table: a piece is missing; the table is written again', { cause: failure });
    }
  }

  #add(row: string): void {
    this.#text += row;
    if (this.#text.length >= TEXT) this.#toBytes();
  }

  #toBytes(): void {
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
  }

  #taken(): Buffer {
    this.#toBytes();
    this.#bytes = 0;
    return Buffer.concat(this.#chunks.splice(0));
  }

  /** Stores what is in memory as the next piece. */
  async #store(table: FlatTable, results: OrderedResults): Promise<void> {
    if (!this.#hasStored) {
      // Before the first piece of this invocation, so that the clean-up knows that an earlier one may still be writing.
      await this.#save({ ...this.#progress, invocations: this.#progress.invocations + 1 });
      this.#hasStored = true;
    }
    const { pieces } = this.#progress;
    const bytes = this.#taken();
    await this.#deps.results.put(flatPieceKey(this.#leased.item.jobId, pieces.length), bytes, CSV);
    await this.#save({
      ...this.#progress,
      pieces: [...pieces, bytes.length],
      offsets: results.offsets,
      counts: structuredClone(table.counts),
    });
  }

  async #save(progress: FlatProgress): Promise<void> {
    this.#progress = progress;
    const isOpen = await this.#leased.change((job) => {
      if (job.status !== 'accepted' && job.status !== 'submitted') return undefined;
      const resumed = progress.invocations > 1 ? { redelivered: true as const } : {};
      return { ...job, ...resumed, flatProgress: progress };
    });
    if (!isOpen) throw new LostLease(`job ${this.#leased.item.jobId}: it has ended`);
  }

  async #pause(progress: FlatProgress): Promise<never> {
    await this.#save(progress);
    throw new RetryableError('table: the time is over; the next invocation resumes', { afterSeconds: 1 });
  }

  /** About how many bytes are in memory. */
  get #length(): number {
    return this.#bytes + this.#text.length;
  }

  get #isLate(): boolean {
    return this.#deadline.signal.aborted;
  }

  #requests(start: number): AsyncIterable<Uint8Array> {
    const { request } = this.#leased.item;
    return this.#deps.requestFiles.read(request, { start, end: request.size });
  }

  async #sources() {
    const { output, errors } = resultKeys(this.#leased.item);
    const { offsets } = this.#progress;
    return {
      requests: this.#requests(offsets.requests),
      output: await this.#rest(output, offsets.output),
      errors: await this.#rest(errors, offsets.errors),
    };
  }

  async #rest(key: string, start: number): Promise<AsyncIterable<Uint8Array>> {
    const { results } = this.#deps;
    return start === 0
      ? results.read(key)
      : results.read(key, { start, end: (await results.size(key)) ?? start });
  }
}

const PLAIN = { forSpreadsheets: false };

function namesOf({ columns }: FlatTable): string[] {
  return columns.map(({ name }) => name);
}

function progressOf(job: Job): FlatProgress | undefined {
  return job.status === 'accepted' || job.status === 'submitted' ? job.flatProgress : undefined;
}
