import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { JobFiles } from '../../../bin/data/results/job-files.ts';
import { JoinedRows } from '../../../bin/data/results/joined-rows.ts';
import { resultsTable, type TableOptions } from '../../../bin/data/results/results-table.ts';
import { tableReport } from '../../../bin/data/results/table-report.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { chatRequest, chatResult, linesOf, type SampleFiles, schemaOf } from './sample-lines.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'results-table-'));

const REVIEW = schemaOf({
  mood: { type: 'string' },
  stars: { type: 'integer' },
  score: { type: 'number' },
  urgent: { type: 'boolean' },
  tags: { type: 'array' },
});
const ANSWERS = [
  { mood: 'good, "really"', stars: 5, score: 0.25, urgent: true, tags: ['a\n', 'b'] },
  { mood: '=1+1', stars: -3, score: 1e300, urgent: false, tags: [] },
];
const REVIEWS: SampleFiles = {
  requests: [chatRequest('r-0', REVIEW), chatRequest('r-1', REVIEW), chatRequest('r-2', REVIEW)],
  output: ANSWERS.map((answer, at) => chatResult(`r-${at}`, JSON.stringify(answer))),
  errors: [
    { id: null, custom_id: 'r-2', response: null, error: { code: 'batch_expired', message: 'too late' } },
  ],
};

function filesOf({ requests, output = [], errors = [] }: SampleFiles): JobFiles {
  const stream = (lines: SampleFiles['requests']) =>
    (async function* () {
      yield linesOf(lines);
    })();
  return {
    requests: () => stream(requests),
    results: () => ({ output: stream(output), errors: stream(errors) }),
    discard: () => undefined,
  };
}

/** Writes a table as the command does, and returns its path and what the command reports. */
async function written(files: SampleFiles, options: Partial<TableOptions> & Pick<TableOptions, 'format'>) {
  const prices = new PriceList().at(Date.UTC(2026, 10, 29));
  const table = await resultsTable(filesOf(files), { forSpreadsheets: false, prices, ...options });
  const bytes = Buffer.concat(await Array.fromAsync(table.bytes(), (chunk) => Buffer.from(chunk)));
  const path = join(FOLDER, `${Math.random()}.${options.format}`);
  writeFileSync(path, bytes);
  return { path, text: bytes.toString(), report: tableReport(table.counts, options.joined?.counts) };
}

/** Returns rows of a file as another program reads them. */
async function readByDuckDb(query: string) {
  const database = await (await DuckDBInstance.create(':memory:')).connect();
  return (await database.runAndReadAll(query)).getRowObjectsJson();
}

async function joinOf(name: string, content: string, id?: string): Promise<JoinedRows> {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  return JoinedRows.open({ path, file: name }, id);
}

describe('results as one file', () => {
  it('in CSV, JSON Lines and Parquet have the same rows, with types, for a database', async () => {
    const columns = 'custom_id, mood, stars, score, urgent, outcome, error_code, input_tokens';
    const expected = [
      ...ANSWERS.map(({ tags: _tags, ...answer }, at) => ({
        ...{ custom_id: `r-${at}`, ...answer, outcome: 'succeeded', error_code: null, input_tokens: 100 },
      })),
      { custom_id: 'r-2', mood: null, stars: null, error_code: 'batch_expired', input_tokens: null },
    ];
    for (const format of ['csv', 'jsonl', 'parquet'] as const) {
      const { path } = await written(REVIEWS, { format });
      const reader = { csv: 'read_csv', jsonl: 'read_json', parquet: 'read_parquet' }[format];
      const rows = await readByDuckDb(`SELECT ${columns} FROM ${reader}('${path}')`);
      const numbers = rows.map(({ stars, input_tokens: tokens, ...row }) => ({
        ...row,
        stars: stars === null ? null : Number(stars),
        input_tokens: tokens === null ? null : Number(tokens),
      }));
      expect({ format, rows: numbers }).toMatchObject({ format, rows: expected });
    }
  });

  it('in Parquet have the types of the schema, and nested values as JSON texts', async () => {
    const { path } = await written(REVIEWS, { format: 'parquet' });
    const types = await readByDuckDb(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${path}')`,
    );
    expect(Object.fromEntries(types.map((row) => [row.column_name, row.column_type]))).toMatchObject({
      ...{ mood: 'VARCHAR', stars: 'BIGINT', score: 'DOUBLE', urgent: 'BOOLEAN', tags: 'VARCHAR' },
      ...{ input_tokens: 'BIGINT', cost: 'DOUBLE' },
    });
    const [row] = await readByDuckDb(`SELECT tags->>0 AS tag FROM '${path}'`);
    expect(row).toEqual({ tag: 'a\n' });
  });

  it('in Parquet have several row groups when they are many', async () => {
    const ids = Array.from({ length: 51_000 }, (_, at) => `r-${at}`);
    const { path, report } = await written(
      {
        requests: ids.map((id) => chatRequest(id)),
        output: ids.map((id) => chatResult(id, `answer of ${id}`)),
      },
      { format: 'parquet', fields: ['custom_id', 'answer'] },
    );
    expect(report).toEqual(['51,000 rows: 51,000 succeeded, 0 failed.']);
    const [groups] = await readByDuckDb(
      `SELECT count(DISTINCT row_group_id) AS n FROM parquet_metadata('${path}')`,
    );
    expect(Number(groups?.n)).toBe(2);
    const wrong = await readByDuckDb(
      `SELECT custom_id FROM '${path}' WHERE answer <> 'answer of ' || custom_id OR custom_id <> 'r-' || file_row_number`.replace(
        `'${path}'`,
        `read_parquet('${path}', file_row_number = true)`,
      ),
    );
    expect(wrong).toEqual([]);
    expect((await readByDuckDb(`SELECT count(DISTINCT custom_id) AS n FROM '${path}'`))[0]).toEqual({
      n: '51000',
    });
  });

  it('keep whole numbers beyond 2^53 in every format, and list one that Parquet cannot hold', async () => {
    const schema = schemaOf({ n: { type: 'integer' }, x: { type: 'number' } });
    const of = (id: string, n: string) => chatResult(id, `{"n":${n},"x":9007199254740993}`);
    const files = {
      requests: ['a', 'b', 'c'].map((id) => chatRequest(id, schema)),
      output: [of('a', '9007199254740993'), of('b', '-9223372036854775808'), of('c', '9223372036854775808')],
    };
    const numbers = ['9007199254740993', '-9223372036854775808', '9223372036854775808'];
    const { text } = await written(files, { format: 'csv', fields: ['n'] });
    expect(text.trimEnd().split('\n')).toEqual(['n', ...numbers]);
    const { text: lines } = await written(files, { format: 'jsonl', fields: ['n'] });
    expect(lines.trimEnd().split('\n')).toEqual(numbers.map((n) => `{"n":${n}}`));
    const { path, report } = await written(files, { format: 'parquet', fields: ['n'] });
    expect(await readByDuckDb(`SELECT n FROM '${path}'`)).toEqual([
      { n: numbers[0] },
      { n: numbers[1] },
      { n: null },
    ]);
    expect(report).toContain('  c: n is too large for a 64-bit number');
  });

  it('have only the wanted fields, in the wanted order, and say which there are', async () => {
    const { text } = await written(REVIEWS, { format: 'csv', fields: ['stars', 'custom_id'] });
    expect(text).toBe('stars,custom_id\n5,r-0\n-3,r-1\n,r-2\n');
    await expect(written(REVIEWS, { format: 'csv', fields: ['star'] })).rejects.toThrow(
      /^--fields: the table has no column star\. Its columns: custom_id, mood, stars, score, urgent, tags, outcome/,
    );
    const { text: one } = await written(REVIEWS, { format: 'csv', fields: ['mood'] });
    expect(one.endsWith('\n""\n')).toBe(true); // an empty line would be no row
  });

  it('for spreadsheets have no formulas, and their numbers stay numbers', async () => {
    const { text } = await written(REVIEWS, {
      format: 'csv',
      fields: ['mood', 'stars'],
      forSpreadsheets: true,
    });
    expect(text).toBe('mood,stars\n"good, ""really""",5\n\'=1+1,-3\n,\n');
  });
});

describe('results joined with a file', () => {
  it('have its columns after the id, whatever the order of its rows, and count what does not match', async () => {
    const joined = await joinOf('a.csv', 'mood,review\nold,r-1\n"new, ""er""",r-0\nnobody,r-9\n', 'review');
    const { text, report } = await written(REVIEWS, {
      format: 'csv',
      joined,
      fields: ['custom_id', 'input_mood', 'review', 'stars'],
    });
    expect(text).toBe('custom_id,input_mood,review,stars\nr-0,"new, ""er""",r-0,5\nr-1,old,r-1,-3\nr-2,,,\n');
    expect(report.slice(1)).toEqual([
      '1 request has no row in a.csv.',
      '1 row of a.csv match no request, and are not in the table.',
    ]);
    await joined.close();
  });

  it('keep the numbers of JSON Lines, and columns that some of its rows lack', async () => {
    const lines = ['{"custom_id":"r-1","n":9007199254740993}', '{"custom_id":"r-0","list":[1.50],"x":true}'];
    const joined = await joinOf('b.jsonl', `${lines.join('\n')}\n`);
    const { text } = await written(REVIEWS, { format: 'jsonl', joined, fields: ['n', 'list', 'x'] });
    expect(text).toBe(
      '{"n":null,"list":[1.5],"x":true}\n{"n":9007199254740993,"list":null,"x":null}\n{"n":null,"list":null,"x":null}\n',
    );
    await joined.close();
  });

  it.each([
    [
      'no column of ids',
      'x\n1\n',
      undefined,
      /has no column "custom_id"\. Name the column of the ids with --id/,
    ],
    [
      'one id twice',
      'custom_id,x\nr-1,a\nr-0,b\nr-1,c\n',
      undefined,
      /c\.csv:4: the id "r-1" is that of c\.csv:2, too/,
    ],
    [
      'a row that cannot be read',
      'custom_id,x\nr-1\n',
      undefined,
      /c\.csv:2: the row has 1 value for 2 columns/,
    ],
    ['one column twice', 'custom_id,x,x\nr-1,a,b\n', undefined, /has two columns "x"/],
  ])('are refused for a file with %s', async (_name, content, id, message) => {
    await expect(joinOf('c.csv', content, id)).rejects.toThrow(message);
  });

  it('find each of many rows in another order', async () => {
    const ids = Array.from({ length: 5_000 }, (_, at) => `r-${at}`);
    const joined = await joinOf(
      'd.csv',
      `custom_id,word\n${ids
        .toReversed()
        .map((id) => `${id},word of ${id}\n`)
        .join('')}`,
    );
    for (const id of ids) expect(joined.take(id)).toEqual([`word of ${id}`]);
    expect(joined.take('r-5000')).toEqual([null]);
    expect(joined.counts).toEqual({ file: 'd.csv', rows: 5_000, usedRows: 5_000, requestsWithoutRow: 1 });
    await joined.close();
  });
});
