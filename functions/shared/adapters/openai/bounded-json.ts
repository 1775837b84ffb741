/**
 * Keeps an oversized value from making the rest of a response unusable (rule 5 of "What an answer is worth",
 * docs/architecture.md). It receives the bytes of a JSON text, and replaces the value of each member that is longer
 * than 64 KB by `null`. The members `data` of a list and `job` of a wrapped batch may have any length, but the members
 * in them may not. Bytes that are not JSON remain unchanged.
 */
const MAX_VALUE_BYTES = 64 * 1024; // metadata has at most 9 KB, and only the first 20 errors are read
const UNBOUNDED: ReadonlySet<string> = new Set(['data', 'job']);
const MAX_DEPTH = 1_000;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const NULL = Buffer.from('null');

export class BoundedJson {
  readonly #maxBytes: number;
  readonly #kept: Buffer[] = [];
  #bytes = 0;
  /** The open objects (true) and arrays (false). */
  readonly #open: boolean[] = [];
  #inString = false;
  #escaped = false;
  /** The last string, as long as it may still be one of the names without a limit. */
  #text = '';
  /** The member value that is being measured: where it began, and at which depth. */
  #value: { pieces: number; bytes: number; depth: number; isTooLong: boolean } | undefined;

  /** `maxBytes`: the maximum length of the result. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds the next bytes. Returns false if the result would be too long, or if the nesting is too deep. */
  push(chunk: Buffer): boolean {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) {
        this.#inText(byte);
        continue;
      }
      if (this.#endsValue(byte)) {
        this.#keep(chunk.subarray(from, at));
        from = at;
        this.#value = undefined;
      }
      if (byte === QUOTE) {
        this.#inString = true;
        this.#text = '';
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open.push(byte === OPEN_OBJECT);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#open.pop();
      else if (byte === COLON && this.#beginsValue()) {
        this.#keep(chunk.subarray(from, at + 1));
        from = at + 1;
        this.#value = {
          pieces: this.#kept.length,
          bytes: this.#bytes,
          depth: this.#open.length,
          isTooLong: false,
        };
      }
      if (this.#open.length > MAX_DEPTH) return false;
    }
    this.#keep(chunk.subarray(from));
    return this.#bytes <= this.#maxBytes;
  }

  /** Returns the result so far. */
  bytes(): Buffer {
    return Buffer.concat(this.#kept);
  }

  #inText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
    else if (this.#text.length <= 4) this.#text += String.fromCharCode(byte);
  }

  #beginsValue(): boolean {
    return this.#value === undefined && this.#open.at(-1) === true && !UNBOUNDED.has(this.#text);
  }

  #endsValue(byte: number): boolean {
    return (
      this.#value?.depth === this.#open.length &&
      (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY)
    );
  }

  #keep(bytes: Buffer): void {
    const value = this.#value;
    if (bytes.length === 0 || value?.isTooLong) return;
    this.#kept.push(Buffer.from(bytes)); // a copy, so that the chunk with all its dropped bytes can be freed
    this.#bytes += bytes.length;
    if (!value || this.#bytes - value.bytes <= MAX_VALUE_BYTES) return;
    value.isTooLong = true;
    this.#kept.length = value.pieces;
    this.#kept.push(NULL);
    this.#bytes = value.bytes + NULL.length;
  }
}
