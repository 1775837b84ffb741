/**
 * Reads a whole request file once, in bounded memory, and answers either the plan of its parts or what is wrong with
 * it. Nothing is sent before this has answered.
 *   1. every line is checked by itself, its id remembered by a hash, and its row put into a part (`plan-parts.ts`)
 *   2. the row table of each part is kept outside as soon as the part is closed
 *   3. rows that share their hash are looked up in those tables, and the ids themselves compared
 *
 * Known gap: of a file in which more than 10,000 rows share their hash, those beyond are counted as duplicates by
 * their hashes alone. By chance that is wrong for one file in thousands of that kind, by one in its count.
 */
import { excerptOf, type Finding } from '../contract/events.ts';
import { FILE_LIMITS, PART_LIMITS } from '../contract/request-file.ts';
import { checkRow, type Row } from './check-row.ts';
import { type Line, type LineHandler, LineReader } from './lines.ts';
import { type ClosedPart, PartPlanner, type PlannedPart } from './plan-parts.ts';
import { RowIds } from './row-ids.ts';
import { RowTable } from './row-table.ts';

/** Findings kept for the report; all are counted. */
export const FINDINGS_KEPT = 1000;

/** Ids that are compared, each of up to 512 bytes in memory: several for each finding that is kept. */
const IDS_COMPARED = 10_000;

export type CheckedFile =
  | { verdict: 'good'; rows: number; groups: number; parts: PlannedPart[] }
  | { verdict: 'bad'; findings: Finding[]; count: number };

/** Where the row tables lie, by the number of the part. */
export interface RowTables {
  write(part: number, table: Uint8Array): Promise<void>;
  read(part: number): Promise<Uint8Array>;
}

/** `read` opens the file from its start. */
export async function checkRequestFile(
  read: () => AsyncIterable<Uint8Array>,
  tables: RowTables,
): Promise<CheckedFile> {
  const check = new FileCheck();
  const reader = new LineReader(check, { longest: FILE_LIMITS.rowBytes });
  for await (const chunk of read()) {
    reader.push(chunk);
    await keep(check.takeClosed(), tables);
    if (check.hopeless) break;
  }
  if (!check.hopeless) reader.end();
  check.end();
  await keep(check.takeClosed(), tables);
  await findDuplicates(check, tables);
  return check.verdict();
}

async function keep(closed: ClosedPart[], tables: RowTables): Promise<void> {
  for (const { part, table } of closed) await tables.write(part.number, table);
}

class FileCheck implements LineHandler {
  readonly ids = new RowIds();
  readonly parts: PlannedPart[] = [];
  /** Over a limit of the file as a whole: reading on would only cost. */
  hopeless = false;
  readonly #planner = new PartPlanner();
  #findings: Finding[] = [];
  #count = 0;
  #rows = 0;

  line(line: Line): void {
    if (this.hopeless) return;
    this.#rows += 1;
    if (this.#rows > FILE_LIMITS.rows) {
      this.#giveUp('too_many_rows', `the file has more than ${FILE_LIMITS.rows} rows; split it`);
      return;
    }
    const checked = checkRow(line.bytes);
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
    this.#count += 1;
    // What concerns the whole file is kept in any case: there is little of it, and it explains the rest.
    if (line === null || this.#findings.length < FINDINGS_KEPT) this.#findings.push({ line, code, message });
  }

  /** Findings that are only counted. */
  countFurther(findings: number): void {
    this.#count += findings;
  }

  end(): void {
    this.#planner.end();
  }

  /** The parts that were closed since it was asked last. */
  takeClosed(): ClosedPart[] {
    const closed = this.#planner.takeClosed();
    this.parts.push(...closed.map(({ part }) => part));
    return closed;
  }

  verdict(): CheckedFile {
    if (this.#rows === 0) this.find(null, 'empty_file', 'the file holds no row');
    if (this.#count > 0) {
      const findings = this.#findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
      return { verdict: 'bad', findings, count: this.#count };
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

/** Compares the ids of the rows that share their hash: reports each id that was there before, with its first line. */
async function findDuplicates(check: FileCheck, tables: RowTables): Promise<void> {
  const { rows, further } = check.ids.candidates(IDS_COMPARED);
  if (rows.length === 0) return;
  const idOf = await idsOf(new Set(rows), check.parts, tables);
  const firstRowOf = new Map<string | undefined, number>();
  for (const row of rows) {
    const id = idOf.get(row);
    const first = firstRowOf.get(id);
    if (first === undefined) {
      firstRowOf.set(id, row);
      continue;
    }
    const message = `custom_id is the same as in line ${check.ids.lineOf(first)}`;
    check.find(check.ids.lineOf(row), 'duplicate_custom_id', message);
  }
  check.countFurther(further);
}

/** The ids of some rows, out of the row tables. */
async function idsOf(
  rows: ReadonlySet<number>,
  parts: readonly PlannedPart[],
  tables: RowTables,
): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const { number } of parts) {
    const table = new RowTable(await tables.read(number));
    for (let index = 0; index < table.rows; index += 1) {
      const { ordinal } = table.place(index);
      if (rows.has(ordinal)) found.set(ordinal, table.customId(index));
    }
    if (found.size === rows.size) return found;
  }
  throw new Error(`row tables: ${found.size} of ${rows.size} rows are there`);
}

/** The findings as an event carries them. */
export function findingsExcerpt(bad: { findings: Finding[]; count: number }): {
  count: number;
  first: Finding[];
} {
  return excerptOf(bad.findings, bad.count);
}
