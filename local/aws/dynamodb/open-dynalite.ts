/**
 * Dynalite, which reads the description of the table from its disk for each request: half of all its reads. Here it has
 * the descriptions in memory, and only its own writes to them change them. Items are still read from the disk.
 */
import type { Server } from 'node:http';
import { parse } from 'node:url';
import dynalite, { type DynaliteOptions } from 'dynalite';
import database, { type TableDescriptions } from 'dynalite/db/index.js';

/** Returns a DynamoDB server that does not listen. */
export function openDynalite(options: DynaliteOptions): Server {
  endUrlWarnings();
  const { create } = database;
  // Dynalite takes its store from here and shows it to nobody.
  database.create = (given) => {
    const store = create(given);
    keepInMemory(store.tableDb);
    return store;
  };
  try {
    return dynalite(options);
  } finally {
    database.create = create;
  }
}

/**
 * Dynalite calls `url.parse` for each request. Until this process was warned of it once, Node looks through the stack at each
 * call for who is to be warned.
 */
function endUrlWarnings(): void {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  parse('/');
  process.noDeprecation = noDeprecation ?? false;
}

function keepInMemory(tables: TableDescriptions): void {
  const { get, put, del } = tables;
  /** As text, because the callers change what they get. */
  const known = new Map<string, string>();
  let changes = 0;
  const forget = (name: string) => {
    changes += 1;
    known.delete(name);
  };
  tables.get = (name, done) => {
    const text = known.get(name);
    if (text !== undefined) {
      queueMicrotask(() => done(null, JSON.parse(text)));
      return;
    }
    const before = changes;
    get(name, (error, table) => {
      // A description that changed meanwhile may be the old one.
      if (!error && table !== undefined && before === changes) known.set(name, JSON.stringify(table));
      done(error, table);
    });
  };
  tables.put = (name, table, done) => {
    forget(name);
    put(name, table, (error) => {
      forget(name);
      done(error);
    });
  };
  tables.del = (name, done) => {
    forget(name);
    del(name, (error) => {
      forget(name);
      done(error);
    });
  };
}
