import { styleText } from 'node:util';
import { columnsOf, fitted } from './fit-line.ts';

/** A column of a table: its title, and whether its cells are numbers, which align on the right. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** Returns a table as lines, each cut to the width of the terminal. The cells must be safe to print. `below`: lines under a row. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly { readonly cells: readonly string[]; readonly below?: readonly string[] }[],
): string[] {
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map(({ cells }) => columnsOf(cells[at] ?? ''))),
  );
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, at) => {
        const space = ' '.repeat(Math.max((widths[at] ?? 0) - columnsOf(cell), 0));
        if (columns[at]?.isNumber) return space + cell;
        return at === cells.length - 1 ? cell : cell + space;
      })
      .join('  ');
  const header = styleText('dim', fitted(lineOf(columns.map(({ title }) => title))));
  return [
    header,
    ...rows.flatMap(({ cells, below = [] }) => [lineOf(cells), ...below].map((line) => fitted(line))),
  ];
}
