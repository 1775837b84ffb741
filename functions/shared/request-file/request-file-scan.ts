/**
 * Checks a request file and plans its parts while it is read. The state is the position of the next line, the findings,
 * the parts so far, and the ids. It can be saved between two chunks of the file. Another invocation that resumes from
 * it makes the same plan.
 *
 * Memory at the limit of 5 million rows: 60 MB of ids, and up to 48 MB of open row tables.
 */
import type { Finding } from '../contract/events.ts';
import { FILE_LIMITS, PART_LIMITS } from '../contract/request-file.ts';
import { type Line, type LinePlace, LineReader } from '../part-rows/lines.ts';
import { scannerModule } from '../scanner/scanner-module.ts';
import { ByteSource } from './byte-source.ts';
import { CustomIdIndex, hashOf } from './custom-id-index.ts';
import { foreignFormatOf, HEAD_BYTES } from './foreign-format.ts';
import {
  type ClosedPart,
  type PartBytes,
  PartPlanner,
  type PlannableRow,
  type PlannedPart,
  type PlannerFacts,
} from './plan-parts.ts';
import { type RowHandler, ScannedRows } from './scanned-rows.ts';
import { validateRow } from './validate-row.ts';

/** How many findings the report lists. All findings are counted. */
export const FINDINGS_KEPT = 1000;

/** Increase this with any change to the saved data, or to how rows are grouped into parts. */
const FORMAT = 4;
const MAX_FACTS = 64 * 1024 * 1024; // far above 10,000 parts and 1,000 findings: anything longer is not a saved scan

export type CheckedFile =
  | { verdict: 'good'; rows: number; groups: number; parts: PlannedPart[] }
  | { verdict: 'bad'; findings: Finding[]; count: number };

/** The saved data, except for the ids and the row tables. */
interface ScanFacts {
  format: number;
  next: { offset: number; linesBefore: number };
  rows: number;
  findings: Finding[];
  findingsCount: number;
  parts: PlannedPart[];
  planner: PlannerFacts;
  ids: number;
}

/** How a scan reads lines: with the scanner or, on a machine that cannot run it (null), with `JSON.parse` alone. */
type Scanner = WebAssembly.Module | null;

export class RequestFileScan implements RowHandler {
  readonly ids: CustomIdIndex;
  /** The parts closed so far. */
  readonly parts: PlannedPart[];
  /** The file exceeds a limit for whole files or has another format, so the rest is not read. */
  isOverLimit = false;
  readonly #reader: ScannedRows | LineReader;
  readonly #planner: PartPlanner;
  readonly #findings: Finding[];
  #findingsCount: number;
  #rows: number;
  /** The first bytes of the file, until its format is known. */
  #head: Uint8Array[] | undefined;

  private constructor(
    facts: Omit<ScanFacts, 'format' | 'planner' | 'ids'>,
    planner: PartPlanner,
    ids: CustomIdIndex,
    scanner: Scanner,
  ) {
    const options = { longest: FILE_LIMITS.rowBytes, ...facts.next };
    this.#reader = scanner ? new ScannedRows(scanner, this, options) : new LineReader(this, options);
    this.#rows = facts.rows;
    this.#head = facts.next.offset === 0 ? [] : undefined;
    this.#findings = facts.findings;
    this.#findingsCount = facts.findingsCount;
    this.parts = facts.parts;
    this.#planner = planner;
    this.ids = ids;
  }

  /** Returns a scan at the start of a file. */
  static begun(partBytes: PartBytes, scanner: Scanner = scannerModule()): RequestFileScan {
    const next = { offset: 0, linesBefore: 0 };
    const nothing = { next, rows: 0, findings: [], findingsCount: 0, parts: [] };
    return new RequestFileScan(nothing, new PartPlanner(partBytes), new CustomIdIndex(), scanner);
  }

  /**
   * Restores a scan from the bytes of `saved`. Errors: RangeError if the bytes are not a saved scan, or have another
   * format version; those of the chunks.
   */
  static async restored(
    chunks: AsyncIterable<Uint8Array>,
    scanner: Scanner = scannerModule(),
  ): Promise<RequestFileScan> {
    const source = new ByteSource(chunks);
    const facts = await restoredFacts(source);
    const ids = await CustomIdIndex.restored(facts.ids, source);
    const planner = await PartPlanner.restored(facts.planner, source);
    await source.end();
    return new RequestFileScan(facts, planner, ids, scanner);
  }

  /** Returns the bytes to save. Call `takeClosed` before, and write them before the next `push`. */
  *saved(): Generator<Uint8Array> {
    const facts: ScanFacts = {
      format: FORMAT,
      next: this.#reader.next,
      rows: this.#rows,
      findings: this.#findings,
      findingsCount: this.#findingsCount,
      parts: this.parts,
      planner: this.#planner.facts(),
      ids: this.ids.count,
    };
    const text = Buffer.from(JSON.stringify(facts));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    yield length;
    yield text;
    yield* this.ids.saved();
    yield* this.#planner.savedTables();
  }

  /** The offset from which to resume reading: the start of the first line that is not checked yet, in bytes. */
  get offset(): number {
    return this.#reader.next.offset;
  }

  /** How many findings there are so far. */
  get findingsCount(): number {
    return this.#findingsCount;
  }

  /** Checks the next bytes of the file. */
  push(chunk: Uint8Array): void {
    if (!this.#head) {
      this.#reader.push(chunk);
      return;
    }
    this.#head.push(Uint8Array.from(chunk));
    if (this.#head.reduce((sum, { length }) => sum + length, 0) >= HEAD_BYTES) this.#pushHead();
  }

  /** Ends the scan, at the end of the file or when the file exceeds a limit. */
  end(): void {
    this.#pushHead();
    if (!this.isOverLimit) this.#reader.end();
    this.#planner.end();
  }

  line(line: Line): void {
    if (!this.#admitsRow()) return;
    const checked = validateRow(line.bytes);
    if ('code' in checked) this.find(line.number, checked.code, checked.message);
    else this.#addRow(line, checked.row, hashOf(checked.row.customId));
  }

  row(place: LinePlace, row: PlannableRow, hash: number): void {
    if (this.#admitsRow()) this.#addRow(place, row, hash);
  }

  overlong(number: number): void {
    this.#rows += 1;
    this.find(number, 'row_too_long', `the line is longer than ${FILE_LIMITS.rowBytes} bytes`);
  }

  find(line: number | null, code: string, message: string): void {
    this.#findingsCount += 1;
    // Findings about the whole file are always listed, because there are few and they explain the others.
    if (line === null || this.#findings.length < FINDINGS_KEPT) this.#findings.push({ line, code, message });
  }

  /** Counts findings that the report does not list. */
  countFurther(findings: number): void {
    this.#findingsCount += findings;
  }

  /** Returns the parts that were closed since the last call. */
  takeClosed(): ClosedPart[] {
    const closed = this.#planner.takeClosed();
    this.parts.push(...closed.map(({ part }) => part));
    return closed;
  }

  verdict(): CheckedFile {
    if (this.#rows === 0 && !this.isOverLimit)
      this.find(null, 'empty_file', 'the file has no rows; add one request per line');
    if (this.#findingsCount > 0) {
      const findings = this.#findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      return { verdict: 'bad', findings, count: this.#findingsCount };
    }
    const parts = this.parts.sort((a, b) => a.number - b.number);
    return { verdict: 'good', rows: this.#rows, groups: this.#planner.groups, parts };
  }

  /** Counts a row. Returns false if the file has too many rows or exceeds another limit. */
  #admitsRow(): boolean {
    if (this.isOverLimit) return false;
    this.#rows += 1;
    if (this.#rows > FILE_LIMITS.rows)
      this.#stop('too_many_rows', `the file has more than ${FILE_LIMITS.rows} rows; split it`);
    return !this.isOverLimit;
  }

  /**
   * Adds the row to its part and its id to the index. Both must number the rows in the same way, so the first row that
   * cannot be planned ends the scan.
   */
  #addRow(line: LinePlace, row: PlannableRow, hash: number): void {
    if (row.embeddingInputs > PART_LIMITS.embeddingInputs) {
      const allowed = PART_LIMITS.embeddingInputs;
      const message = `body.input has ${row.embeddingInputs} inputs; ${allowed} are allowed`;
      this.find(line.number, 'too_many_inputs', message);
    }
    const problem = this.#planner.add(line, row, this.ids.count);
    if (problem === 'too_many_groups') {
      const allowed = FILE_LIMITS.groups;
      const message = `the file has more than ${allowed} pairs of url and model; line ${line.number} has one more; split it`;
      this.#stop(problem, message);
    } else if (problem === 'too_many_parts') {
      const message = `the file needs more than ${FILE_LIMITS.parts} batches; line ${line.number} would begin one more; split it`;
      this.#stop(problem, message);
    } else {
      this.ids.addHash(hash, line.number);
    }
  }

  /** Checks the format of the first bytes, and then their lines. */
  #pushHead(): void {
    if (!this.#head) return;
    const head = Buffer.concat(this.#head);
    this.#head = undefined;
    const foreign = foreignFormatOf(head);
    if (foreign) this.#stop(foreign.code, foreign.message);
    else this.#reader.push(head);
  }

  #stop(code: string, message: string): void {
    this.isOverLimit = true;
    this.find(null, code, message);
  }
}

async function restoredFacts(source: ByteSource): Promise<ScanFacts> {
  const length = Buffer.alloc(4);
  await source.fill(length);
  const bytes = length.readUInt32LE();
  if (bytes > MAX_FACTS) throw new RangeError('saved scan: the bytes are not a saved scan');
  const text = Buffer.alloc(bytes);
  await source.fill(text);
  let facts: ScanFacts;
  try {
    facts = JSON.parse(text.toString()); // only `saved` writes it
  } catch (cause) {
    throw new RangeError('saved scan: the bytes are not a saved scan', { cause });
  }
  if (facts.format !== FORMAT)
    throw new RangeError(`saved scan: it has format ${facts.format}; this version reads ${FORMAT}`);
  return facts;
}
