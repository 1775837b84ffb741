/**
 * CSV as RFC 4180 has it, with `\n` after each row. An empty cell is null, and `""` an empty text. Nested values are JSON
 * texts, and numbers have all digits that the answer has.
 */
import type { Cell } from './answer-columns.ts';

/** How cells are written. */
export interface CsvOptions {
  /** Texts that a spreadsheet would run as a formula get an apostrophe in front. */
  readonly forSpreadsheets: boolean;
}

const NEEDS_QUOTES = /[",\r\n]/;

/** What a spreadsheet takes for a formula, or skips before one. */
const FORMULA = /^[=+\-@\t\r\n]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** Returns one row with its line end. */
export function csvRow(cells: readonly Cell[], { forSpreadsheets }: CsvOptions): string {
  let row = '';
  for (const [at, cell] of cells.entries()) {
    const text = csvCell(cell, forSpreadsheets);
    row += at === 0 ? text : `,${text}`;
  }
  return row === '' ? '""\n' : `${row}\n`; // readers skip an empty line
}

/** Returns the text of a cell as every format has it; null if the cell is empty. */
export function cellText(cell: Cell): string | null {
  if (cell === null || typeof cell === 'string') return cell;
  return JSON.stringify(cell);
}

function csvCell(cell: Cell, forSpreadsheets: boolean): string {
  const text = cellText(cell);
  if (text === null) return '';
  if (text === '') return '""';
  if (typeof cell !== 'string') return quoted(text);
  const isFormula = forSpreadsheets && FORMULA.test(text) && !NUMBER.test(text);
  return quoted(isFormula ? `'${text}` : text);
}

function quoted(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
