/** Reads a stream of chunks in pieces of any length. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Fills `target` with the next bytes. Errors: RangeError if the stream ends too early; those of the chunks. */
  async fill(target: Uint8Array): Promise<void> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next();
        if (done) throw new RangeError(`${target.length - filled} bytes are missing at the end`);
        this.#rest = value;
        continue;
      }
      const taken = this.#rest.subarray(0, target.length - filled);
      target.set(taken, filled);
      filled += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
  }

  /** Checks that the stream is at its end. Errors: RangeError if bytes remain; those of the chunks. */
  async end(): Promise<void> {
    for (;;) {
      if (this.#rest.length > 0) throw new RangeError(`${this.#rest.length} bytes remain at the end`);
      const { done, value } = await this.#chunks.next();
      if (done) return;
      this.#rest = value;
    }
  }
}
