/**
 * Keeps what is oversized in a response from hurting what is not (rule 5 of "What an answer is worth",
 * docs/architecture.md): bytes of JSON go in, and the value of a member that is longer than 64 KB comes out as `null`.
 * The members `data` of a list and `job` of a wrapped batch may be of any length; the members in them may not. Bytes
 * that are no JSON come out as they are.
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
  /** The last string, while it is short enough to be one of the unbounded names. */
  #text = '';
  /** The member's value that is being measured: where it began, and how deep. */
  #value: { pieces: number; bytes: number; depth: number; isTooLong: boolean } | undefined;

  /** `maxBytes`: how much may come out. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds the next bytes. Returns false when too much would come out, or it is nested too deeply. */
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

  /** Returns what came out so far. */
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
    this.#kept.push(Buffer.from(bytes)); // a copy: the chunk may be mostly what is left out
    this.#bytes += bytes.length;
    if (!value || this.#bytes - value.bytes <= MAX_VALUE_BYTES) return;
    value.isTooLong = true;
    this.#kept.length = value.pieces;
    this.#kept.push(NULL);
    this.#bytes = value.bytes + NULL.length;
  }
}
