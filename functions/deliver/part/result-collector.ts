import { LineGatherer, type LineHandler } from '../../shared/part-rows/lines.ts';
import type { ObjectWriter, ScratchFile } from '../../shared/ports/ports.ts';
import type { RowTally } from './row-accounting.ts';

/** An answer with images in it is large, but not larger: 64 MiB. */
export const MAX_RESULT = 64 * 1024 * 1024;

/** Where the lines of an attempt lie on the disk, by the row's index; without their line ends. */
export interface CollectedLines {
  scratch: ScratchFile;
  /** Undefined for a row without a line. */
  positionOf(row: number): { start: number; length: number } | undefined;
}

/** Puts each row's line on the disk and every other line among the anomalies; what a chunk held is written before the next. */
export class ResultCollector implements LineHandler {
  readonly #tally: RowTally;
  readonly #to: { scratch: ScratchFile; anomalies: ObjectWriter };
  readonly #starts: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #lines = new LineGatherer();
  readonly #anomalies = new LineGatherer();
  readonly #replaced: { start: number; length: number }[] = [];
  #written = 0;

  constructor(tally: RowTally, rows: number, to: { scratch: ScratchFile; anomalies: ObjectWriter }) {
    this.#tally = tally;
    this.#to = to;
    this.#starts = new Float64Array(rows);
    this.#lengths = new Uint32Array(rows);
  }

  line({ bytes }: { bytes: Uint8Array }): void {
    const verdict = this.#tally.settle(bytes);
    if ('anomaly' in verdict) {
      this.#anomalies.add(bytes);
      return;
    }
    const { row } = verdict;
    const worse = this.#placeOf(row);
    if (verdict.replaces && worse) this.#replaced.push(worse);
    this.#starts[row] = this.#written + this.#lines.bytes;
    this.#lengths[row] = bytes.length;
    this.#lines.add(bytes);
  }

  overlong(number: number): void {
    throw new Error(`result line ${number} is longer than ${MAX_RESULT} bytes`);
  }

  /** Lines as an earlier attempt stored them. */
  async copyAnomalies(bytes: Uint8Array): Promise<void> {
    await this.#to.anomalies.write(bytes);
  }

  async flush(): Promise<void> {
    this.#written += this.#lines.bytes;
    await this.#lines.drainTo(this.#to.scratch);
    await this.#anomalies.drainTo(this.#to.anomalies);
  }

  /** Every file was read whole: lines that gave way to better ones are anomalies now. */
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
