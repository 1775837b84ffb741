/**
 * Turns the rows of a table into the lines of a request file, in one pass and in bounded memory.
 *   1. each row becomes a line (`request-lines.ts`); a value that does not fit is a finding with its line
 *   2. the lines are checked with INTAKE's own code (`checked-requests.ts`), and written while all is well
 *   3. after the last row, the ids are compared. Only then is the output complete
 * After the first finding nothing more is written, but the rest is read, to list what else is wrong.
 */
import type { PlannedPart } from '../../../functions/shared/request-file/plan-parts.ts';
import { FINDINGS_KEPT } from '../../../functions/shared/request-file/request-file-scan.ts';
import { grouped } from '../../terminal/amounts.ts';
import { Failure } from '../../terminal/failure.ts';
import type { Output } from '../output/output.ts';
import type { Table, TableRow } from '../tables/table.ts';
import { type CheckedRequests, RequestCheck, type RequestFinding } from './checked-requests.ts';
import { BadValue } from './fill-place.ts';
import { LineBuffer } from './line-buffer.ts';
import type { RequestLines } from './request-lines.ts';
import { RowTablesOnDisk } from './row-tables-on-disk.ts';

const WRITE_BYTES = 256 * 1024;
const SHOWN_FINDINGS = 20;

/** The plan of a prepared request file. */
export interface PreparedRequests {
  readonly rows: number;
  readonly bytes: number;
  readonly parts: readonly PlannedPart[];
}

/**
 * Writes the requests. `limit`: the maximum number of rows to read. Throws a Failure that lists what is wrong with the
 * table.
 */
export async function prepareRequests(
  table: Table,
  lines: RequestLines,
  output: Output,
  limit = Number.POSITIVE_INFINITY,
): Promise<PreparedRequests> {
  const tables = await RowTablesOnDisk.create();
  try {
    const writer = new RequestWriter(lines, new RequestCheck(tables, table.placeOf), output);
    try {
      await writer.addRows(table.rows(lines.columns), limit);
    } catch (failure) {
      // The table cannot be read further. What was found before is the likelier cause.
      if (writer.found.length === 0 || !(failure instanceof Failure)) throw failure;
      throw findingsFailure(table, [...writer.found, { line: null, message: failure.message }]);
    }
    const checked = await writer.end();
    const findings = [...writer.found, ...(checked.verdict === 'bad' ? checked.findings : [])];
    if (findings.length > 0) throw findingsFailure(table, findings);
    if (checked.verdict === 'bad') throw new Failure(`${table.file} has no rows.`);
    await output.succeed();
    return { rows: checked.rows, bytes: writer.bytes, parts: checked.parts };
  } finally {
    await tables.discard();
  }
}

class RequestWriter {
  readonly found: RequestFinding[] = [];
  /** Rows read so far. */
  rows = 0;
  /** Bytes written so far. */
  bytes = 0;
  readonly #lines: RequestLines;
  readonly #check: RequestCheck;
  readonly #output: Output;
  /** Lines that are not checked yet. */
  readonly #gathered = new LineBuffer();

  constructor(lines: RequestLines, check: RequestCheck, output: Output) {
    this.#lines = lines;
    this.#check = check;
    this.#output = output;
  }

  async addRows(blocks: AsyncIterable<readonly TableRow[]>, limit: number): Promise<void> {
    for await (const rows of blocks) {
      for (const row of rows) {
        this.#add(row);
        if (this.#gathered.length >= WRITE_BYTES) await this.#flush();
        if (this.rows >= limit || this.found.length >= FINDINGS_KEPT || this.#check.isFull) return;
      }
    }
  }

  async end(): Promise<CheckedRequests> {
    await this.#flush();
    return await this.#check.end();
  }

  #add(row: TableRow): void {
    this.rows += 1;
    if ('problem' in row) {
      this.found.push({ line: row.line, message: row.problem });
      return;
    }
    try {
      this.#lines.addLine(row.cells, this.rows, this.#gathered);
      this.#check.addLine(row.line);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      this.found.push({ line: row.line, message: error.message });
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.#gathered.take();
    await this.#check.push(bytes);
    if (this.found.length > 0 || this.#check.isBad) return;
    await this.#output.write(bytes);
    this.bytes += bytes.length;
  }
}

/** Lists each message once, with the first line that has it, as compilers do. */
function findingsFailure(table: Table, findings: readonly RequestFinding[]): Failure {
  const byMessage = new Map<string, { line: number | null; count: number }>();
  for (const { line, message } of [...findings].sort((a, b) => (a.line ?? 0) - (b.line ?? 0))) {
    const known = byMessage.get(message);
    if (known) known.count += 1;
    else byMessage.set(message, { line, count: 1 });
  }
  const lines = [...byMessage].map(([message, { line, count }]) => {
    const more = count > 1 ? ` (${grouped(count)} rows)` : '';
    return `${line === null ? '' : `${table.placeOf(line)}: `}${message}${more}`;
  });
  const shown = lines.slice(0, SHOWN_FINDINGS);
  if (shown.length < lines.length) shown.push(`${grouped(lines.length - shown.length)} more`);
  return new Failure(`No request file was made, because ${table.file} has errors:`, { lines: shown });
}
