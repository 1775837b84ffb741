declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
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
