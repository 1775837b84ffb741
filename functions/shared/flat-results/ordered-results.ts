/**
 * Finds the result line of each request: `output.jsonl` and `errors.jsonl` are both in the order of the request file, and
 * each request has one line in one of them. So three files are read once, side by side.
 */
import { FILE_LIMITS } from '../contract/request-file.ts';
import type { FlatOffsets } from '../domain/results/flat-results.ts';
import { MAX_RESULT } from '../result-lines/result-line.ts';
import { hasFields } from '../result-lines/row-tokens.ts';
import { type Asked, RequestReader } from './asked.ts';
import type { FoundResult } from './flat-table.ts';
import { LineQueue, type QueuedLine } from './line-queue.ts';

/** The contents of the three files from these offsets on. */
export type Sources = Readonly<Record<keyof FlatOffsets, AsyncIterable<Uint8Array>>>;

/** A request with its result. `result`: absent if neither file has a line for it. */
export interface ResultRow {
  readonly asked: Asked;
  readonly result?: FoundResult;
}

/** The maximum lengths of lines in bytes. DELIVER adds `attempts` to a result line. */
const LONGEST: { requests: number; results: number } = {
  requests: FILE_LIMITS.rowBytes,
  results: MAX_RESULT + 64,
};

export const FROM_THE_START: Readonly<FlatOffsets> = { requests: 0, output: 0, errors: 0 };

/** A result file, with its first line parsed. */
interface ResultFile {
  readonly name: 'output' | 'errors';
  readonly queue: LineQueue;
  head?: { of: QueuedLine; customId: string; result: FoundResult };
}

/** Reads requests with their results, in the order of the request file. */
export class OrderedResults {
  readonly #requests: LineQueue;
  readonly #files: readonly ResultFile[];
  readonly #reader = new RequestReader();
  readonly #offsets: FlatOffsets;

  constructor(sources: Sources, from: Readonly<FlatOffsets> = FROM_THE_START, longest = LONGEST) {
    this.#offsets = { ...from };
    this.#requests = new LineQueue(sources.requests, { longest: longest.requests, offset: from.requests });
    this.#files = (['output', 'errors'] as const).map((name) => ({
      name,
      queue: new LineQueue(sources[name], { longest: longest.results, offset: from[name] }),
    }));
  }

  /** Where the next row begins. */
  get offsets(): FlatOffsets {
    return { ...this.#offsets };
  }

  /**
   * Yields all rows, as many at a time as are in memory. Errors: those of the sources; an Error if a result file has lines
   * that belong to no request of this file, or has them in another order.
   */
  async *rows(): AsyncGenerator<Iterable<ResultRow>> {
    for (;;) {
      for (const queue of this.#queues) await queue.fill();
      if (!this.#requests.first) break;
      yield this.#rowsInMemory();
    }
    for (const { name, queue } of this.#files)
      if (queue.first)
        throw new Error(
          `${name}.jsonl has a line that matches no request, or not in the order of the requests`,
        );
  }

  /** Stops reading. */
  async close(): Promise<void> {
    for (const queue of this.#queues) await queue.close();
  }

  get #queues(): LineQueue[] {
    return [this.#requests, ...this.#files.map(({ queue }) => queue)];
  }

  *#rowsInMemory(): Generator<ResultRow> {
    while (this.#requests.first && this.#files.every(({ queue }) => queue.isReady)) {
      const { text, end } = this.#requests.first;
      const asked = this.#reader.read(text);
      const result = this.#resultOf(asked);
      this.#requests.drop();
      this.#offsets.requests = end;
      yield result ? { asked, result } : { asked };
    }
  }

  #resultOf({ customId }: Asked): FoundResult | undefined {
    for (const file of this.#files) {
      const first = file.queue.first;
      if (!first) continue;
      if (file.head?.of !== first) file.head = headOf(file.name, first);
      if (file.head.customId !== customId) continue;
      file.queue.drop();
      this.#offsets[file.name] = first.end;
      return file.head.result;
    }
    return undefined;
  }
}

function headOf(name: ResultFile['name'], of: QueuedLine): NonNullable<ResultFile['head']> {
  const parsed: unknown = JSON.parse(of.text);
  if (!hasFields(parsed) || typeof parsed.custom_id !== 'string')
    throw new Error(`${name}.jsonl has a line without a custom_id`);
  return { of, customId: parsed.custom_id, result: { text: of.text, parsed, succeeded: name === 'output' } };
}
