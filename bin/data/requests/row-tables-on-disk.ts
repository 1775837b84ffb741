import { createDiskScratch } from '../../../functions/shared/adapters/lambda/disk-scratch.ts';
import type { ScratchFile } from '../../../functions/shared/ports/ports.ts';
import type { RowTables } from '../../../functions/shared/request-file/validate-request-file.ts';

/**
 * Stores row tables in a temporary file, because those of the largest file would take 300 MB of memory. They are read
 * only if ids may be the same.
 */
export class RowTablesOnDisk implements RowTables {
  readonly #file: ScratchFile;
  readonly #places = new Map<number, { readonly from: number; readonly bytes: number }>();
  #end = 0;

  private constructor(file: ScratchFile) {
    this.#file = file;
  }

  static async create(): Promise<RowTablesOnDisk> {
    return new RowTablesOnDisk(await createDiskScratch().open());
  }

  async write(part: number, table: Uint8Array): Promise<void> {
    await this.#file.write(table);
    this.#places.set(part, { from: this.#end, bytes: table.length });
    this.#end += table.length;
  }

  async read(part: number): Promise<Uint8Array> {
    const place = this.#places.get(part);
    if (!place) throw new Error(`Part ${part} has no row table.`);
    const table = new Uint8Array(place.bytes);
    this.#file.read(place.from, table);
    return table;
  }

  async discard(): Promise<void> {
    await this.#file.discard();
  }
}
