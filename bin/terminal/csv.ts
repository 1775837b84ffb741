/** Facts as CSV (RFC 4180, with line feeds). */
import { escapeControlCharacters } from './escape-control-characters.ts';

/** Returns the lines of a table with a header: one row for each of these objects, and a column for each field that one has. */
export function csvLines(facts: readonly object[]): string[] {
  const rows = facts.map((each) => flattened(each));
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  if (columns.length === 0) return [];
  return [columns, ...rows.map((row) => columns.map((column) => row.get(column) ?? ''))].map(csvLine);
}

/** Returns one line of CSV. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',');
}

/** A spreadsheet would run a text that begins as a formula does. */
function csvCell(text: string): string {
  const shown = escapeControlCharacters(text);
  const harmless = /^[=+\-@]/.test(shown) && !/^-?[\d.]+$/.test(shown) ? `'${shown}` : shown;
  return /[",]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** A field of a field has the column `a.b`; a list is JSON text. */
function flattened(value: object, prefix = ''): Map<string, string> {
  const cells = new Map<string, string>();
  for (const [name, field] of Object.entries(value)) {
    const column = prefix + name;
    if (Array.isArray(field)) cells.set(column, JSON.stringify(field));
    else if (typeof field === 'object' && field !== null)
      for (const [inner, cell] of flattened(field, `${column}.`)) cells.set(inner, cell);
    else cells.set(column, field === null || field === undefined ? '' : String(field));
  }
  return cells;
}
