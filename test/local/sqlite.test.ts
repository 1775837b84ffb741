import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDiskFull } from '../../local/disk-full.ts';
import { inTransaction, openDatabase } from '../../local/sqlite.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-sqlite-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const SCHEMA = 'CREATE TABLE IF NOT EXISTS items (n INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT';
const open = (name: string) => openDatabase(join(directory, `${name}.sqlite`), SCHEMA);

describe('a database whose disk is full', () => {
  it('contains all writes of each transaction or none, and reports why one failed', () => {
    let run = 0;
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 4 }), {
          maxLength: 12,
        }),
        (transactions) => {
          run += 1;
          const database = open(String(run));
          const { page_count: pages } = Object(database.prepare('PRAGMA page_count').get());
          database.exec(`PRAGMA max_page_count = ${pages + 12}`); // SQLite's own error for a full disk
          const kept: number[] = [];
          for (const sizes of transactions) {
            const rows = () => {
              for (const size of sizes) {
                database.prepare('INSERT INTO items (content) VALUES (?)').run(Buffer.alloc(size));
              }
            };
            try {
              inTransaction(database, rows);
              kept.push(...sizes);
            } catch (error) {
              expect(isDiskFull(error)).toBe(true);
            }
          }
          const stored = database.prepare('SELECT length(content) AS size FROM items ORDER BY n').all();
          expect(stored.map(({ size }) => size)).toEqual(kept);
          database.close();
        },
      ),
      { numRuns: 60, examples: [[[[20_000], [20_000], [20_000, 20_000], [1]]]] },
    );
  });

  it('stores again once there is space', () => {
    const database = open('freed');
    const { page_count: pages } = Object(database.prepare('PRAGMA page_count').get());
    const insert = () =>
      inTransaction(database, () =>
        database.prepare('INSERT INTO items (content) VALUES (?)').run(Buffer.alloc(50_000)),
      );
    database.exec(`PRAGMA max_page_count = ${pages}`);
    expect(insert).toThrow(/full/);
    database.exec('PRAGMA max_page_count = 100000');
    insert();
    expect(database.prepare('SELECT count(*) AS count FROM items').get()).toEqual({ count: 1 });
    database.close();
  });
});

describe('a full disk', () => {
  it.each([
    [Object.assign(new Error('write'), { code: 'ENOSPC' }), true],
    [Object.assign(new Error('write'), { code: 'EDQUOT' }), true],
    [new Error('put failed', { cause: Object.assign(new Error('write'), { code: 'ENOSPC' }) }), true],
    [Object.assign(new Error('write'), { code: 'EACCES' }), false],
    [new Error('full of hope'), false],
    ['ENOSPC', false],
  ])('is the reason for %s: %s', (error, expected) => {
    expect(isDiskFull(error)).toBe(expected);
  });
});
