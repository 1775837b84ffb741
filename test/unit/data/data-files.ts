import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openTable, type TableSource } from '../../../bin/data/tables/open-table.ts';
import { type Cell, textOf } from '../../../bin/data/tables/table.ts';

/** A folder with data files for one test file. */
export class DataFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'batchdrop-data-'));

  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Returns the rows of a data file: the line and the texts of the cells, or what is wrong. */
export async function rowsOf(
  path: string,
  wanted: readonly string[],
  options: Partial<TableSource> = {},
): Promise<(readonly [number, string] | readonly [number, readonly string[]])[]> {
  const cells = await cellsOf(path, wanted, options);
  return cells.map(([line, found]) =>
    typeof found === 'string' ? [line, found] : [line, found.map((cell) => textOf(cell))],
  );
}

/** The same with the cells as they are. */
export async function cellsOf(
  path: string,
  wanted: readonly string[],
  options: Partial<TableSource> = {},
): Promise<(readonly [number, string | readonly Cell[]])[]> {
  const table = await openTable({ path, file: basename(path), ...options });
  const rows: (readonly [number, string | readonly Cell[]])[] = [];
  for await (const block of table.rows(wanted)) {
    for (const row of block) rows.push([row.line, 'problem' in row ? row.problem : row.cells]);
  }
  return rows;
}
