declare module 'dynalite' {
  import type { Server } from 'node:http';

  export interface DynaliteOptions {
    /** Directory of a LevelDB store. Without it, the store is in memory. */
    path?: string;
    /** Duration of each table state, in milliseconds. */
    createTableMs: number;
    deleteTableMs: number;
    updateTableMs: number;
  }

  /** Returns a DynamoDB server that does not listen yet. */
  export default function dynalite(options: DynaliteOptions): Server;
}

declare module 'dynalite/db/index.js' {
  import type { Readable } from 'node:stream';
  import type { DynaliteOptions } from 'dynalite';

  export type Done<T = void> = (error: unknown, outcome?: T) => void;

  export interface KeyRange {
    gt?: string | undefined;
    gte?: string | undefined;
    lt?: string | undefined;
    lte?: string | undefined;
    reverse?: boolean;
    /** The most entries. All if it is negative or missing. */
    limit?: number;
  }

  /** A part of the store, with JSON values by key. */
  export interface Section {
    get(key: string, done: Done<unknown>): void;
    put(key: string, value: unknown, done: Done): void;
    del(key: string, done: Done): void;
    batch(changes: readonly { type: 'put' | 'del'; key: string; value?: unknown }[], done: Done): void;
    createKeyStream(range?: KeyRange): Readable;
    createValueStream(range?: KeyRange): Readable;
    /** Calls `whenLocked` once it has the lock of the key. `release` returns a callback that also gives the lock back. */
    lock(key: string, whenLocked: (release: <F>(done: F) => F) => void): void;
  }

  /** All parts of the store, and how they are deleted. */
  export interface Store {
    readonly tableDb: Section;
    getItemDb(table: string): Section;
    getIndexDb(type: string, table: string, index: string): Section;
    getTagDb(table: string): Section;
    deleteItemDb(table: string, done: Done): void;
    deleteIndexDb(type: string, table: string, index: string, done: Done): void;
    deleteTagDb(table: string, done: Done): void;
  }

  const database: { create(options: DynaliteOptions): Store };
  export default database;
}
