import { readObject } from '../../shared/part-rows/read-object.ts';
import type { ResultStore } from '../../shared/ports/ports.ts';

const BLOCK_BYTES = 4 * 1024 * 1024; // one GET per block, because S3 would close a stream that is read slowly

/** Reads an object from its start in portions of given lengths. It loads one block at a time. */
export class PieceReader {
  readonly #results: Pick<ResultStore, 'read'>;
  readonly #key: string;
  readonly #bytes: number;
  #block: Buffer = Buffer.alloc(0);
  #blockStart = 0;
  #position = 0;

  /** `bytes`: the object's length. An empty object is never read. */
  constructor(results: Pick<ResultStore, 'read'>, key: string, bytes: number) {
    this.#results = results;
    this.#key = key;
    this.#bytes = bytes;
  }

  /**
   * Returns the next bytes: a view that is valid until the next call. Errors: those of the storage; RangeError beyond
   * the end.
   */
  async take(length: number): Promise<Uint8Array> {
    const start = this.#position;
    const end = start + length;
    if (end > this.#bytes)
      throw new RangeError(`read ${this.#key}: ${end} is beyond its ${this.#bytes} bytes`);
    this.#position = end;
    if (end > this.#blockStart + this.#block.length) await this.#load(start, end);
    return this.#block.subarray(start - this.#blockStart, end - this.#blockStart);
  }

  skip(length: number): void {
    this.#position += length;
  }

  async #load(start: number, end: number): Promise<void> {
    const stop = Math.min(this.#bytes, Math.max(end, start + BLOCK_BYTES));
    this.#block = await readObject(this.#results, this.#key, { start, end: stop });
    this.#blockStart = start;
    if (this.#block.length !== stop - start) {
      throw new RangeError(`read ${this.#key}: received ${this.#block.length} of ${stop - start} bytes`);
    }
  }
}
