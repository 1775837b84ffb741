/**
 * Reads a whole request file once, in bounded memory, and returns either the plan of its parts or the problems found.
 * Nothing is sent to OpenAI before that.
 *   1. check each line by itself, keep a hash of its id, and add its row to a part (`request-file-scan.ts`)
 *   2. store the row table of each part as soon as the part is closed
 *   3. read the ids of rows with equal hashes from those tables, and compare them
 *
 * Known gap: if more than 10,000 rows share their hash with another row, the others count as duplicates by their hashes
 * alone. In one of thousands of such files, the count is then too high by one.
 */

import { RowTable } from '../part-rows/row-table.ts';
import type { ClosedPart, PlannedPart } from './plan-parts.ts';
import { type CheckedFile, RequestFileScan } from './request-file-scan.ts';

/** How many ids are compared: several per finding in the report, each with up to 512 bytes in memory. */
const IDS_COMPARED = 10_000;

/** Stores the row tables, by the number of the part. */
export interface RowTables {
  write(part: number, table: Uint8Array): Promise<void>;
  read(part: number): Promise<Uint8Array>;
}

/**
 * Checks a whole file without token limits. `read` opens the file at its start. Errors: those of `read` and `tables`.
 */
export async function validateRequestFile(
  read: () => AsyncIterable<Uint8Array>,
  tables: RowTables,
): Promise<CheckedFile> {
  const scan = RequestFileScan.begun({});
  await continueScan(scan, read, tables, () => false);
  return completeScan(scan, tables);
}

/**
 * Continues a scan at its offset until the file ends or the time is up. Returns false if part of the file is still
 * unread; the scan can then be saved. Each call checks at least one line. Errors: those of `read` and `tables`.
 */
export async function continueScan(
  scan: RequestFileScan,
  read: (offset: number) => AsyncIterable<Uint8Array>,
  tables: RowTables,
  isTimeUp: () => boolean,
): Promise<boolean> {
  const from = scan.offset;
  for await (const chunk of read(from)) {
    scan.push(chunk);
    await store(scan.takeClosed(), tables);
    if (scan.isOverLimit) break;
    if (scan.offset > from && isTimeUp()) return false;
  }
  return true;
}

/** Returns the result for a file that was read to its end or exceeds a limit. Errors: those of `tables`. */
export async function completeScan(scan: RequestFileScan, tables: RowTables): Promise<CheckedFile> {
  scan.end();
  await store(scan.takeClosed(), tables);
  await findDuplicates(scan, tables);
  return scan.verdict();
}

async function store(closed: ClosedPart[], tables: RowTables): Promise<void> {
  for (const { part, table } of closed) await tables.write(part.number, table);
}

/** A row whose id an earlier row has. Rows are numbered from 0. */
export interface DuplicateId {
  readonly id: string;
  readonly row: number;
  /** The first row with this id. */
  readonly first: number;
}

/** Adds each duplicate to the findings of the scan, with the first line that has the id. */
async function findDuplicates(scan: RequestFileScan, tables: RowTables): Promise<void> {
  const { duplicates, further } = await duplicateIds(scan, tables);
  for (const { row, first } of duplicates) {
    const message = `custom_id is the same as in line ${scan.ids.lineOf(first)}`;
    scan.find(scan.ids.lineOf(row), 'duplicate_custom_id', message);
  }
  scan.countFurther(further);
}

/**
 * Compares the ids of rows with equal hashes, in a scan that has ended. `further`: how many duplicates there are that
 * are not listed. Errors: those of `tables`.
 */
export async function duplicateIds(
  scan: RequestFileScan,
  tables: RowTables,
): Promise<{ duplicates: DuplicateId[]; further: number }> {
  const { rows, further } = scan.ids.candidates(IDS_COMPARED);
  if (rows.length === 0) return { duplicates: [], further };
  const idOf = await idsOf(new Set(rows), scan.parts, tables);
  const firstRowOf = new Map<string, number>();
  const duplicates: DuplicateId[] = [];
  for (const row of rows) {
    const id = idOf.get(row) ?? '';
    const first = firstRowOf.get(id);
    if (first === undefined) firstRowOf.set(id, row);
    else duplicates.push({ id, row, first });
  }
  return { duplicates, further };
}

/** Returns the ids of the given rows, read from the row tables. */
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
  throw new Error(`row tables: they contain ${found.size} of ${rows.size} rows`);
}
