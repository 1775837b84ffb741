import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';
import { csvRow } from '../../../functions/shared/flat-results/csv.ts';
import type { Column } from '../../../functions/shared/flat-results/flat-table.ts';
import { ParquetGroups } from './parquet-groups.ts';
import type { OnMisfit, TableEncoder } from './table-encoder.ts';

/** The formats of `results --format`. */
export const TABLE_FORMATS = ['csv', 'parquet', 'jsonl'] as const;

/** A format of a table. */
export type TableFormat = (typeof TABLE_FORMATS)[number];

const FULL = 256 * 1024; // characters

/** Returns an encoder of the format. `onMisfit`: called for a value that the format cannot hold, and that it leaves out. */
export function tableEncoder(
  format: TableFormat,
  columns: readonly Column[],
  options: { forSpreadsheets: boolean; onMisfit: OnMisfit },
): TableEncoder {
  switch (format) {
    case 'csv':
      return new CsvRows(columns, options);
    case 'jsonl':
      return new JsonRows(columns);
    case 'parquet':
      return new ParquetGroups(columns, options.onMisfit);
  }
}

/** Rows of text. */
abstract class TextRows implements TableEncoder {
  protected pending = '';

  abstract add(cells: readonly Cell[]): void;

  get isFull(): boolean {
    return this.pending.length >= FULL;
  }

  take(): string {
    const taken = this.pending;
    this.pending = '';
    return taken;
  }

  finish(): string {
    return this.take();
  }
}

class CsvRows extends TextRows {
  readonly #options: { forSpreadsheets: boolean };

  constructor(columns: readonly Column[], options: { forSpreadsheets: boolean }) {
    super();
    this.#options = options;
    this.add(columns.map(({ name }) => name));
  }

  add(cells: readonly Cell[]): void {
    this.pending += csvRow(cells, this.#options);
  }
}

/** One JSON object a line. Nested values remain JSON. */
class JsonRows extends TextRows {
  readonly #names: readonly string[];

  constructor(columns: readonly Column[]) {
    super();
    this.#names = columns.map(({ name }) => JSON.stringify(name));
  }

  add(cells: readonly Cell[]): void {
    const fields = cells.map((cell, at) => `${this.#names[at]}:${JSON.stringify(cell)}`);
    this.pending += `{${fields.join(',')}}\n`;
  }
}
