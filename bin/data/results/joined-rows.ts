/**
 * The rows of the user's own file, found by their id: either file may have any order. The rows are in a temporary file on
 * the disk, and the memory has about 30 bytes for each of them. If both files have the same order, no row is searched
 * for.
 */
import { createDiskScratch } from '../../../functions/shared/adapters/lambda/disk-scratch.ts';
import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';
import { parseExact } from '../../../functions/shared/flat-results/exact-json.ts';
import type { ScratchFile } from '../../../functions/shared/ports/ports.ts';
import { hashOf } from '../../../functions/shared/request-file/custom-id-index.ts';
import { Failure } from '../../terminal/failure.ts';
import { columnsOfJsonLines } from '../tables/json-lines-table.ts';
import { openTable, type TableSource } from '../tables/open-table.ts';
import { columnsShown, type Table, type TableRow, textOf } from '../tables/table.ts';

/** How much of the join matched. */
export interface JoinCounts {
  /** The file, as the user named it. */
  readonly file: string;
  readonly rows: number;
  readonly usedRows: number;
  readonly requestsWithoutRow: number;
}

/** A row as it is on the disk. */
type Stored = { line: number; id: string; cells: Cell[] };

const FLUSH_CHARACTERS = 256 * 1024;
const ID_COLUMN = 'custom_id';

export class JoinedRows {
  /** The columns of the file, without one that has the name of the ids in the results. */
  readonly columns: readonly string[];
  readonly #file: string;
  readonly #rows: RowsOnDisk;
  #used = 0;
  #requestsWithoutRow = 0;

  private constructor(file: string, columns: readonly string[], rows: RowsOnDisk) {
    this.#file = file;
    this.columns = columns;
    this.#rows = rows;
  }

  /**
   * Reads the file. `id`: its column with the ids of the requests. Throws a Failure for a row that cannot be read, and for
   * an id that two rows have.
   */
  static async open(source: TableSource, id = ID_COLUMN): Promise<JoinedRows> {
    const { file } = source;
    const table = await openTable(source);
    const all = table.columns ?? (await columnsOfJsonLines(source));
    if (!all.includes(id)) {
      const how = id === ID_COLUMN ? 'Name the column of the ids with --id. ' : '';
      throw new Failure(`${file} has no column ${JSON.stringify(id)}. ${how}${columnsShown(all)}`);
    }
    const twice = all.find((name, at) => all.indexOf(name) !== at);
    if (twice !== undefined)
      throw new Failure(`${file} has two columns ${JSON.stringify(twice)}. Rename one of them.`);
    const columns = all.filter((name) => name !== ID_COLUMN);
    const rows = new RowsOnDisk(await createDiskScratch().open());
    try {
      for await (const block of table.rows([id, ...columns], { mayBeAbsent: true })) {
        for (const row of block) rows.add(readRow(table, row));
        await rows.flush();
      }
      await rows.index((line) => table.placeOf(line));
    } catch (failure) {
      await rows.discard();
      throw failure;
    }
    return new JoinedRows(file, columns, rows);
  }

  /** Returns the cells of the row with this id; empty ones if there is none. */
  take(customId: string): Cell[] {
    const row = this.#rows.find(customId);
    if (row)
      this.#used += 1; // ids are unique in both files
    else this.#requestsWithoutRow += 1;
    return row?.cells ?? this.columns.map(() => null);
  }

  get counts(): JoinCounts {
    return {
      file: this.#file,
      rows: this.#rows.count,
      usedRows: this.#used,
      requestsWithoutRow: this.#requestsWithoutRow,
    };
  }

  async close(): Promise<void> {
    await this.#rows.discard();
  }
}

function readRow(table: Table, row: TableRow): Stored {
  if ('problem' in row) throw new Failure(`${table.placeOf(row.line)}: ${row.problem}`);
  const [id = null, ...cells] = row.cells;
  return {
    line: row.line,
    id: textOf(id),
    cells: cells.map((cell) => (cell === null || typeof cell === 'string' ? cell : cellIn(cell.json))),
  };
}

/** Returns a value of Parquet or JSON Lines, with all digits of its numbers. */
function cellIn(json: string): Cell {
  const value: unknown = parseExact(json);
  return typeof value === 'number' ||
    typeof value === 'boolean' ||
    (typeof value === 'object' && value !== null)
    ? value
    : json;
}

/** Rows in a temporary file, found by the hashes of their ids. */
class RowsOnDisk {
  readonly #scratch: ScratchFile;
  #hashes = new Float64Array(1024);
  /** Where each row begins, and where the last one ends. */
  #starts = new Float64Array(1025);
  /** The rows by hash: their numbers, from 1, each in the first free place from that of its hash. */
  #places = new Uint32Array(0);
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #next = 0;
  count = 0;

  constructor(scratch: ScratchFile) {
    this.#scratch = scratch;
  }

  add({ line, id, cells }: Stored): void {
    if (this.count === this.#hashes.length) this.#grow();
    const bytes = Buffer.from(JSON.stringify([line, id, cells]));
    this.#hashes[this.count] = hashOf(id);
    this.#starts[this.count + 1] = (this.#starts[this.count] ?? 0) + bytes.length;
    this.count += 1;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  async flush(): Promise<void> {
    if (this.#pendingBytes < FLUSH_CHARACTERS) return;
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#scratch.write(Buffer.concat(this.#pending.splice(0)));
    this.#pendingBytes = 0;
  }

  /** Call this after the last row. Throws a Failure if two rows have the same id. */
  async index(placeOf: (line: number) => string): Promise<void> {
    await this.#write();
    this.#places = new Uint32Array(2 ** Math.ceil(Math.log2(2 * this.count + 2)));
    for (let row = 0; row < this.count; row += 1) {
      const place = this.#placeOf(this.#hashes[row] ?? 0, (other) => {
        const [one, same] = [this.#read(other), this.#read(row)];
        if (one.id !== same.id) return false;
        throw new Failure(
          `${placeOf(same.line)}: the id ${JSON.stringify(same.id)} is that of ${placeOf(one.line)}, too. The ids of a join must be unique.`,
        );
      });
      this.#places[place] = row + 1;
    }
  }

  find(id: string): Stored | undefined {
    const next = this.#is(this.#next, id) ? this.#next : undefined;
    const found = next ?? this.#search(id);
    if (found === undefined) return undefined;
    this.#next = found + 1;
    return this.#read(found);
  }

  async discard(): Promise<void> {
    await this.#scratch.discard();
  }

  #search(id: string): number | undefined {
    const place = this.#placeOf(hashOf(id), (row) => this.#read(row).id === id);
    const row = this.#places[place] ?? 0;
    return row === 0 ? undefined : row - 1;
  }

  #is(row: number, id: string): boolean {
    return row < this.count && this.#hashes[row] === hashOf(id) && this.#read(row).id === id;
  }

  /** Returns the place of the row with this hash for which `isIt`; otherwise the free place for such a row. */
  #placeOf(hash: number, isIt: (row: number) => boolean): number {
    const mask = this.#places.length - 1;
    for (let place = (hash >>> 0) & mask; ; place = (place + 1) & mask) {
      const row = (this.#places[place] ?? 0) - 1;
      if (row < 0 || (this.#hashes[row] === hash && isIt(row))) return place;
    }
  }

  #read(row: number): Stored {
    const start = this.#starts[row] ?? 0;
    const bytes = Buffer.allocUnsafe((this.#starts[row + 1] ?? start) - start);
    this.#scratch.read(start, bytes);
    const [line, id, cells] = parseExact(bytes.toString('utf8')) as [number, string, Cell[]];
    return { line, id, cells };
  }

  #grow(): void {
    const hashes = new Float64Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const starts = new Float64Array(2 * this.#starts.length);
    starts.set(this.#starts);
    this.#starts = starts;
  }
}
