import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { COSTS_FOLDER } from '../../../functions/shared/contract/result-keys.ts';
import { fileOf, SmallWorld } from '../small-world.ts';

const PAGE = readFileSync(new URL('../../../docs/costs.md', import.meta.url), 'utf8');
const [DEFINITION = '', QUERY = ''] = [...PAGE.matchAll(/```sql\n([^`]|`(?!``))*```/g)].map(([block]) =>
  block.replace(/```(sql\n)?/g, ''),
);

/** The columns of the page's table, in the types of DuckDB. */
function columnsOf(definition: string): string {
  const [, columns = ''] = /\(\n([\s\S]*?)\n\)\nPARTITIONED/.exec(definition) ?? [];
  const typed = columns
    .replace(/decimal\(38,12\)/g, 'DECIMAL(38,12)')
    .replace(/map<string,string>/g, 'MAP(VARCHAR,VARCHAR)')
    .replace(/\bstring\b/g, 'VARCHAR')
    .replace(/\bbigint\b/g, 'BIGINT');
  const nested = typed
    .replace(/array<struct<([^>]*)>>/g, (_, fields: string) => `STRUCT(${fields.replaceAll(':', ' ')})[]`)
    .replace(/struct<([^>]*)>/g, (_, fields: string) => `STRUCT(${fields.replaceAll(':', ' ')})`);
  const names = nested.split(/,\n {2}(?! )/).map((column) => column.trim().replace(/\s+/g, ' '));
  return names.map((column) => column.replace(/^(\S+) (.*)$/, "'$1': '$2'")).join(', ');
}

it("the page's table and query read what jobs cost, as a database does", async () => {
  const world = new SmallWorld();
  await world.drop('a.jsonl', fileOf('r1', 'r2', 'r3'), { 'batch-team': 'search' });
  await world.rest();
  await world.drop('b.jsonl', fileOf('r1'), { 'batch-team': 'ads' });
  await world.drop('c.jsonl', fileOf('r1', 'r2'));
  await world.rest();
  const folder = mkdtempSync(join(tmpdir(), 'costs-'));
  const costs = [...world.results.objects()].filter(([key]) => key.startsWith(COSTS_FOLDER));
  expect(costs).toHaveLength(3);
  for (const [key, { body }] of costs) {
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), body);
  }
  const files = join(folder, COSTS_FOLDER, '*', '*.json');
  const database = await (await DuckDBInstance.create(':memory:')).connect();
  await database.run(
    `CREATE VIEW batchdrop_costs AS SELECT * FROM read_json('${files}', hive_partitioning = true, columns = {${columnsOf(DEFINITION)}})`,
  );
  const rows = (await database.runAndReadAll(QUERY)).getRowObjectsJson();
  // 10 tokens in and 5 out for each row, at half of $0.15 and $0.60 for a million.
  expect(rows.map(({ team, paid }) => [team, paid])).toEqual([
    ['ads', '0.000002250000'],
    ['search', '0.000006750000'],
    [null, '0.000004500000'],
  ]);
  const models = await database.runAndReadAll(
    'SELECT m.model, sum(m.rows)::INT AS rows FROM batchdrop_costs, unnest(models) AS t(m) GROUP BY 1',
  );
  expect(models.getRowObjectsJson()).toEqual([{ model: 'gpt-4o-mini', rows: 6 }]);
});
