import type { PlannedPart } from '../../../functions/shared/request-file/plan-parts.ts';
import { FINDINGS_KEPT, RequestFileScan } from '../../../functions/shared/request-file/request-file-scan.ts';
import {
  duplicateIds,
  type RowTables,
} from '../../../functions/shared/request-file/validate-request-file.ts';

const CHUNK_ROWS = 65_536;

/** What is wrong with a row. `line`: as in the data file; null for the whole file. */
export interface RequestFinding {
  readonly line: number | null;
  readonly message: string;
}

/** The plan of the requests, or what is wrong with them. */
export type CheckedRequests =
  | { readonly verdict: 'good'; readonly rows: number; readonly parts: PlannedPart[] }
  | { readonly verdict: 'bad'; readonly findings: readonly RequestFinding[]; readonly count: number };

/**
 * Checks request lines exactly as INTAKE does, with the same code, while they are written. Findings have the lines of
 * the data file. Memory: 16 bytes per row.
 */
export class RequestCheck {
  readonly #scan = RequestFileScan.begun({});
  readonly #tables: RowTables;
  readonly #lines = new LinesOfRows();
  readonly #nameOf: (line: number) => string;

  /** `nameOf`: how a line of the data file is named in a message. */
  constructor(tables: RowTables, nameOf: (line: number) => string) {
    this.#tables = tables;
    this.#nameOf = nameOf;
  }

  /** There is a finding. */
  get isBad(): boolean {
    return this.#scan.findingsCount > 0;
  }

  /** There are so many rows or findings that reading on is of no use. */
  get isFull(): boolean {
    return this.#scan.isOverLimit || this.#scan.findingsCount >= FINDINGS_KEPT;
  }

  /** Says which line of the data file the next request comes from. */
  addLine(line: number): void {
    this.#lines.add(line);
  }

  /** Checks the next complete lines. They are not kept. Errors: those of the row tables. */
  async push(lines: Uint8Array): Promise<void> {
    this.#scan.push(lines);
    await this.#storeClosed();
  }

  /** Checks that all ids differ, and returns the plan. Without any line there is none. Errors: those of the row tables. */
  async end(): Promise<CheckedRequests> {
    if (this.#lines.count === 0) return { verdict: 'bad', findings: [], count: 0 };
    this.#scan.end();
    await this.#storeClosed();
    const { duplicates, further } = await duplicateIds(this.#scan, this.#tables);
    const { ids } = this.#scan;
    for (const { id, row, first } of duplicates) {
      const other = this.#nameOf(this.#lines.at(ids.lineOf(first) - 1));
      const message = `the id ${JSON.stringify(id)} is the same as in ${other}`;
      this.#scan.find(ids.lineOf(row), 'duplicate_custom_id', message);
    }
    this.#scan.countFurther(further);
    const checked = this.#scan.verdict();
    if (checked.verdict === 'good') return checked;
    const findings = checked.findings.map(({ line, message }) => ({
      line: line === null ? null : this.#lines.at(line - 1),
      message,
    }));
    return { verdict: 'bad', findings, count: checked.count };
  }

  async #storeClosed(): Promise<void> {
    for (const { part, table } of this.#scan.takeClosed()) await this.#tables.write(part.number, table);
  }
}

/** The line of the data file for each request, in 4 bytes. */
class LinesOfRows {
  readonly #chunks: Uint32Array[] = [];
  #count = 0;

  add(line: number): void {
    const at = this.#count % CHUNK_ROWS;
    if (at === 0) this.#chunks.push(new Uint32Array(CHUNK_ROWS));
    const last = this.#chunks.at(-1);
    if (last) last[at] = line;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** `row`: from 0. */
  at(row: number): number {
    return this.#chunks[Math.floor(row / CHUNK_ROWS)]?.[row % CHUNK_ROWS] ?? 0;
  }
}
