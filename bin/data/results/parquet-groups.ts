import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ColumnType } from '../../../functions/shared/domain/results/flat-results.ts';
import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';
import { cellText } from '../../../functions/shared/flat-results/csv.ts';
import { numberOf, wholeNumberOf } from '../../../functions/shared/flat-results/exact-json.ts';
import type { Column } from '../../../functions/shared/flat-results/flat-table.ts';
import type { OnMisfit, TableEncoder } from './table-encoder.ts';

/** One row group is in memory: readers want large ones, and this process bounded memory. */
const GROUP = { rows: 50_000, characters: 32 * 1024 * 1024 };

const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

const TYPES = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, // its text: every reader has it, and numbers keep their digits
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
} as const satisfies Record<ColumnType, object>;

/** Encodes a table as Parquet, compressed with Snappy, one row group after the other. */
export class ParquetGroups implements TableEncoder {
  readonly #columns: readonly Column[];
  readonly #onMisfit: OnMisfit;
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  #data: unknown[][];
  #rows = 0;
  #characters = 0;

  constructor(columns: readonly Column[], onMisfit: OnMisfit) {
    this.#columns = columns;
    this.#onMisfit = onMisfit;
    this.#data = columns.map(() => []);
    const leaves = columns.map(({ name, type }) => ({
      name,
      ...TYPES[type],
      repetition_type: 'OPTIONAL' as const,
    }));
    const schema = [{ name: 'root', num_children: columns.length }, ...leaves];
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema });
  }

  add(cells: readonly Cell[]): void {
    for (const [at, { name, type }] of this.#columns.entries()) {
      const cell = cells[at] ?? null;
      const value = cell === null ? null : parquetValue(cell, type);
      if (value === undefined) this.#onMisfit(cells, name, 'is too large for a 64-bit number');
      if (typeof value === 'string') this.#characters += value.length;
      this.#data[at]?.push(value ?? null);
    }
    this.#rows += 1;
  }

  get isFull(): boolean {
    return this.#rows >= GROUP.rows || this.#characters >= GROUP.characters;
  }

  take(): Uint8Array {
    if (this.#rows > 0) {
      const columnData = this.#columns.map(({ name }, at) => ({ name, data: this.#data[at] ?? [] }));
      void this.#writer.write({ columnData, rowGroupSize: this.#rows });
      this.#data = this.#columns.map(() => []);
      this.#rows = 0;
      this.#characters = 0;
    }
    return this.#taken();
  }

  finish(): Uint8Array {
    const last = this.take();
    void this.#writer.finish();
    return Buffer.concat([last, this.#taken()]);
  }

  /** Returns a copy of the bytes so far, and lets the writer begin anew in the same memory. */
  #taken(): Uint8Array {
    const bytes = Buffer.from(this.#bytes.getBytes());
    this.#bytes.index = 0;
    return bytes;
  }
}

/** Returns the value as the writer expects it; undefined if its type cannot hold it. */
function parquetValue(cell: Cell, type: ColumnType): unknown {
  if (type === 'text' || type === 'json') return cellText(cell);
  if (type === 'boolean') return cell;
  if (type === 'number') {
    const number = numberOf(cell);
    return number !== undefined && Number.isFinite(number) ? number : undefined;
  }
  const whole = wholeNumberOf(cell);
  return whole !== undefined && whole >= INT64.least && whole <= INT64.most ? whole : undefined;
}
