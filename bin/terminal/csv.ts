/** Facts as CSV: one line for each, without characters that control a terminal, and safe in a spreadsheet. */
import { csvRow } from '../../functions/shared/flat-results/csv.ts';
import { escapeControlCharacters } from './escape-control-characters.ts';

/** Returns the lines of a table with a header: one row for each of these objects, and a column for each field that one has. */
export function csvLines(facts: readonly object[]): string[] {
  const rows = facts.map((each) => flattened(each));
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  if (columns.length === 0) return [];
  return [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? null))].map(csvLine);
}

/** Returns one line of CSV without its end. An empty cell is null. */
export function csvLine(cells: readonly (string | null)[]): string {
  const shown = cells.map((cell) => (cell === null ? null : escapeControlCharacters(cell)));
  return csvRow(shown, { forSpreadsheets: true }).slice(0, -1);
}

/** A field of a field has the column `a.b`; a list is JSON text. */
function flattened(value: object, prefix = ''): Map<string, string | null> {
  const cells = new Map<string, string | null>();
  for (const [name, field] of Object.entries(value)) {
    const column = prefix + name;
    if (Array.isArray(field)) cells.set(column, JSON.stringify(field));
    else if (typeof field === 'object' && field !== null)
      for (const [inner, cell] of flattened(field, `${column}.`)) cells.set(inner, cell);
    else cells.set(column, field === null || field === undefined ? null : String(field));
  }
  return cells;
}
