/**
 * Groups the rows of a request file into parts while the file is read: rows of one endpoint and model fill one part
 * after another. A part ends at OpenAI's limits for a batch, or at the number of bytes that the model's limit on
 * enqueued tokens allows. The plan depends only on the rows and these limits. The limits are saved with the planner, so
 * a resumed scan makes the same plan.
 *
 * The row tables of all open parts share a limit. Above it, the largest part is closed before it is full. A file with
 * many models and long ids therefore becomes a few more batches.
 */
import { FILE_LIMITS, PART_LIMITS } from '../contract/request-file.ts';
import { addBound, noRows, type OutputBounds } from '../domain/money/output-bounds.ts';
import { type LinePlace, uploadLength } from '../part-rows/lines.ts';
import { type IdBytes, RowTableWriter } from '../part-rows/row-table.ts';
import type { ByteSource } from './byte-source.ts';
import type { Row } from './validate-row.ts';

/** A row. Its id may still be in the memory of the scanner. */
export type PlannableRow = Omit<Row, 'customId'> & { customId: string | IdBytes };

/** The rows of one future batch. */
export interface PlannedPart {
  /** From 1, in the order of the parts' first rows. */
  number: number;
  endpoint: string;
  model: string;
  range: { start: number; end: number };
  rows: number;
  uploadBytes: number;
  /** The most output tokens of its rows. */
  output: OutputBounds;
  /** The range also contains rows of other parts. */
  interleaved?: true;
}

/** A part that receives no more rows, and its row table. */
export interface ClosedPart {
  part: PlannedPart;
  table: Uint8Array;
}

/** 48 MB is enough for 800,000 rows with ids of 40 bytes. Only beyond that are parts closed early. */
const OPEN_TABLES_BYTES = 48_000_000;

/** A part that still receives rows. */
interface OpenPart {
  part: PlannedPart;
  embeddingInputs: number;
  /** Ordinals of its first and its last row. */
  first: number;
  last: number;
  table: RowTableWriter;
}

/** The maximum bytes of a part, by model. Only models whose maximum is below OpenAI's file limit are listed. */
export type PartBytes = Readonly<Record<string, number>>;

/** The state of a planner between two rows, without the row tables of its open parts. */
export interface PlannerFacts {
  partBytes: PartBytes;
  parts: number;
  groups: { group: string; open?: Omit<OpenPart, 'table'> & { tableBytes: number } }[];
}

/** Why a row cannot be planned. */
type PlanProblem = 'too_many_groups' | 'too_many_parts';

export class PartPlanner {
  /** The open part of each endpoint and model, in the order of their first rows. Undefined between two parts. */
  readonly #groups = new Map<string, OpenPart | undefined>();
  readonly #partBytes: PartBytes;
  readonly #maxTableBytes: number;
  #parts = 0;
  #tableBytes = 0;
  #closed: ClosedPart[] = [];
  /** The group of the previous row, and the maximum bytes of its parts. The next row usually has the same group. */
  #known = { endpoint: '', model: '', group: '', maxBytes: 0 };

  constructor(partBytes: PartBytes, maxTableBytes = OPEN_TABLES_BYTES) {
    this.#partBytes = partBytes;
    this.#maxTableBytes = maxTableBytes;
  }

  /** Restores a planner from its `facts` and, from the source, its `savedTables`. Errors: those of the source. */
  static async restored(
    facts: PlannerFacts,
    source: ByteSource,
    maxTableBytes = OPEN_TABLES_BYTES,
  ): Promise<PartPlanner> {
    const planner = new PartPlanner(facts.partBytes, maxTableBytes);
    planner.#parts = facts.parts;
    for (const { group, open } of facts.groups) {
      if (!open) {
        planner.#groups.set(group, undefined);
        continue;
      }
      const { tableBytes, ...known } = open;
      const gathered = new Uint8Array(tableBytes);
      await source.fill(gathered);
      planner.#groups.set(group, { ...known, table: new RowTableWriter(gathered) });
      planner.#tableBytes += tableBytes;
    }
    return planner;
  }

  facts(): PlannerFacts {
    const groups = [...this.#groups].map(([group, open]) => {
      if (!open) return { group };
      const { table, ...known } = open;
      return { group, open: { ...known, tableBytes: table.bytes } };
    });
    return { partBytes: this.#partBytes, parts: this.#parts, groups };
  }

  /** Returns the row tables of the open parts: views that are valid until the next `add`. */
  *savedTables(): Generator<Uint8Array> {
    for (const open of this.#groups.values()) if (open) yield open.table.gathered();
  }

  get groups(): number {
    return this.#groups.size;
  }

  /**
   * Adds a row to its part, or returns why that is impossible. `ordinal`: the number of the row in the file, from 0.
   */
  add(line: LinePlace, row: PlannableRow, ordinal: number): PlanProblem | undefined {
    const { group, maxBytes } = this.#groupOf(row);
    let open = this.#groups.get(group);
    if (open && !fits(open, line, row, maxBytes)) {
      this.#close(group, open);
      open = undefined;
    }
    if (!open) {
      if (this.#groups.size === FILE_LIMITS.groups && !this.#groups.has(group)) return 'too_many_groups';
      if (this.#parts === FILE_LIMITS.parts) return 'too_many_parts';
      open = this.#begin(line, row, ordinal);
      this.#groups.set(group, open);
    }
    this.#append(open, line, row, ordinal);
    if (this.#tableBytes > this.#maxTableBytes) this.#closeLargest();
    return undefined;
  }

  /** Closes all open parts after the last row. */
  end(): void {
    for (const [group, open] of this.#groups) if (open) this.#close(group, open);
  }

  /** Returns the parts that were closed since the last call. */
  takeClosed(): ClosedPart[] {
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  #groupOf({ endpoint, model }: PlannableRow): { group: string; maxBytes: number } {
    if (endpoint !== this.#known.endpoint || model !== this.#known.model) {
      const limit = Object.hasOwn(this.#partBytes, model) ? (this.#partBytes[model] ?? 0) : PART_LIMITS.bytes;
      const group = `${endpoint} ${model}`; // no endpoint contains a space
      this.#known = { endpoint, model, group, maxBytes: Math.min(limit, PART_LIMITS.bytes) };
    }
    return this.#known;
  }

  #begin({ start, end }: LinePlace, { endpoint, model }: PlannableRow, ordinal: number): OpenPart {
    this.#parts += 1;
    return {
      part: {
        ...{ number: this.#parts, endpoint, model, range: { start, end } },
        ...{ rows: 0, uploadBytes: 0, output: noRows() },
      },
      embeddingInputs: 0,
      first: ordinal,
      last: ordinal,
      table: new RowTableWriter(),
    };
  }

  #append(open: OpenPart, line: LinePlace, row: PlannableRow, ordinal: number): void {
    const { part, table } = open;
    part.range.end = line.end;
    part.rows += 1;
    part.uploadBytes += uploadLength(line);
    addBound(part.output, row.outputBound);
    open.embeddingInputs += row.embeddingInputs;
    open.last = ordinal;
    const before = table.bytes;
    table.add({ ordinal, offset: line.offset, length: line.length }, row.customId);
    this.#tableBytes += table.bytes - before;
  }

  #closeLargest(): void {
    let largest: [string, OpenPart] | undefined;
    for (const [group, open] of this.#groups) {
      if (open && open.table.bytes > (largest?.[1].table.bytes ?? 0)) largest = [group, open];
    }
    if (largest) this.#close(...largest);
  }

  #close(group: string, { part, first, last, table }: OpenPart): void {
    this.#groups.set(group, undefined);
    this.#tableBytes -= table.bytes;
    if (last - first + 1 > part.rows) part.interleaved = true;
    this.#closed.push({ part, table: table.gathered() });
  }
}

function fits(
  { part, embeddingInputs }: OpenPart,
  line: LinePlace,
  { embeddingInputs: more }: PlannableRow,
  maxBytes: number,
): boolean {
  return (
    part.rows < PART_LIMITS.rows &&
    part.uploadBytes + uploadLength(line) <= maxBytes &&
    embeddingInputs + more <= PART_LIMITS.embeddingInputs
  );
}
