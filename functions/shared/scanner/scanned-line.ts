/** The kinds of values. Kinds, statuses and the layout of a record are those of `assembly/scanner.ts`. */
export const KIND = {
  absent: 0,
  string: 1,
  /** A string that contains a backslash, so that its text differs from its bytes. */
  escapedString: 2,
  /** At most nine digits, without sign, fraction or exponent. */
  integer: 3,
  /** Any other number. */
  number: 4,
  true: 5,
  false: 6,
  null: 7,
  object: 8,
  array: 9,
} as const;

const STATUS = 1;
const START = 2;
const END = 3;
const CHANGED = 4;
const HASH = 6;
const SLOTS = 8;
const SLOT_WORDS = 4;
const CLEAN = 0;
const OVERLONG = 2;
const CR = 13;

/** The scanner's memory as views, which are renewed when the memory grows. */
export interface ScannerMemory {
  bytes: Buffer;
  words: Int32Array;
}

/**
 * The last line that the scanner passed to the handler. One object serves all lines and is valid until the handler
 * returns. Slots are the numbers in `LineScanner.slots`. Read the values of clean lines only. `start` and `end` of
 * values are addresses in `memory.bytes`.
 */
export class ScannedLine {
  /** From 1. Blank lines count. */
  number = 0;
  /** Where the line and the next one begin, in bytes of the file. */
  start = 0;
  end = 0;
  /** Where its content begins in the file: at `start`, or after a byte order mark. */
  offset = 0;
  /** The length of its content in bytes, without the line end. */
  length = 0;
  readonly #memory: ScannerMemory;
  readonly #texts: string[] = [];
  #record = 0;
  #from = 0;

  constructor(memory: ScannerMemory) {
    this.#memory = memory;
  }

  /**
   * Moves to the record at this word of the memory. `linesBefore`: the number of lines before the scan. `base`: the
   * offset in the file of the memory's first byte.
   */
  moveTo(record: number, linesBefore: number, base: number): void {
    const { words, bytes } = this.#memory;
    const from = words[record + START] ?? 0;
    const to = words[record + END] ?? 0;
    this.#record = record;
    this.#from = from;
    this.number = linesBefore + (words[record] ?? 0);
    this.offset = base + from;
    this.start = this.offset;
    this.end = base + to + 1;
    this.length = to > from && bytes[to - 1] === CR ? to - from - 1 : to - from;
    const changed = words[record + CHANGED] ?? 0;
    if (this.isClean && changed !== 0) this.#renewTexts(changed);
  }

  /**
   * True if `JSON.parse` accepts the line and finds the values in the slots. If false, nothing is known about the line.
   */
  get isClean(): boolean {
    return this.#memory.words[this.#record + STATUS] === CLEAN;
  }

  get isOverlong(): boolean {
    return this.#memory.words[this.#record + STATUS] === OVERLONG;
  }

  /** The content: a view that is valid until the handler returns. */
  get bytes(): Uint8Array {
    return this.#memory.bytes.subarray(this.#from, this.#from + this.length);
  }

  get memory(): Uint8Array {
    return this.#memory.bytes;
  }

  /** Returns one of `KIND`. */
  kind(slot: number): number {
    return this.#word(slot, 0) & 0xff;
  }

  /** Returns the first byte of an array's first element, or of what follows if the array is empty. */
  firstByte(slot: number): number {
    return this.#word(slot, 0) >>> 16;
  }

  /** Returns the address of the value; for a string, without the quotes. */
  startOf(slot: number): number {
    return this.#word(slot, 1);
  }

  endOf(slot: number): number {
    return this.#word(slot, 2);
  }

  /** Returns the value of an integer, or the number of elements of an array. */
  count(slot: number): number {
    return this.#word(slot, 3);
  }

  /** Returns the text of a string without escapes. */
  text(slot: number): string {
    return this.#memory.bytes.toString('utf8', this.startOf(slot), this.endOf(slot));
  }

  /**
   * The same for a slot of the shape's `repeated`. The text is decoded only if it differs from the previous clean line.
   */
  repeatedText(slot: number): string {
    return this.#texts[slot] ?? '';
  }

  /** Whether one of the repeated strings differs from the previous clean line. */
  get hasChanged(): boolean {
    return this.#memory.words[this.#record + CHANGED] !== 0;
  }

  /** The two halves of the hash of the first slot's string (`custom-id-index.ts`), as signed 32-bit numbers. */
  get lowHash(): number {
    return this.#memory.words[this.#record + HASH] ?? 0;
  }

  get highHash(): number {
    return this.#memory.words[this.#record + HASH + 1] ?? 0;
  }

  #word(slot: number, at: number): number {
    return this.#memory.words[this.#record + SLOTS + SLOT_WORDS * slot + at] ?? 0;
  }

  #renewTexts(changed: number): void {
    for (let slot = 0; changed >>> slot !== 0; slot += 1)
      if ((changed >>> slot) & 1) this.#texts[slot] = this.text(slot);
  }
}
