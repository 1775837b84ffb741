declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Directory of the LevelDB store. */
    path: string;
    /** How long a table stays in each state, in milliseconds. */
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }

  /** A DynamoDB server that does not listen yet; `close` fails unless it does. */
  export default function dynalite(options: DynaliteOptions): Server;
}
