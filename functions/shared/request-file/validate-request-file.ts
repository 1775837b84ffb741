/**
 * Reads a whole request file once, in bounded memory, and answers either the plan of its parts or what is wrong with
 * it. Nothing is sent before this has answered.
 *   1. every line is checked by itself, its id remembered by a hash, and its row put into a part (`request-file-scan.ts`)
 *   2. the row table of each part is kept outside as soon as the part is closed
 *   3. rows that share their hash are looked up in those tables, and the ids themselves compared
 *
 * Known gap: of a file in which more than 10,000 rows share their hash, those beyond are counted as duplicates by
 * their hashes alone. By chance that is wrong for one file in thousands of that kind, by one in its count.
 */

import { RowTable } from '../part-rows/row-table.ts';
import type { ClosedPart, PlannedPart } from './plan-parts.ts';
import { type CheckedFile, RequestFileScan } from './request-file-scan.ts';

/** Ids that are compared, each of up to 512 bytes in memory: several for each finding that is kept. */
const IDS_COMPARED = 10_000;

/** Where the row tables lie, by the number of the part. */
export interface RowTables {
  write(part: number, table: Uint8Array): Promise<void>;
  read(part: number): Promise<Uint8Array>;
}

/** All of it in one go, for no limits of ours; `read` opens the file from its start. */
export async function validateRequestFile(
  read: () => AsyncIterable<Uint8Array>,
  tables: RowTables,
): Promise<CheckedFile> {
  const scan = RequestFileScan.begun({});
  await scanOn(scan, read, tables, () => false);
  return conclude(scan, tables);
}

/**
 * Reads on from where the scan is, as far as there is time: false when some of the file is left, and the scan can be
 * saved. It gets on by a line at least, or until `read` itself ends it by throwing.
 */
export async function scanOn(
  scan: RequestFileScan,
  read: (offset: number) => AsyncIterable<Uint8Array>,
  tables: RowTables,
  isTimeUp: () => boolean,
): Promise<boolean> {
  const from = scan.offset;
  for await (const chunk of read(from)) {
    scan.push(chunk);
    await keep(scan.takeClosed(), tables);
    if (scan.hopeless) break;
    if (scan.offset > from && isTimeUp()) return false;
  }
  return true;
}

/** The verdict on a file that was read to its end, or is hopeless. */
export async function conclude(scan: RequestFileScan, tables: RowTables): Promise<CheckedFile> {
  scan.end();
  await keep(scan.takeClosed(), tables);
  await findDuplicates(scan, tables);
  return scan.verdict();
}

async function keep(closed: ClosedPart[], tables: RowTables): Promise<void> {
  for (const { part, table } of closed) await tables.write(part.number, table);
}

/** Compares the ids of the rows that share their hash: reports each id that was there before, with its first line. */
async function findDuplicates(scan: RequestFileScan, tables: RowTables): Promise<void> {
  const { rows, further } = scan.ids.candidates(IDS_COMPARED);
  if (rows.length === 0) return;
  const idOf = await idsOf(new Set(rows), scan.parts, tables);
  const firstRowOf = new Map<string | undefined, number>();
  for (const row of rows) {
    const id = idOf.get(row);
    const first = firstRowOf.get(id);
    if (first === undefined) {
      firstRowOf.set(id, row);
      continue;
    }
    const message = `custom_id is the same as in line ${scan.ids.lineOf(first)}`;
    scan.find(scan.ids.lineOf(row), 'duplicate_custom_id', message);
  }
  scan.countFurther(further);
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
