/**
 * A data file as rows of cells: what `prepare` and `results --join` read. Each format has a reader of its own in this
 * folder. Numbers keep every digit: a value that is not a string is its JSON text, never a JavaScript number.
 */

const COLUMNS_SHOWN = 30;

/** The value of a column in a row: text, another value as its JSON text, or null. */
export type Cell = string | JsonCell | null;

/** A value that is not a string: a number, a boolean, an array, or an object. */
export interface JsonCell {
  readonly json: string;
}

/** A row of the file. `line`: where it begins, from 1; in Parquet the number of the row. */
export type TableRow =
  | { readonly line: number; readonly cells: readonly Cell[] }
  | { readonly line: number; readonly problem: string };

/** A data file. Its rows can be read several times. */
export interface Table {
  /** The columns in the order of the file; undefined for JSON Lines, where each row has its own. */
  readonly columns: readonly string[] | undefined;
  /** How `line` of a row is printed: `reviews.csv:17`, or `reviews.parquet: row 17`. */
  placeOf(line: number): string;
  /**
   * Reads the rows in blocks, in bounded memory. The cells have the order of `wanted`. `mayBeAbsent`: a row of JSON Lines
   * without a wanted column has null there, and is no problem. Errors: a Failure if the rest of the file cannot be read.
   */
  rows(wanted: readonly string[], options?: { mayBeAbsent: boolean }): AsyncIterable<readonly TableRow[]>;
}

/** Returns the value as text, as it stands in a sentence. Null is empty, like an empty cell of a CSV file. */
export function textOf(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  return cell === null ? '' : cell.json;
}

/** Returns a sentence with the names of the columns. */
export function columnsShown(columns: readonly string[]): string {
  const shown = columns.slice(0, COLUMNS_SHOWN).map((name) => JSON.stringify(name));
  const more = columns.length - shown.length;
  return `Its columns are ${shown.join(', ') || 'none'}${more > 0 ? `, and ${more} more` : ''}.`;
}
