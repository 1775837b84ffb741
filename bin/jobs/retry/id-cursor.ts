import { LineReader } from '../../../functions/shared/part-rows/lines.ts';
import { parsedLine } from '../../../functions/shared/result-lines/result-line.ts';

/** A line and its custom id. */
export interface IdLine {
  readonly customId: string;
  readonly line: Uint8Array;
}

/**
 * Reads the lines of a request file or a result file, one at a time, in bounded memory. Batchdrop writes results in the order of
 * the request file, so several files of a job can be read side by side.
 */
export class IdCursor {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #reader: LineReader;
  #read: IdLine[] = [];
  #next = 0;
  #hasEnded = false;

  private constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    const line = ({ bytes }: { bytes: Uint8Array }) => this.#add(Uint8Array.from(bytes));
    this.#reader = new LineReader({ line, overlong: () => {} }, { longest: Number.MAX_SAFE_INTEGER });
  }

  /** Opens the file at its first line. Errors: those of the source. */
  static async open(chunks: AsyncIterable<Uint8Array>): Promise<IdCursor> {
    const cursor = new IdCursor(chunks);
    await cursor.#fill();
    return cursor;
  }

  /** The present line; undefined after the last one. */
  get line(): IdLine | undefined {
    return this.#read[this.#next];
  }

  /** Returns whether the present line has this id. */
  isAt(customId: string): boolean {
    return this.line?.customId === customId;
  }

  /** Goes to the next line. Errors: those of the source. */
  async next(): Promise<void> {
    this.#next += 1;
    if (this.#next >= this.#read.length) await this.#fill();
  }

  /** Ends the read before the end of the file. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(): Promise<void> {
    this.#read = [];
    this.#next = 0;
    while (this.#read.length === 0 && !this.#hasEnded) {
      const chunk = await this.#chunks.next();
      if (chunk.done) {
        this.#hasEnded = true;
        this.#reader.end();
      } else this.#reader.push(chunk.value);
    }
  }

  #add(line: Uint8Array): void {
    const customId = parsedLine(line)?.custom_id;
    if (typeof customId === 'string') this.#read.push({ customId, line });
  }
}
