import { FILE_LIMITS } from '../contract/request-file.ts';
import { TerminalError } from '../domain/errors.ts';
import { LineReader } from '../part-rows/lines.ts';

/** A line of a file, and where the next one begins. */
export interface QueuedLine {
  readonly text: string;
  readonly end: number;
}

/** The lines of a file from an offset on, chunk by chunk: as many as a chunk has are in memory. */
export class LineQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #reader: LineReader;
  #lines: QueuedLine[] = [];
  #at = 0;
  #isEnded = false;

  /** `longest`: the maximum length of a line in bytes. `offset`: where in the file the chunks begin. */
  constructor(chunks: AsyncIterable<Uint8Array>, options: { longest: number; offset: number }) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#reader = new LineReader(
      {
        line: ({ bytes, end }) => {
          const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
          this.#lines.push({ text, end });
        },
        overlong: (number) => {
          throw new TerminalError('line_too_long', `line ${number} is longer than ${options.longest} bytes`);
        },
      },
      options,
    );
  }

  /** Whether `first` can be read without `fill`. */
  get isReady(): boolean {
    return this.#at < this.#lines.length || this.#isEnded;
  }

  /** The first line; undefined at the end of the file. */
  get first(): QueuedLine | undefined {
    return this.#lines[this.#at];
  }

  /** Removes the first line. */
  drop(): void {
    this.#at += 1;
  }

  /** Removes and returns all lines in memory. */
  takeAll(): readonly QueuedLine[] {
    const lines = this.#lines.slice(this.#at);
    this.#at = this.#lines.length;
    return lines;
  }

  /** Reads on until there is a line, or the file ends. Errors: those of the source; TerminalError `line_too_long`. */
  async fill(): Promise<void> {
    if (this.isReady) return;
    this.#lines = [];
    this.#at = 0;
    while (!this.isReady) {
      const { done, value } = await this.#chunks.next();
      if (done) {
        this.#reader.end();
        this.#isEnded = true;
      } else this.#reader.push(value);
    }
  }

  /** Stops the source. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** Yields the lines of a request file from an offset on, as many at a time as a chunk has. Errors: as those of `fill`. */
export async function* requestLines(
  chunks: AsyncIterable<Uint8Array>,
  { longest = FILE_LIMITS.rowBytes, offset = 0 }: { longest?: number; offset?: number } = {},
): AsyncGenerator<readonly QueuedLine[]> {
  const queue = new LineQueue(chunks, { longest, offset });
  try {
    for (await queue.fill(); queue.first; await queue.fill()) yield queue.takeAll();
  } finally {
    await queue.close();
  }
}
