/**
 * What is known of a request file that is being read: where the next line begins, what was found, the parts so far and
 * the ids. It can be saved between two chunks of the file and resumed elsewhere, to the same plan.
 *
 * Memory, at the file's limit of 5 million rows: 60 MB of ids, up to 48 MB of open row tables.
 */
import type { Finding } from '../contract/events.ts';
import { FILE_LIMITS, PART_LIMITS } from '../contract/request-file.ts';
import { type Line, type LineHandler, LineReader } from '../part-rows/lines.ts';
import { ByteSource } from './byte-source.ts';
import { CustomIdIndex } from './custom-id-index.ts';
import {
  type ClosedPart,
  type PartBytes,
  PartPlanner,
  type PlannedPart,
  type PlannerFacts,
} from './plan-parts.ts';
import { type Row, validateRow } from './validate-row.ts';

/** Findings kept for the report; all are counted. */
export const FINDINGS_KEPT = 1000;

/** To be raised with any change of what is saved, or of which rows make a part. */
const FORMAT = 2;
const MAX_FACTS = 64 * 1024 * 1024; // far above 10,000 parts and 1,000 findings: anything longer is no scan

export type CheckedFile =
  | { verdict: 'good'; rows: number; groups: number; parts: PlannedPart[] }
  | { verdict: 'bad'; findings: Finding[]; count: number };

/** All that is saved but for the ids and the row tables. */
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

export class RequestFileScan implements LineHandler {
  readonly ids: CustomIdIndex;
  /** Closed so far. */
  readonly parts: PlannedPart[];
  /** Over a limit of the file as a whole: reading on would only cost. */
  hopeless = false;
  readonly #reader: LineReader;
  readonly #planner: PartPlanner;
  readonly #findings: Finding[];
  #findingsCount: number;
  #rows: number;

  private constructor(
    facts: Omit<ScanFacts, 'format' | 'planner' | 'ids'>,
    planner: PartPlanner,
    ids: CustomIdIndex,
  ) {
    this.#reader = new LineReader(this, { longest: FILE_LIMITS.rowBytes, ...facts.next });
    this.#rows = facts.rows;
    this.#findings = facts.findings;
    this.#findingsCount = facts.findingsCount;
    this.parts = facts.parts;
    this.#planner = planner;
    this.ids = ids;
  }

  /** Of a file of which nothing was read yet. */
  static begun(partBytes: PartBytes): RequestFileScan {
    const next = { offset: 0, linesBefore: 0 };
    const nothing = { next, rows: 0, findings: [], findingsCount: 0, parts: [] };
    return new RequestFileScan(nothing, new PartPlanner(partBytes), new CustomIdIndex());
  }

  /** Errors: RangeError on what is no scan, or one of another version of this code; those of the chunks. */
  static async restored(chunks: AsyncIterable<Uint8Array>): Promise<RequestFileScan> {
    const source = new ByteSource(chunks);
    const facts = await restoredFacts(source);
    const ids = await CustomIdIndex.restored(facts.ids, source);
    const planner = await PartPlanner.restored(facts.planner, source);
    await source.end();
    return new RequestFileScan(facts, planner, ids);
  }

  /** Everything, to be written out before the next `push`. Parts that were closed have to be taken before. */
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

  /** Where reading has to go on: the start of the first line that was not looked at yet. */
  get offset(): number {
    return this.#reader.next.offset;
  }

  /** The next bytes of the file. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** No bytes come any more, or they do not matter. */
  end(): void {
    if (!this.hopeless) this.#reader.end();
    this.#planner.end();
  }

  line(line: Line): void {
    if (this.hopeless) return;
    this.#rows += 1;
    if (this.#rows > FILE_LIMITS.rows) {
      this.#giveUp('too_many_rows', `the file has more than ${FILE_LIMITS.rows} rows; split it`);
      return;
    }
    const checked = validateRow(line.bytes);
    if ('code' in checked) {
      this.find(line.number, checked.code, checked.message);
      return;
    }
    if (checked.row.embeddingInputs > PART_LIMITS.embeddingInputs) {
      const allowed = PART_LIMITS.embeddingInputs;
      this.find(
        line.number,
        'too_many_inputs',
        `body.input has ${checked.row.embeddingInputs} inputs; ${allowed} are allowed`,
      );
    }
    this.#plan(line, checked.row);
  }

  overlong(number: number): void {
    this.#rows += 1;
    this.find(number, 'row_too_long', `the line is longer than ${FILE_LIMITS.rowBytes} bytes`);
  }

  find(line: number | null, code: string, message: string): void {
    this.#findingsCount += 1;
    // What concerns the whole file is kept in any case: there is little of it, and it explains the rest.
    if (line === null || this.#findings.length < FINDINGS_KEPT) this.#findings.push({ line, code, message });
  }

  /** Findings that are only counted. */
  countFurther(findings: number): void {
    this.#findingsCount += findings;
  }

  /** The parts that were closed since it was asked last. */
  takeClosed(): ClosedPart[] {
    const closed = this.#planner.takeClosed();
    this.parts.push(...closed.map(({ part }) => part));
    return closed;
  }

  verdict(): CheckedFile {
    if (this.#rows === 0) this.find(null, 'empty_file', 'the file holds no row');
    if (this.#findingsCount > 0) {
      const findings = this.#findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      return { verdict: 'bad', findings, count: this.#findingsCount };
    }
    const parts = this.parts.sort((a, b) => a.number - b.number);
    return { verdict: 'good', rows: this.#rows, groups: this.#planner.groups, parts };
  }

  /** Rows of a plan and ids are numbered alike: a row without a place ends both. */
  #plan(line: Line, row: Row): void {
    const noPlace = this.#planner.add(line, row, this.ids.count);
    if (noPlace === 'too_many_groups') {
      const allowed = FILE_LIMITS.groups;
      const message = `the file mixes more than ${allowed} pairs of url and model, the next in line ${line.number}; split it`;
      this.#giveUp(noPlace, message);
    } else if (noPlace === 'too_many_parts') {
      const message = `the file takes more than ${FILE_LIMITS.parts} batches, the next from line ${line.number}; split it`;
      this.#giveUp(noPlace, message);
    } else {
      this.ids.add(row.customId, line.number);
    }
  }

  #giveUp(code: string, message: string): void {
    this.hopeless = true;
    this.find(null, code, message);
  }
}

async function restoredFacts(source: ByteSource): Promise<ScanFacts> {
  const length = Buffer.alloc(4);
  await source.fill(length);
  const bytes = length.readUInt32LE();
  if (bytes > MAX_FACTS) throw new RangeError('saved scan: it does not begin as one');
  const text = Buffer.alloc(bytes);
  await source.fill(text);
  let facts: ScanFacts;
  try {
    facts = JSON.parse(text.toString()); // written by `saved` alone
  } catch (cause) {
    throw new RangeError('saved scan: it does not begin as one', { cause });
  }
  if (facts.format !== FORMAT) throw new RangeError(`saved scan: format ${facts.format}, not ${FORMAT}`);
  return facts;
}
