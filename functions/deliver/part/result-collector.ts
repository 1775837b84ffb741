import type { UnreadableLines } from '../../shared/domain/part-results.ts';
import { LineGatherer } from '../../shared/part-rows/lines.ts';
import type { ObjectWriter, ScratchFile } from '../../shared/ports/ports.ts';
import { MAX_RESULT, type ResultLine } from '../../shared/result-lines/result-line.ts';
import type { BilledTokens } from './billed-tokens.ts';
import type { LinesOnDisk, OrderedResultWriter } from './ordered-result-writer.ts';
import type { NumberedLine, ResultLineHandler } from './result-lines.ts';
import type { ResultFileName, RowTally } from './row-accounting.ts';

const MAX_UNREADABLE = 5;

/** What receives the lines and their tokens. */
interface Destinations {
  anomalies: ObjectWriter;
  pieces: OrderedResultWriter;
  billed: BilledTokens;
}

/**
 * Passes each row's line on in the order of the rows: at once if it belongs to the next row, otherwise through the
 * disk. All other lines become anomalies. Call `flush` after each chunk.
 */
export class ResultCollector implements ResultLineHandler, LinesOnDisk {
  readonly scratch: ScratchFile;
  readonly #tally: RowTally;
  readonly #to: Destinations;
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #lines = new LineGatherer();
  readonly #anomalies = new LineGatherer();
  readonly #replaced: { start: number; length: number }[] = [];
  readonly #unreadable: UnreadableLines = { count: 0, first: [] };
  #file: { id: string; name: ResultFileName } = { id: '', name: 'output' };
  #written = 0;

  constructor(tally: RowTally, rows: number, to: Destinations & { scratch: ScratchFile }) {
    this.#tally = tally;
    this.scratch = to.scratch;
    this.#to = to;
    this.#starts = new Float64Array(rows);
    this.#lengths = new Uint32Array(rows);
  }

  /** Starts a file: the following lines are its lines. */
  begin(id: string, name: ResultFileName): void {
    this.#file = { id, name };
  }

  result(line: NumberedLine, result: ResultLine | undefined): void {
    const verdict = this.#tally.settle(result, this.#file.name);
    const { bytes } = line;
    if ('anomaly' in verdict) {
      if (verdict.anomaly === 'unreadable') this.#noteUnreadable(line);
      this.#anomalies.add(bytes);
      return;
    }
    const { row } = verdict;
    this.#bill(row, result);
    const earlier = this.positionOf(row);
    if (verdict.replaces && earlier) this.#replaced.push(earlier);
    if (result?.outcome === 'succeeded' && this.#to.pieces.isNext(row)) {
      this.#to.pieces.addNext(bytes);
      return;
    }
    this.#starts[row] = this.#written + this.#lines.bytes;
    this.#lengths[row] = bytes.length;
    this.#lines.add(bytes);
  }

  #bill(row: number, result: ResultLine | undefined): void {
    if (result?.outcome === 'succeeded') this.#to.billed.succeeded(row, result.tokens);
    else if (result?.tokens) this.#to.billed.failed(row, result.tokens);
  }

  overlong(number: number): void {
    throw new Error(`result line ${number} is longer than ${MAX_RESULT} bytes`);
  }

  /**
   * The lines that are not result lines: how many, and the first ones with their positions. Undefined if there are
   * none.
   */
  get unreadable(): UnreadableLines | undefined {
    return this.#unreadable.count > 0 ? this.#unreadable : undefined;
  }

  #noteUnreadable({ bytes, number }: NumberedLine): void {
    this.#unreadable.count += 1;
    if (this.#unreadable.first.length >= MAX_UNREADABLE) return;
    this.#unreadable.first.push({ fileId: this.#file.id, line: number, bytes: bytes.length });
  }

  /** Copies anomalies that an earlier attempt stored. */
  async copyAnomalies(bytes: Uint8Array): Promise<void> {
    await this.#to.anomalies.write(bytes);
  }

  async flush(): Promise<void> {
    this.#written += this.#lines.bytes;
    await this.#lines.drainTo(this.scratch);
    await this.#anomalies.drainTo(this.#to.anomalies);
    await this.#to.pieces.catchUp(this.#tally, this);
  }

  /** Call this after all files. It writes the lines that better ones replaced to the anomalies. */
  async finish(): Promise<void> {
    for (const { start, length } of this.#replaced) {
      this.scratch.read(start, this.#anomalies.place(length));
      await this.flush();
    }
  }

  positionOf(row: number): { start: number; length: number } | undefined {
    const length = this.#lengths[row] ?? 0;
    return length === 0 ? undefined : { start: this.#starts[row] ?? 0, length };
  }
}
