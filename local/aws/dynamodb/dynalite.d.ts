declare module 'dynalite' {
  import type { Server } from 'node:http';

  export interface DynaliteOptions {
    /** Directory of the LevelDB store. */
    path: string;
    /** Duration of each table state, in milliseconds. */
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }

  /** Returns a DynamoDB server that does not listen yet. `close` fails unless the server listens. */
  export default function dynalite(options: DynaliteOptions): Server;
}

declare module 'dynalite/db/index.js' {
  import type { DynaliteOptions } from 'dynalite';

  /** The part of the store that has the descriptions of the tables, by their names. */
  export interface TableDescriptions {
    get(name: string, done: (error: Error | null, table?: unknown) => void): void;
    put(name: string, table: unknown, done: (error: Error | null) => void): void;
    del(name: string, done: (error: Error | null) => void): void;
  }

  const database: {
    create(options: DynaliteOptions): { readonly tableDb: TableDescriptions };
  };
  export default database;
}
