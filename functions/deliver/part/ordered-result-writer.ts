import { hashOfId, IdDigest } from '../../shared/domain/id-digest.ts';
import { pieceKeys, type RowPiece } from '../../shared/domain/internal-keys.ts';
import type { Part } from '../../shared/domain/part.ts';
import type { RowError } from '../../shared/domain/part-results.ts';
import { LineGatherer } from '../../shared/part-rows/lines.ts';
import { type RowOutcome, type RowState, RowStates } from '../../shared/part-rows/row-states.ts';
import type { RowTable } from '../../shared/part-rows/row-table.ts';
import { isSent } from '../../shared/part-rows/upload-body.ts';
import type { ObjectWriter, ResultStore, ScratchFile } from '../../shared/ports/ports.ts';
import { readResultLine } from '../../shared/result-lines/result-line.ts';
import { MISSING_CODE, readRowError } from '../../shared/result-lines/row-error.ts';
import { CommonestError } from './commonest-error.ts';
import { mayGoOn, type RerunPolicy } from './next-attempt.ts';
import { PieceReader } from './piece-reader.ts';
import type { RowTally, SettledRow } from './row-accounting.ts';

/** The inputs (a part's rows and the pieces of the previous attempt) and the outputs. */
interface Material {
  results: Pick<ResultStore, 'read'>;
  rerun: RerunPolicy;
  part: Part;
  table: RowTable;
  before: RowStates;
  writers: Record<RowPiece, ObjectWriter>;
}

/** The lines of one attempt on the disk, without line ends. */
export interface LinesOnDisk {
  scratch: ScratchFile;
  /** Returns the position of a row's line on the disk, by the row's index; undefined if the row has no line there. */
  positionOf(row: number): { start: number; length: number } | undefined;
}

/** A row of the part: its index, its id, and the id's hash. */
interface Row {
  index: number;
  customId: string;
  hash: string;
}

const FLUSH_BYTES = 256 * 1024;
const CLOSING_BRACE = 0x7d;

/**
 * Writes a part's output and errors in the order of the request file. Each row has a line in exactly one of the two.
 *
 * In a part's first attempt, a row that succeeded is final, whatever the batch's files say after it. While such rows
 * arrive in order, they are written before everything is read.
 */
export class OrderedResultWriter {
  readonly #material: Material;
  readonly #earlier: Record<RowPiece, PieceReader>;
  readonly #pending = { output: new LineGatherer(), errors: new LineGatherer() };
  readonly #states: RowStates;
  /** Whether another attempt may follow if no cancel is requested. */
  readonly #goesOn: boolean;
  readonly #isFirst: boolean;
  /** The first row that is not written yet. */
  #next = 0;
  readonly #again = { rows: 0, uploadBytes: 0 };
  #refused = 0;
  readonly #idsIn = new IdDigest();
  readonly #idsOut = new IdDigest();
  /** The errors of the rows so far; undefined once a row has succeeded. */
  #errors: CommonestError | undefined = new CommonestError();

  constructor(material: Material) {
    const { part, results, table } = material;
    const { earlierResults } = part;
    const keys = pieceKeys(part, earlierResults?.deliveryId ?? '');
    this.#material = material;
    this.#earlier = {
      output: new PieceReader(results, keys.output, earlierResults?.outputBytes ?? 0),
      errors: new PieceReader(results, keys.errors, earlierResults?.errorsBytes ?? 0),
    };
    this.#states = RowStates.fresh(table.rows);
    this.#goesOn = mayGoOn(part);
    this.#isFirst = !earlierResults && !part.slice;
  }

  /** Returns whether the row can be written now if it succeeded. */
  isNext(row: number): boolean {
    return this.#isFirst && row === this.#next;
  }

  /** Writes the line of a succeeded row for which `isNext` is true. Call `catchUp` after several of them. */
  addNext(line: Uint8Array): void {
    this.#pending.output.add(line);
    this.#noteNext(this.#rowAt(this.#next), line.length);
  }

  /**
   * Writes the next rows, as long as they succeeded and their lines are on the disk. Errors: those of the disk and the
   * storage.
   */
  async catchUp(tally: RowTally, lines: LinesOnDisk): Promise<void> {
    while (this.#isFirst && tally.hasSucceeded(this.#next)) {
      const place = lines.positionOf(this.#next);
      if (!place) break;
      const stored = this.#pending.output.place(place.length);
      lines.scratch.read(place.start, stored);
      const row = this.#rowAt(this.#next);
      assertLineOf(row.customId, stored);
      this.#noteNext(row, place.length);
      if (this.#isFull) await this.#flush();
    }
    if (this.#isFull) await this.#flush();
  }

  /**
   * Writes all remaining rows. Errors: those of the storage; an Error if the written ids differ from those of the row
   * table.
   */
  async write(
    tally: RowTally,
    lines: LinesOnDisk,
    signal: AbortSignal,
  ): Promise<{
    states: RowStates;
    idsIn: string;
    idsOut: string;
    again: { rows: number; uploadBytes: number };
    refused: number;
    commonestError?: RowError;
  }> {
    const { table, part } = this.#material;
    for (; this.#next < table.rows; this.#next += 1) {
      await this.#writeRow(this.#next, tally, lines);
      if (!this.#isFull) continue;
      await this.#flush();
      signal.throwIfAborted();
    }
    await this.#flush();
    const [idsIn, idsOut] = [this.#idsIn.toString(), this.#idsOut.toString()];
    if (idsIn !== idsOut)
      throw new Error(
        `part ${part.jobId}/${part.number}: the ids of the results differ from those of the row table`,
      );
    const commonestError = this.#errors?.commonest;
    return {
      states: this.#states,
      idsIn,
      idsOut,
      again: this.#again,
      refused: this.#refused,
      ...(commonestError ? { commonestError } : {}),
    };
  }

  async #writeRow(index: number, tally: RowTally, lines: LinesOnDisk): Promise<void> {
    const { before, part } = this.#material;
    const earlier = before.get(index);
    const hadLine = earlier !== undefined && earlier.attempts > 0;
    const settled = isSent(part, before, index) ? tally.outcomeOf(index, hadLine) : undefined;
    const row = this.#rowAt(index);
    this.#idsIn.addHash(row.hash);
    if (before.isToRun(index) && !isSent(part, before, index)) await this.#postpone(row, earlier);
    else if (!settled) await this.#keep(row, earlier);
    else await this.#replace(row, { earlier, settled, lines });
  }

  /** Keeps the line and state of a row that was not in this attempt, or that the batch did not run. */
  async #keep(row: Row, earlier: RowState | undefined): Promise<void> {
    if (!earlier) throw new Error(`row ${row.index}: no attempt has a result for it`);
    // This attempt did not send the row, because the API had refused it.
    if (earlier.outcome === 'failed' && !this.#material.before.isToRun(row.index)) this.#refused += 1;
    const line = await this.#earlier[pieceOf(earlier.outcome)].take(earlier.lineBytes);
    this.#add(row, line.subarray(0, -1), { ...earlier, again: false });
  }

  /**
   * Postpones a row that this attempt did not send to the next attempt. If there is none, the row ends without a
   * result.
   */
  async #postpone(row: Row, earlier: RowState | undefined): Promise<void> {
    const { part } = this.#material;
    const again = this.#goesOn;
    if (earlier && earlier.attempts > 0) {
      const line = await this.#earlier[pieceOf(earlier.outcome)].take(earlier.lineBytes);
      this.#add(row, line.subarray(0, -1), { ...earlier, again });
      return;
    }
    if (earlier) this.#earlier[pieceOf(earlier.outcome)].skip(earlier.lineBytes);
    const outcome = part.cancelRequestedAt === undefined ? 'failed' : 'cancelled';
    const line = withAttempts(lineFor(row.customId, outcome, part), 0);
    this.#add(row, line, { outcome, again, attempts: 0 });
  }

  async #replace(
    row: Row,
    of: { earlier: RowState | undefined; settled: SettledRow; lines: LinesOnDisk },
  ): Promise<void> {
    const { part, rerun } = this.#material;
    const { earlier, lines } = of;
    const { outcome, passing, line } = of.settled;
    if (earlier) this.#earlier[pieceOf(earlier.outcome)].skip(earlier.lineBytes);
    if (outcome === 'failed' && line && !passing) this.#refused += 1;
    const attempts = (earlier?.attempts ?? 0) + (part.batch ? 1 : 0);
    const mayRun = this.#goesOn && attempts < rerun.maxAttempts;
    const again = mayRun && (passing || (outcome === 'missing' && rerun.rerunMissing));
    const state = { outcome, again, attempts };
    const place = line ? lines.positionOf(row.index) : undefined;
    if (!place) {
      this.#add(row, withAttempts(lineFor(row.customId, outcome, part), attempts), state);
    } else if (outcome === 'succeeded') {
      const stored = this.#pending.output.place(place.length); // most lines: read in place, not copied
      lines.scratch.read(place.start, stored);
      this.#note(row, stored, state);
    } else {
      const bytes = Buffer.allocUnsafe(place.length);
      lines.scratch.read(place.start, bytes);
      this.#add(row, withAttempts(bytes, attempts), state);
    }
  }

  #add(row: Row, line: Uint8Array, state: Omit<RowState, 'lineBytes'>): void {
    this.#pending[pieceOf(state.outcome)].add(line);
    this.#note(row, line, state);
  }

  #note(row: Row, line: Uint8Array, state: Omit<RowState, 'lineBytes'>): void {
    assertLineOf(row.customId, line);
    this.#idsOut.addHash(row.hash);
    if (state.outcome === 'succeeded') this.#errors = undefined;
    else this.#errors?.add(readRowError(line));
    this.#states.set(row.index, { ...state, lineBytes: line.length + 1 });
    if (!state.again) return;
    this.#again.rows += 1;
    this.#again.uploadBytes += this.#material.table.place(row.index).length + 1;
  }

  #noteNext({ hash }: Row, bytes: number): void {
    const attempts = this.#material.part.batch ? 1 : 0;
    this.#idsIn.addHash(hash);
    this.#idsOut.addHash(hash);
    this.#errors = undefined;
    this.#states.set(this.#next, { outcome: 'succeeded', again: false, attempts, lineBytes: bytes + 1 });
    this.#next += 1;
  }

  #rowAt(index: number): Row {
    const customId = this.#material.table.customId(index);
    return { index, customId, hash: hashOfId(customId) };
  }

  get #isFull(): boolean {
    return this.#pending.output.bytes + this.#pending.errors.bytes >= FLUSH_BYTES;
  }

  async #flush(): Promise<void> {
    for (const name of ['output', 'errors'] as const) {
      await this.#pending[name].drainTo(this.#material.writers[name]);
    }
  }
}

function pieceOf(outcome: RowOutcome): RowPiece {
  return outcome === 'succeeded' ? 'output' : 'errors';
}

/**
 * Checks that the line belongs to the row, so that a wrong read from the disk or the storage is not stored. Errors: an
 * Error.
 */
function assertLineOf(customId: string, line: Uint8Array): void {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  if (bytes.includes(JSON.stringify(customId))) return;
  if (readResultLine(line)?.customId !== customId) throw new Error('a stored line belongs to another row');
}

/** Returns the line with an additional last field `attempts`: how many batches contained the row. */
function withAttempts(line: Uint8Array, attempts: number): Uint8Array {
  const end = line.lastIndexOf(CLOSING_BRACE);
  return Buffer.concat([line.subarray(0, end), Buffer.from(`,"attempts":${attempts}}`)]);
}

/** Returns a line in the API's format for a row that has none. Its `id` is null, unlike in the API's lines. */
function lineFor(customId: string, outcome: RowOutcome, part: Part): Uint8Array {
  const code = outcome === 'missing' ? MISSING_CODE : `batch_${outcome}`;
  const why = part.ended?.reason.message ?? part.batch?.errors[0]?.message;
  const message =
    outcome === 'missing'
      ? 'the row is missing from both result files of the batch'
      : `not run: ${why ?? `the batch ended as ${part.batch?.status ?? outcome}`}`;
  const line = { id: null, custom_id: customId, response: null, error: { code, message } };
  return Buffer.from(JSON.stringify(line));
}
