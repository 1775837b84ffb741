/** No UTF-16 code unit takes more bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;
const USUAL_BYTES = 512 * 1024;

/** Gathers lines in UTF-8, in memory that is used again. */
export class LineBuffer {
  #buffer = Buffer.allocUnsafe(USUAL_BYTES);
  #length = 0;

  /** How many bytes are gathered. */
  get length(): number {
    return this.#length;
  }

  addText(text: string): void {
    this.#reserve(MAX_BYTES_PER_UNIT * text.length);
    this.#length += this.#buffer.write(text, this.#length);
  }

  addBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Removes what was added after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Returns what was gathered, and begins again. The bytes are valid until the next `add…`. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    // A huge row does not keep its memory.
    if (this.#buffer.length > USUAL_BYTES) this.#buffer = Buffer.allocUnsafe(USUAL_BYTES);
    return taken;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
