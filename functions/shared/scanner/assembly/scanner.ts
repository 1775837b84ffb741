/**
 * Scans lines of JSON: AssemblyScript, compiled to WebAssembly with SIMD (`lib/bundling/compile-scanner.ts`). It is not
 * TypeScript: it has types such as `u32`, and `load` and `store` access the module's memory.
 *
 * It checks each line against RFC 8259 and UTF-8, and notes the values at the requested paths. A line is *clean* or
 * *unsure*. `JSON.parse` accepts a clean line and finds the same values. The scanner rejects no line: an unsure one is
 * judged elsewhere. A line is unsure if it is not a JSON object, or not valid JSON in valid UTF-8. It is also unsure if
 * an object at a requested level has an escaped key or a requested key twice, or if its nesting exceeds `MAX_DEPTH`.
 *
 * Memory: tables below `RECORDS`, then one record for each line of a call (`scanned-line.ts` reads them), then from
 * `BUFFER` on the bytes to scan. A scan reads up to 64 bytes after the last line feed; their values do not matter.
 */

// The kinds of values, as in `scanned-line.ts`.
const STRING: u32 = 1;
const ESCAPED_STRING: u32 = 2;
const INTEGER: u32 = 3;
const NUMBER: u32 = 4;
const TRUE: u32 = 5;
const FALSE: u32 = 6;
const NULL: u32 = 7;
const OBJECT: u32 = 8;
const ARRAY: u32 = 9;

const MAX_DEPTH: u32 = 1024;
const MAX_LINES: u32 = 1024;
const MAX_SLOTS: u32 = 24;
/** The longest value that is compared with the one of the previous line. */
const MAX_REPEATED: u32 = 256;

// A record: five words, the hash, and four words for each slot.
const LINE_NUMBER: u32 = 0;
const STATUS: u32 = 4;
const START: u32 = 8;
const END: u32 = 12;
const CHANGED: u32 = 16;
const HASH: u32 = 24;
const SLOTS: u32 = 32;
const SLOT_BYTES: u32 = 16;

// The statuses, as in `scanned-line.ts`.
const CLEAN: u32 = 0;
const UNSURE: u32 = 1;
const OVERLONG: u32 = 2;

// Memory. `path-table.ts` writes the nodes and entries.
const LEVELS: u32 = 1024; // 4 bytes each
const CLASSES: u32 = LEVELS + 4 * MAX_DEPTH; // 256 bytes
const NODES_AT: u32 = CLASSES + 256; // 8 bytes each, up to 32
const ENTRIES_AT: u32 = NODES_AT + 256; // 24 bytes each, up to 32
const KEYS_AT: u32 = ENTRIES_AT + 1024; // up to 1 KiB
const REPEATED: u32 = KEYS_AT + 1024; // for each slot: 4 bytes of length, then the value
const REPEATED_BYTES: u32 = MAX_REPEATED + 32;
const DIGEST_BYTES: u32 = 64;
/** Vectors that the loops load once. V8 would create a constant at each use, which costs a third of the speed. */
const VECTORS: u32 = 48 * 1024;
const V_QUOTE: u32 = VECTORS;
const V_BACKSLASH: u32 = VECTORS + 16;
const V_SPACE: u32 = VECTORS + 32;
const V_LOWER_N: u32 = VECTORS + 48;
const V_FIRST_HIGH: u32 = VECTORS + 64;
const V_FIRST_LOW: u32 = VECTORS + 80;
const V_SECOND_HIGH: u32 = VECTORS + 96;
const V_NIBBLE: u32 = VECTORS + 112;
const V_THIRD: u32 = VECTORS + 128;
const V_FOURTH: u32 = VECTORS + 144;
const V_HIGH_BIT: u32 = VECTORS + 160;
const DIGEST_AT: u32 = VECTORS + 176; // the sums of four vectors
const DIGEST_REST: u32 = DIGEST_AT + DIGEST_BYTES; // of an incomplete block
const RECORDS_AT: u32 = 64 * 1024;
const BUFFER_AT: u32 = 1024 * 1024;

export const nodes: u32 = NODES_AT;
export const entries: u32 = ENTRIES_AT;
export const keys: u32 = KEYS_AT;
export const records: u32 = RECORDS_AT;
export const buffer: u32 = BUFFER_AT;
export const digest: u32 = DIGEST_AT;

// An entry: the first eight bytes of the key, padded with zeros; its address; its length; its slot; the node of its
// value.
const ENTRY_BYTES: u32 = 24;
const ENTRY_KEY: u32 = 8;
const ENTRY_LENGTH: u32 = 12;
const ENTRY_SLOT: u32 = 16;
const ENTRY_CHILD: u32 = 17;
const NO_SLOT: u32 = 0xff;
const NO_NODE: u32 = 0xff;

const TAB: u32 = 0x09;
const LF: u32 = 0x0a;
const CR: u32 = 0x0d;
const SPACE: u32 = 0x20;
const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const MINUS: u32 = 0x2d;
const DOT: u32 = 0x2e;
const ZERO: u32 = 0x30;
const COLON: u32 = 0x3a;
const OPEN_ARRAY: u32 = 0x5b;
const CLOSE_ARRAY: u32 = 0x5d;
const OPEN_OBJECT: u32 = 0x7b;
const CLOSE_OBJECT: u32 = 0x7d;
const LOWER_U: u32 = 0x75;
/** As little-endian words. */
const TRUE_WORD: u32 = 0x65757274;
const ALSE_WORD: u32 = 0x65736c61;
const NULL_WORD: u32 = 0x6c6c756e;

// Classes of characters within strings.
const HEX_DIGIT: u32 = 1;
const ESCAPABLE: u32 = 2;

// A level of nesting: its node in the low byte, a flag for arrays, and from bit 16 the position of its slot in the
// record.
const ROOT: u32 = 0;
const IS_ARRAY: u32 = 0x100;
const HIGHEST_WITHOUT_SLOT: u32 = 0xffff;

let slots: u32 = 0;
let recordBytes: u32 = 0;
let repeatedSlots: u32 = 0;
/**
 * After a call: how many lines it scanned, blank ones included, and the address of the first line that it did not scan.
 */
let linesPassed: u32 = 0;
let passedTo: u32 = 0;
/** Where a line stopped being clean, at most at its line feed. */
let stoppedAt: u32 = 0;
/** Whether the string that `closingQuote` passed has an escape. */
let hasEscape: bool = false;

/**
 * Call this before each file. `repeated`: one bit for each slot whose string often equals that of the previous line. The
 * path table is written after it.
 */
export function prepare(slotCount: u32, repeated: u32): u32 {
  memory.fill(NODES_AT, 0, REPEATED - NODES_AT); // the path table of an earlier file
  memory.fill(DIGEST_AT, 0, 2 * DIGEST_BYTES);
  digestRest = 0;
  slots = slotCount;
  repeatedSlots = repeated;
  recordBytes = SLOTS + slotCount * SLOT_BYTES;
  for (let digit: u32 = 0; digit < 10; digit += 1) store<u8>(CLASSES + 0x30 + digit, HEX_DIGIT);
  for (let letter: u32 = 0; letter < 6; letter += 1) {
    store<u8>(CLASSES + 0x41 + letter, HEX_DIGIT);
    store<u8>(CLASSES + 0x61 + letter, HEX_DIGIT);
  }
  classify(0x22); // "
  classify(0x5c); // \
  classify(0x2f); // /
  classify(0x62); // b
  classify(0x66); // f
  classify(0x6e); // n
  classify(0x72); // r
  classify(0x74); // t
  classify(0x75); // u
  for (let slot: u32 = 0; slot < MAX_SLOTS; slot += 1) store<u32>(REPEATED + slot * REPEATED_BYTES, 0xffffffff);
  prepareVectors();
  return recordBytes;
}

function prepareVectors(): void {
  v128.store(V_QUOTE, i8x16.splat(0x22));
  v128.store(V_BACKSLASH, i8x16.splat(0x5c));
  v128.store(V_SPACE, i8x16.splat(0x20));
  v128.store(V_LOWER_N, i8x16.splat(0x6e));
  // Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2020); each bit is one kind of fault.
  v128.store(V_FIRST_HIGH, i8x16(2, 2, 2, 2, 2, 2, 2, 2, -128, -128, -128, -128, 0x21, 1, 0x15, 0x49));
  v128.store(
    V_FIRST_LOW,
    i8x16(-25, -93, -125, -125, -117, -53, -53, -53, -53, -53, -53, -53, -53, -37, -53, -53),
  );
  v128.store(V_SECOND_HIGH, i8x16(1, 1, 1, 1, 1, 1, 1, 1, -26, -82, -70, -70, 1, 1, 1, 1));
  v128.store(V_NIBBLE, i8x16.splat(0x0f));
  v128.store(V_THIRD, i8x16.splat(0x60)); // 0xe0 - 0x80: the first byte of three
  v128.store(V_FOURTH, i8x16.splat(0x70)); // 0xf0 - 0x80: the first byte of four
  v128.store(V_HIGH_BIT, i8x16.splat(-128));
}

function classify(escapable: u32): void {
  store<u8>(CLASSES + escapable, load<u8>(CLASSES + escapable) | ESCAPABLE);
}

/** Returns how many lines the last `scan` scanned, blank ones included. */
export function passedLines(): u32 {
  return linesPassed;
}

/** Returns the address after the last line that `scan` scanned. */
export function passedAddress(): u32 {
  return passedTo;
}

/**
 * Scans whole lines: the last byte before `to` is a line feed. Returns the number of records, at most `MAX_LINES`.
 * Blank lines have none. `longest`: the maximum length of a line in bytes without its line feed; a longer one is
 * overlong.
 */
export function scan(from: u32, to: u32, longest: u32): u32 {
  let record = RECORDS_AT;
  let count: u32 = 0;
  let lines: u32 = 0;
  let start = from;
  while (start < to && count < MAX_LINES) {
    lines += 1;
    let end = scanLine(start, record);
    let status = CLEAN;
    if (end == 0) {
      status = UNSURE;
      const isBlank = load<u8>(stoppedAt) == LF && isBlankUntil(start, stoppedAt);
      end = lineFeedFrom(stoppedAt);
      if (end - start > longest) status = OVERLONG;
      else if (isBlank) {
        start = end + 1;
        continue;
      }
    } else if (end - start > longest) status = OVERLONG;
    store<u32>(record, lines, LINE_NUMBER);
    store<u32>(record, status, STATUS);
    store<u32>(record, start, START);
    store<u32>(record, end, END);
    if (status == CLEAN) finishRecord(record);
    record += recordBytes;
    count += 1;
    start = end + 1;
  }
  linesPassed = lines;
  passedTo = start;
  return count;
}

/** Returns the address after the last line feed of a range, or the start of the range if it has none. */
export function endOfLines(from: u32, to: u32): u32 {
  const feeds = i8x16.splat(<i8>LF);
  let end = to;
  while (end >= from + 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(end - 16), feeds));
    if (found != 0) return end - 16 + (32 - clz<u32>(found));
    end -= 16;
  }
  while (end > from) {
    if (load<u8>(end - 1) == LF) return end;
    end -= 1;
  }
  return from;
}

/** Counts the opening brackets and braces in a range, including those within strings. */
export function openings(from: u32, to: u32): u32 {
  let count: u32 = 0;
  let at = from;
  for (; at + 16 <= to; at += 16) {
    // 0x5b and 0x7b differ only in the bit 0x20.
    const found = i8x16.eq(v128.or(v128.load(at), i8x16.splat(0x20)), i8x16.splat(0x7b));
    count += popcnt<u32>(i8x16.bitmask(found));
  }
  for (; at < to; at += 1) if ((load<u8>(at) | 0x20) == 0x7b) count += 1;
  return count;
}

/** How many bytes of an incomplete block are stored. */
let digestRest: u32 = 0;

/**
 * Adds bytes to the digest of a file. Each 32-bit word goes through reversible steps, so changing one word always
 * changes the sums. Blocks are counted from the start of the file, wherever its chunks end.
 */
export function addToDigest(from: u32, to: u32): void {
  let at = from;
  if (digestRest > 0) {
    const taken = min<u32>(DIGEST_BYTES - digestRest, to - from);
    memory.copy(DIGEST_REST + digestRest, from, taken);
    digestRest += taken;
    at += taken;
    if (digestRest < DIGEST_BYTES) return;
    addBlocks(DIGEST_REST, DIGEST_REST + DIGEST_BYTES);
  }
  const rest = to - ((to - at) & (DIGEST_BYTES - 1));
  addBlocks(at, rest);
  digestRest = to - rest;
  memory.copy(DIGEST_REST, rest, digestRest);
}

/** Adds the last block, padded with zeros. Then the sums are those of the whole file. */
export function endDigest(): void {
  memory.fill(DIGEST_REST + digestRest, 0, DIGEST_BYTES - digestRest);
  addBlocks(DIGEST_REST, DIGEST_REST + DIGEST_BYTES);
  digestRest = 0;
}

function addBlocks(from: u32, to: u32): void {
  let first = v128.load(DIGEST_AT, 0);
  let second = v128.load(DIGEST_AT, 16);
  let third = v128.load(DIGEST_AT, 32);
  let fourth = v128.load(DIGEST_AT, 48);
  for (let at = from; at < to; at += DIGEST_BYTES) {
    first = mixed(first, v128.load(at, 0));
    second = mixed(second, v128.load(at, 16));
    third = mixed(third, v128.load(at, 32));
    fourth = mixed(fourth, v128.load(at, 48));
  }
  v128.store(DIGEST_AT, first, 0);
  v128.store(DIGEST_AT, second, 16);
  v128.store(DIGEST_AT, third, 32);
  v128.store(DIGEST_AT, fourth, 48);
}

function mixed(sum: v128, bytes: v128): v128 {
  const product = i32x4.mul(v128.xor(sum, bytes), i32x4.splat(<i32>0x9e3779b1)); // of 2^32, the golden ratio
  return v128.xor(product, i32x4.shr_u(product, 15));
}

function isBlankUntil(from: u32, to: u32): bool {
  for (let at = from; at < to; at += 1) {
    const c: u32 = load<u8>(at);
    if (c != SPACE && c != TAB && c != CR) return false;
  }
  return true;
}

function lineFeedFrom(from: u32): u32 {
  const feeds = i8x16.splat(<i8>LF);
  let at = from;
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), feeds));
    if (found != 0) return at + ctz<u32>(found);
    at += 16;
  }
}

/** Notes which repeated values differ from the previous clean line, and the hash of the first slot. */
function finishRecord(record: u32): void {
  let changed: u32 = 0;
  let left = repeatedSlots;
  while (left != 0) {
    const slot = ctz<u32>(left);
    left &= left - 1;
    const at = record + slot * SLOT_BYTES;
    if (load<u32>(at, SLOTS) == STRING) {
      const from = load<u32>(at, SLOTS + 4);
      if (!isRepeated(slot, from, load<u32>(at, SLOTS + 8) - from)) changed |= 1 << slot;
    }
  }
  store<u32>(record, changed, CHANGED);
  if (load<u32>(record, SLOTS) == STRING)
    storeHash(record, load<u32>(record, SLOTS + 4), load<u32>(record, SLOTS + 8));
}

/** Returns whether the slot has the same string as before. If not, keeps the new string for the next line. */
function isRepeated(slot: u32, from: u32, length: u32): bool {
  const kept = REPEATED + slot * REPEATED_BYTES;
  if (load<u32>(kept) == length) {
    let at: u32 = 0;
    while (at + 8 <= length && load<u64>(kept + 4 + at) == load<u64>(from + at)) at += 8;
    while (at < length && load<u8>(kept + 4 + at) == load<u8>(from + at)) at += 1;
    if (at >= length) return true;
  }
  if (length > MAX_REPEATED) {
    store<u32>(kept, 0xffffffff);
    return false;
  }
  store<u32>(kept, length);
  memory.copy(kept + 4, from, length);
  return false;
}

/** Stores the two halves of the hash. It must stay the same as in `custom-id-index.ts`. */
function storeHash(record: u32, from: u32, to: u32): void {
  let low: u32 = 0xdeadbeef;
  let high: u32 = 0x41c6ce57;
  for (let at = from; at < to; at += 1) {
    const byte: u32 = load<u8>(at);
    low = (low ^ byte) * 2654435761;
    high = (high ^ byte) * 1597334677;
  }
  low = ((low ^ (low >> 16)) * 2246822507) ^ ((high ^ (high >> 13)) * 3266489909);
  high = ((high ^ (high >> 16)) * 2246822507) ^ ((low ^ (low >> 13)) * 3266489909);
  store<u32>(record, low, HASH);
  store<u32>(record, high, HASH + 4);
}

// The position in the line that is being scanned.
let depth: u32 = 0;
let level: u32 = 0;
/** One bit for each entry of the paths: the line has had its key. */
let seen: u32 = 0;
/** For the next value: the node of its keys, and the address of its slot or 0. */
let child: u32 = NO_NODE;
let slot: u32 = 0;

/** Scans one line into its record. Returns the address of its line feed if it is clean; 0 and `stoppedAt` otherwise. */
function scanLine(start: u32, record: u32): u32 {
  let at = skipSpace(start);
  if (load<u8>(at) != OPEN_OBJECT) return stop(at);
  for (let each: u32 = 0; each < slots; each += 1) store<u32>(record + each * SLOT_BYTES, 0, SLOTS);
  depth = 0;
  level = ROOT;
  seen = 0;
  at = skipSpace(at + 1);
  let isKeyNext = load<u8>(at) != CLOSE_OBJECT;
  let isValueNext = false;
  while (true) {
    if (isKeyNext) {
      at = valueAfterKey(at, record);
      if (at == 0) return 0;
      isValueNext = true;
    }
    if (isValueNext) {
      const c: u32 = load<u8>(at);
      if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
        if (depth == MAX_DEPTH) return stop(at);
        const first = skipSpace(at + 1);
        const isArray = c == OPEN_ARRAY;
        const isEmpty = load<u8>(first) == (isArray ? CLOSE_ARRAY : CLOSE_OBJECT);
        open(at, record, isArray, isArray ? <u32>load<u8>(first) : 0, isEmpty ? 0 : 1);
        at = first;
        isKeyNext = !isArray;
        isValueNext = isArray;
        if (!isEmpty) continue;
      } else {
        at = endOfPlainValue(at, c);
        if (at == 0) return 0;
      }
    }
    // A value has ended, or an empty object or array is about to.
    while (true) {
      at = skipSpace(at);
      const c: u32 = load<u8>(at);
      const isArray = (level & IS_ARRAY) != 0;
      if (c == COMMA) {
        at = skipSpace(at + 1);
        isKeyNext = !isArray;
        isValueNext = isArray;
        if (isArray) countElement(record);
        break;
      }
      if (c != (isArray ? CLOSE_ARRAY : CLOSE_OBJECT)) return stop(at);
      at += 1;
      if (level > HIGHEST_WITHOUT_SLOT) store<u32>(record + (level >> 16), at, 8);
      if (depth == 0) {
        at = skipSpace(at);
        return load<u8>(at) == LF ? at : stop(at);
      }
      depth -= 1;
      level = load<u32>(LEVELS + 4 * depth);
    }
  }
}

/** Reads a key and its colon. Returns the address of the value, with `child` and `slot` set for it; or 0. */
@inline
function valueAfterKey(at: u32, record: u32): u32 {
  if (load<u8>(at) != QUOTE) return stop(at);
  const from = at + 1;
  const to = closingQuote(from);
  if (to == 0) return 0;
  child = NO_NODE;
  slot = 0;
  const node = level & 0xff;
  if (node != NO_NODE) {
    if (hasEscape) return stop(at);
    const entry = entryOf(node, from, to - from);
    if (entry != 0) {
      const bit: u32 = 1 << ((entry - ENTRIES_AT) / ENTRY_BYTES);
      if (seen & bit) return stop(at);
      seen |= bit;
      child = load<u8>(entry, ENTRY_CHILD);
      const number: u32 = load<u8>(entry, ENTRY_SLOT);
      if (number != NO_SLOT) slot = record + SLOTS + number * SLOT_BYTES;
    }
  }
  const colon = skipSpace(to + 1);
  return load<u8>(colon) == COLON ? skipSpace(colon + 1) : stop(colon);
}

/** Enters an object or array. `first`: the first byte in an array. `count`: the minimum number of its elements. */
@inline
function open(at: u32, record: u32, isArray: bool, first: u32, count: u32): void {
  store<u32>(LEVELS + 4 * depth, level);
  depth += 1;
  level = isArray ? IS_ARRAY | NO_NODE : child;
  if (slot != 0) {
    level |= (slot - record) << 16;
    note(slot, (isArray ? ARRAY : OBJECT) | (first << 16), at, 0);
    store<u32>(slot, count, 12);
  }
  child = NO_NODE;
  slot = 0;
}

/** Counts the element that follows a comma in an array. */
@inline
function countElement(record: u32): void {
  if (level > HIGHEST_WITHOUT_SLOT) {
    const array = record + (level >> 16);
    store<u32>(array, load<u32>(array, 12) + 1, 12);
  }
  child = NO_NODE;
  slot = 0;
}

/** Returns the address after a string, number or literal; or 0. */
@inline
function endOfPlainValue(at: u32, c: u32): u32 {
  if (c == QUOTE) {
    const to = closingQuote(at + 1);
    if (to == 0) return 0;
    if (slot != 0) note(slot, hasEscape ? ESCAPED_STRING : STRING, at + 1, to);
    return to + 1;
  }
  const to = c == MINUS || c - ZERO < 10 ? endOfNumber(at, slot) : endOfLiteral(at, c, slot);
  return to == 0 ? stop(at) : to;
}

function stop(at: u32): u32 {
  stoppedAt = at;
  return 0;
}

function note(slot: u32, kind: u32, from: u32, to: u32): void {
  store<u32>(slot, kind);
  store<u32>(slot, from, 4);
  store<u32>(slot, to, 8);
}

function skipSpace(from: u32): u32 {
  let at = from;
  while (true) {
    const c: u32 = load<u8>(at);
    if (c > SPACE) return at;
    if (c != SPACE && c != TAB && c != CR) return at;
    at += 1;
  }
}

/** Returns the address of the entry for a key, or 0. */
function entryOf(node: u32, from: u32, length: u32): u32 {
  let entry = load<u32>(NODES_AT + 8 * node);
  const end = entry + ENTRY_BYTES * load<u32>(NODES_AT + 8 * node, 4);
  let begin = load<u64>(from);
  if (length < 8) begin &= ((<u64>1) << (8 * length)) - 1;
  for (; entry < end; entry += ENTRY_BYTES) {
    if (load<u32>(entry, ENTRY_LENGTH) != length || load<u64>(entry) != begin) continue;
    const key = load<u32>(entry, ENTRY_KEY);
    let at: u32 = 8;
    while (at < length && load<u8>(key + at) == load<u8>(from + at)) at += 1;
    if (at >= length) return entry;
  }
  return 0;
}

function endOfLiteral(from: u32, c: u32, slot: u32): u32 {
  const word = load<u32>(from);
  let kind: u32;
  let to = from + 4;
  if (word == TRUE_WORD) kind = TRUE;
  else if (word == NULL_WORD) kind = NULL;
  else if (c == 0x66 && load<u32>(from + 1) == ALSE_WORD) {
    kind = FALSE;
    to = from + 5;
  } else return 0;
  if (slot != 0) note(slot, kind, from, to);
  return to;
}

/** Returns the address after a number, or 0. An `INTEGER` has at most nine digits and no sign, fraction or exponent. */
function endOfNumber(from: u32, slot: u32): u32 {
  let at = from;
  const isNegative = load<u8>(at) == MINUS;
  if (isNegative) at += 1;
  let digit: u32 = <u32>load<u8>(at) - ZERO;
  if (digit > 9) return 0;
  let value = digit;
  at += 1;
  if (digit != 0)
    while (true) {
      digit = <u32>load<u8>(at) - ZERO;
      if (digit > 9) break;
      value = value * 10 + digit;
      at += 1;
    }
  let isPlain = !isNegative && at - from < 10;
  if (load<u8>(at) == DOT) {
    isPlain = false;
    const fraction = at + 1;
    at = endOfDigits(fraction);
    if (at == fraction) return 0;
  }
  if ((load<u8>(at) | 0x20) == 0x65) {
    isPlain = false;
    at += 1;
    if (load<u8>(at) == 0x2b || load<u8>(at) == MINUS) at += 1;
    const exponent = at;
    at = endOfDigits(exponent);
    if (at == exponent) return 0;
  }
  if (slot != 0) {
    note(slot, isPlain ? INTEGER : NUMBER, from, at);
    store<u32>(slot, value, 12);
  }
  return at;
}

function endOfDigits(from: u32): u32 {
  let at = from;
  while (<u32>load<u8>(at) - ZERO < 10) at += 1;
  return at;
}

/**
 * Returns the address of the quote that closes the string whose content begins at `from`. Returns 0 and sets
 * `stoppedAt` if the string does not end in this line or is not valid.
 */
function closingQuote(from: u32): u32 {
  hasEscape = false;
  // Most strings are short: keys, and values with a few characters.
  const v = v128.load(from);
  const found = i8x16.bitmask(special(v, v128.load(V_QUOTE), v128.load(V_BACKSLASH), v128.load(V_SPACE)));
  if (found == 0) return closingQuoteOfLong(from + 16);
  const at = from + ctz<u32>(found);
  return load<u8>(at) == QUOTE ? at : closingQuoteOfLong(from);
}

/** Finds quotes, backslashes, control characters and non-ASCII bytes. As signed bytes, the last two are below 0x20. */
@inline
function special(v: v128, quote: v128, backslash: v128, space: v128): v128 {
  return v128.or(v128.or(i8x16.eq(v, quote), i8x16.eq(v, backslash)), i8x16.lt_s(v, space));
}

const ODD_BITS: u64 = 0xaaaaaaaaaaaaaaaa;

/** The same for any string, 64 bytes at a time. */
function closingQuoteOfLong(from: u32): u32 {
  const quote = v128.load(V_QUOTE);
  const backslash = v128.load(V_BACKSLASH);
  const space = v128.load(V_SPACE);
  let at = from;
  let isFirstEscaped: u64 = 0; // 1 if a backslash at the end of the previous block escapes the first byte
  let isCharacterOpen = false; // the last byte of the previous block is not ASCII
  while (true) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const low = any(i8x16.lt_s(a, space), i8x16.lt_s(b, space), i8x16.lt_s(c, space), i8x16.lt_s(d, space));
    const other = v128.or(
      any(i8x16.eq(a, quote), i8x16.eq(b, quote), i8x16.eq(c, quote), i8x16.eq(d, quote)),
      any(i8x16.eq(a, backslash), i8x16.eq(b, backslash), i8x16.eq(c, backslash), i8x16.eq(d, backslash)),
    );
    if (!v128.any_true(v128.or(low, other)) && isFirstEscaped == 0 && !isCharacterOpen) {
      at += 64;
      continue;
    }
    const quotes = equal(a, b, c, d, quote);
    const backslashes = equal(a, b, c, d, backslash);
    let escaped: u64 = isFirstEscaped;
    if (backslashes != 0) {
      // In each run of backslashes, every second one escapes what follows. This is simdjson's way to find them without
      // a loop.
      const potential = backslashes & ~isFirstEscaped;
      const codes = (((potential << 1) | ODD_BITS) - potential) ^ ODD_BITS;
      escaped = codes ^ (backslashes | isFirstEscaped);
      isFirstEscaped = (codes & backslashes) >> 63;
    } else isFirstEscaped = 0;
    const closing = quotes & ~escaped;
    const inside = (closing - 1) & ~closing; // all bits below the first closing quote, or all bits if there is none
    if ((backslashes & inside) != 0) hasEscape = true;
    if (v128.any_true(low) || isCharacterOpen) {
      const notAscii = bits(a, b, c, d);
      if (notAscii != 0 || isCharacterOpen) {
        // Up to and including the closing quote, which is wrong if a character before it is incomplete.
        if (isWrongUtf8(a, b, c, d, at, inside | (closing & (0 - closing)))) return stop(at);
        isCharacterOpen = notAscii >> 63 != 0;
      }
      const lower = bits(
        i8x16.lt_s(a, space),
        i8x16.lt_s(b, space),
        i8x16.lt_s(c, space),
        i8x16.lt_s(d, space),
      );
      if ((lower & ~notAscii & inside) != 0) return stop(at);
    }
    escaped &= inside & ~(quotes | backslashes);
    if (escaped != 0) {
      escaped &= ~equal(a, b, c, d, v128.load(V_LOWER_N));
      while (escaped != 0) {
        if (!isEscape(at + <u32>ctz<u64>(escaped))) return stop(at);
        escaped &= escaped - 1;
      }
    }
    if (closing != 0) return at + <u32>ctz<u64>(closing);
    at += 64;
  }
}

@inline
function isEscape(at: u32): bool {
  const c: u32 = load<u8>(at);
  if ((load<u8>(CLASSES + c) & ESCAPABLE) == 0) return false;
  if (c != LOWER_U) return true;
  const digits =
    load<u8>(CLASSES + <u32>load<u8>(at, 1)) &
    load<u8>(CLASSES + <u32>load<u8>(at, 2)) &
    load<u8>(CLASSES + <u32>load<u8>(at, 3)) &
    load<u8>(CLASSES + <u32>load<u8>(at, 4));
  return (digits & HEX_DIGIT) != 0;
}

@inline
function any(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.or(v128.or(a, b), v128.or(c, d));
}

@inline
function equal(a: v128, b: v128, c: v128, d: v128, wanted: v128): u64 {
  return bits(i8x16.eq(a, wanted), i8x16.eq(b, wanted), i8x16.eq(c, wanted), i8x16.eq(d, wanted));
}

/** The highest bit of each byte. */
@inline
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    <u64>(<u32>i8x16.bitmask(a)) |
    (<u64>(<u32>i8x16.bitmask(b)) << 16) |
    (<u64>(<u32>i8x16.bitmask(c)) << 32) |
    (<u64>(<u32>i8x16.bitmask(d)) << 48)
  );
}

/** Returns whether one of the 64 bytes that `inside` marks is wrong UTF-8 after the bytes before it. */
function isWrongUtf8(a: v128, b: v128, c: v128, d: v128, at: u32, inside: u64): bool {
  const firstHigh = v128.load(V_FIRST_HIGH);
  const firstLow = v128.load(V_FIRST_LOW);
  const secondHigh = v128.load(V_SECOND_HIGH);
  const wrongA = wrongUtf8(a, at, firstHigh, firstLow, secondHigh);
  const wrongB = wrongUtf8(b, at + 16, firstHigh, firstLow, secondHigh);
  const wrongC = wrongUtf8(c, at + 32, firstHigh, firstLow, secondHigh);
  const wrongD = wrongUtf8(d, at + 48, firstHigh, firstLow, secondHigh);
  if (!v128.any_true(any(wrongA, wrongB, wrongC, wrongD))) return false;
  const zero = i8x16.splat(0);
  const wrong = bits(i8x16.ne(wrongA, zero), i8x16.ne(wrongB, zero), i8x16.ne(wrongC, zero), i8x16.ne(wrongD, zero));
  return (wrong & inside) != 0;
}

@inline
function wrongUtf8(v: v128, at: u32, firstHigh: v128, firstLow: v128, secondHigh: v128): v128 {
  const one = v128.load(at - 1);
  const nibble = v128.load(V_NIBBLE);
  const pairs = v128.and(
    v128.and(
      i8x16.swizzle(firstHigh, v128.and(i16x8.shr_u(one, 4), nibble)),
      i8x16.swizzle(firstLow, v128.and(one, nibble)),
    ),
    i8x16.swizzle(secondHigh, v128.and(i16x8.shr_u(v, 4), nibble)),
  );
  const third = i8x16.sub_sat_u(v128.load(at - 2), v128.load(V_THIRD));
  const fourth = i8x16.sub_sat_u(v128.load(at - 3), v128.load(V_FOURTH));
  return v128.xor(v128.and(v128.or(third, fourth), v128.load(V_HIGH_BIT)), pairs);
}
