/**
 * Writes the results of a job as a table. It reads the request file twice: first for the columns, then side by side with
 * the results. Rows are written as they are read, so the memory does not grow with them.
 */

import type { Prices } from '../../../functions/shared/domain/money/prices.ts';
import type { FlatCounts } from '../../../functions/shared/domain/results/flat-results.ts';
import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';
import { AnswerShape } from '../../../functions/shared/flat-results/answer-shape.ts';
import { RequestReader } from '../../../functions/shared/flat-results/asked.ts';
import { type Column, distinctNames, FlatTable } from '../../../functions/shared/flat-results/flat-table.ts';
import { requestLines } from '../../../functions/shared/flat-results/line-queue.ts';
import { OrderedResults } from '../../../functions/shared/flat-results/ordered-results.ts';
import { Failure } from '../../terminal/failure.ts';
import type { JobFiles } from './job-files.ts';
import type { JoinedRows } from './joined-rows.ts';
import { type TableFormat, tableEncoder } from './table-formats.ts';

/** How the table is written. */
export interface TableOptions {
  readonly format: TableFormat;
  /** The columns to write, in this order. Default: all. */
  readonly fields?: readonly string[];
  readonly forSpreadsheets: boolean;
  /** The rows of the user's own file. */
  readonly joined?: JoinedRows;
  readonly prices: Prices;
}

/** The bytes of the table; `counts` are complete after the last of them. */
export interface ResultsTable {
  readonly counts: FlatCounts;
  bytes(): AsyncGenerator<string | Uint8Array>;
}

/** Reads the columns, and returns the table. Throws a Failure for a field that the table does not have. */
export async function resultsTable(files: JobFiles, options: TableOptions): Promise<ResultsTable> {
  const table = new FlatTable(await shapeOf(files), options.prices);
  const { joined } = options;
  const [id, ...answers] = table.columns;
  if (!id) throw new Error('the table has no columns');
  const names = distinctNames(
    joined?.columns ?? [],
    'input_',
    table.columns.map(({ name }) => name),
  );
  const own = names.map((name): Column => ({ name, type: 'text' }));
  const columns = [id, ...own, ...answers];
  const chosen = chosenColumns(columns, options.fields);
  return {
    counts: table.counts,
    bytes: () =>
      encoded(files, { ...options, table, columns: chosen.map((at) => columns[at] ?? id), chosen }),
  };
}

async function* encoded(
  files: JobFiles,
  of: TableOptions & { table: FlatTable; columns: readonly Column[]; chosen: readonly number[] },
): AsyncGenerator<string | Uint8Array> {
  const { table, chosen, joined } = of;
  let customId = '';
  const onMisfit = (_row: readonly Cell[], column: string, reason: string) =>
    table.misfit({ customId, column, reason });
  const encoder = tableEncoder(of.format, of.columns, { ...of, onMisfit });
  const results = new OrderedResults({ requests: files.requests(), ...files.results() });
  try {
    for await (const rows of results.rows()) {
      for (const { asked, result } of rows) {
        customId = asked.customId;
        const [id = null, ...answers] = table.row(asked, result);
        const cells = joined ? [id, ...joined.take(customId), ...answers] : [id, ...answers];
        encoder.add(chosen.map((at) => cells[at] ?? null));
        if (encoder.isFull) yield encoder.take();
      }
    }
    yield encoder.finish();
  } finally {
    await results.close();
  }
}

/** Returns what the requests ask for together. */
async function shapeOf(files: JobFiles): Promise<AnswerShape> {
  const shape = new AnswerShape();
  const reader = new RequestReader();
  for await (const lines of requestLines(files.requests()))
    for (const { text } of lines) shape.add(reader.read(text));
  return shape;
}

/** Returns the positions of the columns to write. */
function chosenColumns(columns: readonly Column[], fields: readonly string[] | undefined): number[] {
  if (!fields) return columns.map((_column, at) => at);
  return fields.map((field) => {
    const at = columns.findIndex(({ name }) => name === field);
    if (at >= 0) return at;
    const names = columns.map(({ name }) => name).join(', ');
    throw new Failure(`--fields: the table has no column ${field}. Its columns: ${names}`);
  });
}
