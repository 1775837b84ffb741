import type { RowTables } from '../../functions/shared/request-file/validate-request-file.ts';

/** Row tables that tests can read. */
export interface InMemoryRowTables extends RowTables {
  /** By the number of the part. */
  readonly tables: Map<number, Uint8Array>;
}

export function createInMemoryRowTables(): InMemoryRowTables {
  const tables = new Map<number, Uint8Array>();
  return {
    tables,
    async write(part, table) {
      tables.set(part, Uint8Array.from(table));
    },
    async read(part) {
      const table = tables.get(part);
      if (!table) throw new Error(`there is no row table of part ${part}`);
      return table;
    },
  };
}
