import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable } from '../../../bin/data/tables/open-table.ts';
import { cellsOf, DataFolder, rowsOf } from './data-files.ts';

const folder = new DataFolder();
let database: DuckDBInstance;
let run: (sql: string) => Promise<unknown>;

beforeAll(async () => {
  database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  run = (sql) => connection.run(sql);
});
afterAll(() => {
  database?.closeSync();
  folder.discard();
});

/** Writes the result of a query with DuckDB, and returns the path. */
async function parquet(name: string, query: string, options = ''): Promise<string> {
  const path = `${folder.path}/${name}.parquet`;
  await run(`COPY (${query}) TO '${path}' (FORMAT parquet ${options})`);
  return path;
}

/** Returns the cells of one column. */
async function column(expression: string): Promise<unknown[]> {
  const rows = await cellsOf(await parquet('column', `SELECT * FROM (VALUES ${expression}) AS t(c)`), ['c']);
  return rows.map(([, cells]) => (typeof cells === 'string' ? cells : cells[0]));
}

const json = (text: string) => ({ json: text });

describe('a Parquet file keeps', () => {
  it.each([
    [
      'every digit of integers',
      `(9223372036854775807::BIGINT), (-1), (NULL)`,
      [json('9223372036854775807'), json('-1'), null],
    ],
    ['unsigned integers', `(18446744073709551615::UBIGINT), (0)`, [json('18446744073709551615'), json('0')]],
    [
      'decimals of any width',
      `(-12345678901234567890.123456789::DECIMAL(38, 9)), (0.5), (-0.000000001)`,
      ['-12345678901234567890.123456789', '0.500000000', '-0.000000001'].map(json),
    ],
    ['narrow decimals', `(12.30::DECIMAL(9, 2)), (-0.01)`, ['12.30', '-0.01'].map(json)],
    [
      'doubles, and those that JSON does not have as text',
      `(0.1::DOUBLE), ('NaN'::DOUBLE), (1e300)`,
      [json('0.1'), 'NaN', json('1e+300')],
    ],
    ['booleans', `(true), (false)`, [json('true'), json('false')]],
    [
      'dates',
      `(DATE '2026-11-29'), (DATE '1969-12-31'), (DATE '0044-03-15')`,
      ['2026-11-29', '1969-12-31', '0044-03-15'],
    ],
    [
      'timestamps to the microsecond',
      `(TIMESTAMP '2026-11-29 10:17:00.000001'), (TIMESTAMP '1969-12-31 23:59:59.999999'), (TIMESTAMP '2026-01-01')`,
      ['2026-11-29T10:17:00.000001', '1969-12-31T23:59:59.999999', '2026-01-01T00:00:00'],
    ],
    ['nanoseconds', `(TIMESTAMP_NS '2026-11-29 10:17:00.123456789')`, ['2026-11-29T10:17:00.123456789']],
    ['time zones', `(TIMESTAMPTZ '2026-11-29 10:17:00.5+00')`, ['2026-11-29T10:17:00.500000Z']],
    ['times of day', `(TIME '10:17:00.25'), (TIME '00:00:00')`, ['10:17:00.250000', '00:00:00']],
    ['texts', `('naïve 😀'), (''), (NULL)`, ['naïve 😀', '', null]],
    ['UUIDs', `('00010203-0405-0607-0809-0a0b0c0d0e0f'::UUID)`, ['00010203-0405-0607-0809-0a0b0c0d0e0f']],
    [
      'lists and structs as JSON',
      `({'n': 9007199254740993::BIGINT, 's': ['a"', NULL], 'd': DATE '2026-11-29'})`,
      [json('{"n":9007199254740993,"s":["a\\"",null],"d":"2026-11-29"}')],
    ],
  ])('%s', async (_, values, expected) => {
    expect(await column(values)).toEqual(expected);
  });

  it('JSON columns as they are written', async () => {
    const path = await parquet('json', `SELECT '{"n": 12345678901234567890}'::JSON AS c`);
    expect(await cellsOf(path, ['c'])).toEqual([[1, [json('{"n": 12345678901234567890}')]]]);
  });
});

describe('a Parquet file', () => {
  it.each([
    ['snappy', 70_000],
    ['gzip', 7_000],
    ['zstd', 7_000],
    ['brotli', 7_000],
    ['uncompressed', 70_000],
  ])('is read in several windows and row groups if it is compressed with %s', async (codec, count) => {
    const query = `SELECT i AS id, 'review ' || i AS text FROM range(${count}) t(i)`;
    const path = await parquet(codec, query, `, COMPRESSION ${codec}, ROW_GROUP_SIZE ${count / 2}`);
    const rows = await rowsOf(path, ['text', 'id']);
    expect(rows).toEqual(Array.from({ length: count }, (_, at) => [at + 1, [`review ${at}`, `${at}`]]));
  });

  it('says that it is compressed with LZ4, which is not supported', async () => {
    const path = await parquet('lz4', 'SELECT 1 AS c', ', COMPRESSION lz4_raw');
    await expect(rowsOf(path, ['c'])).rejects.toThrow('is compressed with LZ4');
  });

  it('names the row of a value that is not text', async () => {
    const path = await parquet('blob', `SELECT unnest(['ok'::BLOB, '\\xFF\\x00'::BLOB]) AS c`);
    expect(await rowsOf(path, ['c'])).toEqual([
      [1, ['ok']],
      [2, 'column "c": it is text that is not valid UTF-8'],
    ]);
  });

  it('is refused for what cannot be read exactly', async () => {
    const path = await parquet(
      'nested',
      `SELECT [1.5::DECIMAL(30, 2)] AS d, [TIME '10:17:00'] AS t, 1 AS good`,
    );
    await expect(rowsOf(path, ['d'])).rejects.toThrow(
      'nested.parquet: column "d" has decimals of 30 digits in a list',
    );
    await expect(rowsOf(path, ['t'])).rejects.toThrow('column "t" has times of day in a list');
    expect(await rowsOf(path, ['good'])).toEqual([[1, ['1']]]);
  });

  it('is refused if it is none, or was cut', async () => {
    const text = folder.write('text.parquet', 'a,b\n1,2\n');
    await expect(openTable({ path: text, file: 'text.parquet' })).rejects.toThrow(
      'text.parquet is not a Parquet file.',
    );
    const cut = folder.write('cut.parquet', `PAR1${'x'.repeat(100)}`);
    await expect(openTable({ path: cut, file: 'cut.parquet' })).rejects.toThrow(
      'cut.parquet cannot be read as Parquet',
    );
  });

  it('has its columns in order', async () => {
    const path = await parquet('columns', `SELECT 1 AS b, 2 AS a, 3 AS "x.y"`);
    expect((await openTable({ path, file: path })).columns).toEqual(['b', 'a', 'x.y']);
    expect(await rowsOf(path, ['x.y', 'b'])).toEqual([[1, ['3', '1']]]);
  });
});
