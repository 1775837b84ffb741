/**
 * Dynalite with SQLite as its store. LevelDB, its own one, does each of a write's three to five steps in another thread, and
 * stores them one by one.
 */
import type { Server } from 'node:http';
import { parse } from 'node:url';
import dynalite from 'dynalite';
import database, { type Store } from 'dynalite/db/index.js';
import type { Entries } from './entries.ts';

/** Returns a DynamoDB server that does not listen. */
export function openDynalite(entries: Entries): Server {
  endUrlWarnings();
  const { create } = database;
  // Dynalite takes its store from here and shows it to nobody.
  database.create = (options) => withEntries(create(options), entries);
  try {
    return dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
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

function withEntries(store: Store, entries: Entries): Store {
  const itemsOf = (table: string) => `items ${table}`;
  const indexOf = (type: string, table: string, index: string) =>
    `${type.toLowerCase()} index ${table} ${index}`;
  const tagsOf = (table: string) => `tags ${table}`;
  const clear = (section: string, done: (error: unknown) => void) => {
    entries.clear(section);
    done(null);
  };
  Object.assign(store.tableDb, entries.section('tables')); // some of dynalite's functions know this object already
  return Object.assign(store, {
    getItemDb: (table: string) => entries.section(itemsOf(table)),
    getIndexDb: (...names: [string, string, string]) => entries.section(indexOf(...names)),
    getTagDb: (table: string) => entries.section(tagsOf(table)),
    deleteItemDb: (table, done) => clear(itemsOf(table), done),
    deleteIndexDb: (type, table, index, done) => clear(indexOf(type, table, index), done),
    deleteTagDb: (table, done) => clear(tagsOf(table), done),
  } satisfies Partial<Store>);
}
