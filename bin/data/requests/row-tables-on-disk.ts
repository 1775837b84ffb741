import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RowTables } from '../../../functions/shared/request-file/validate-request-file.ts';

/**
 * Stores row tables in a temporary file, because those of the largest file would take 300 MB of memory. They are read
 * only if ids may be the same.
 */
export class RowTablesOnDisk implements RowTables {
  readonly #directory: string;
  readonly #file: FileHandle;
  readonly #places = new Map<number, { readonly from: number; readonly bytes: number }>();
  #end = 0;

  private constructor(directory: string, file: FileHandle) {
    this.#directory = directory;
    this.#file = file;
  }

  static async create(): Promise<RowTablesOnDisk> {
    const directory = await mkdtemp(join(tmpdir(), 'batchdrop-rows-'));
    const file = await open(join(directory, 'tables'), 'wx+', 0o600);
    await remove(directory); // an open file needs no name, so nothing stays behind if this process is killed
    return new RowTablesOnDisk(directory, file);
  }

  async write(part: number, table: Uint8Array): Promise<void> {
    await this.#file.write(table, 0, table.length, this.#end);
    this.#places.set(part, { from: this.#end, bytes: table.length });
    this.#end += table.length;
  }

  async read(part: number): Promise<Uint8Array> {
    const place = this.#places.get(part);
    if (!place) throw new Error(`Part ${part} has no row table.`);
    const table = new Uint8Array(place.bytes);
    await this.#file.read(table, 0, table.length, place.from);
    return table;
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await remove(this.#directory);
  }
}

/** Windows removes no open file: there, only the second call succeeds. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => {});
}
