import type { UnreadableLines } from '../../shared/domain/part-results.ts';
import { LineGatherer, type LineHandler } from '../../shared/part-rows/lines.ts';
import type { ObjectWriter, ScratchFile } from '../../shared/ports/ports.ts';
import type { ResultFileName, RowTally } from './row-accounting.ts';

/** The maximum bytes of a result line: 64 MiB, more than a response with images needs. */
export const MAX_RESULT = 64 * 1024 * 1024;

const MAX_UNREADABLE = 5;

/** The lines of an attempt on the disk, without line ends. */
export interface CollectedLines {
  scratch: ScratchFile;
  /** Returns where the line of a row is on the disk, by the row's index; undefined for a row without a line. */
  positionOf(row: number): { start: number; length: number } | undefined;
}

/** Writes each row's line to the disk, and every other line to the anomalies. Call `flush` after each chunk. */
export class ResultCollector implements LineHandler {
  readonly #tally: RowTally;
  readonly #to: { scratch: ScratchFile; anomalies: ObjectWriter };
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #lines = new LineGatherer();
  readonly #anomalies = new LineGatherer();
  readonly #replaced: { start: number; length: number }[] = [];
  readonly #unreadable: UnreadableLines = { count: 0, first: [] };
  #file: { id: string; name: ResultFileName } = { id: '', name: 'output' };
  #written = 0;

  constructor(tally: RowTally, rows: number, to: { scratch: ScratchFile; anomalies: ObjectWriter }) {
    this.#tally = tally;
    this.#to = to;
    this.#starts = new Float64Array(rows);
    this.#lengths = new Uint32Array(rows);
  }

  /** The lines that follow are those of this file. */
  begin(id: string, name: ResultFileName): void {
    this.#file = { id, name };
  }

  line({ bytes, number }: { bytes: Uint8Array; number: number }): void {
    const verdict = this.#tally.settle(bytes, this.#file.name);
    if ('anomaly' in verdict) {
      if (verdict.anomaly === 'unreadable') this.#noteUnreadable(bytes, number);
      this.#anomalies.add(bytes);
      return;
    }
    const { row } = verdict;
    const earlier = this.#placeOf(row);
    if (verdict.replaces && earlier) this.#replaced.push(earlier);
    this.#starts[row] = this.#written + this.#lines.bytes;
    this.#lengths[row] = bytes.length;
    this.#lines.add(bytes);
  }

  overlong(number: number): void {
    throw new Error(`result line ${number} is longer than ${MAX_RESULT} bytes`);
  }

  /** The lines that are no result line: how many, and the first ones with their places; undefined when there is none. */
  get unreadable(): UnreadableLines | undefined {
    return this.#unreadable.count > 0 ? this.#unreadable : undefined;
  }

  #noteUnreadable(bytes: Uint8Array, line: number): void {
    this.#unreadable.count += 1;
    if (this.#unreadable.first.length >= MAX_UNREADABLE) return;
    this.#unreadable.first.push({ fileId: this.#file.id, line, bytes: bytes.length });
  }

  /** Copies anomalies that an earlier attempt stored. */
  async copyAnomalies(bytes: Uint8Array): Promise<void> {
    await this.#to.anomalies.write(bytes);
  }

  async flush(): Promise<void> {
    this.#written += this.#lines.bytes;
    await this.#lines.drainTo(this.#to.scratch);
    await this.#anomalies.drainTo(this.#to.anomalies);
  }

  /**
   * Call it after all files: writes the lines that better ones replaced to the anomalies, and returns the lines on the
   * disk.
   */
  async finish(): Promise<CollectedLines> {
    for (const { start, length } of this.#replaced) {
      await this.#to.scratch.read(start, this.#anomalies.place(length));
      await this.flush();
    }
    return { scratch: this.#to.scratch, positionOf: (row) => this.#placeOf(row) };
  }

  #placeOf(row: number): { start: number; length: number } | undefined {
    const length = this.#lengths[row] ?? 0;
    return length === 0 ? undefined : { start: this.#starts[row] ?? 0, length };
  }
}
