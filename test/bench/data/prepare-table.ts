/**
 * Makes request files from generated data: `node test/bench/data/prepare-table.ts` measures each case in a process of its
 * own, and prints rows per second and peak memory. With a number, that many rows. `npm run bench:data` measures
 * `results --format` as well.
 *
 * A row has an id, a product, stars, and a text of 20 to 240 characters: three of ten are in quotes with quotes and a line
 * feed in them, and one of ten has characters beyond ASCII. A request has 500 to 700 bytes. All that `batchdrop prepare`
 * does is measured, from the data on the disk to the request file under its name; `csv-parse alone` only reads.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse';
import { withOutput } from '../../../bin/data/output/fail-on-signal.ts';
import { openFileOutput } from '../../../bin/data/output/file-output.ts';
import { prepareRequests } from '../../../bin/data/requests/prepare-requests.ts';
import { RequestLines } from '../../../bin/data/requests/request-lines.ts';
import { readRequestShape } from '../../../bin/data/requests/request-shape.ts';
import { openTable, TABLE_FORMATS, type TableFormat } from '../../../bin/data/tables/open-table.ts';
import { inChildWith, report } from '../in-child.ts';

const ROWS = 1_000_000;
const FILE = fileURLToPath(import.meta.url);
const HEAP = '--max-old-space-size=256'; // data of any size must be prepared with it
const ORACLE = 'csv-parse';
const CHUNK = 256 * 1024;

const TEMPLATE = {
  model: 'gpt-4o-mini',
  max_tokens: 60,
  messages: [
    {
      role: 'system',
      content:
        'You classify product reviews. Say how the customer feels, how sure you are, and which topics come up.',
    },
    { role: 'user', content: 'Product: {{product}} ({{stars}} stars)\n\n{{text}}' },
  ],
};
const SCHEMA = {
  type: 'object',
  properties: { mood: { type: 'string', enum: ['good', 'bad', 'mixed'] }, sure: { type: 'number' } },
  required: ['mood', 'sure'],
  additionalProperties: false,
};

async function measureAll(rows: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));
  try {
    await writeData(folder, rows);
    for (const format of [...TABLE_FORMATS, ORACLE]) {
      const { ms, cpuMs, rssMb, counts } = await inChildWith([HEAP], FILE, format, folder);
      const perSecond = (milliseconds: number) =>
        Math.round((rows / milliseconds) * 1000).toLocaleString('en-US');
      const written = counts.bytes === undefined ? '' : `, ${Math.round(counts.bytes / 1e6)} MB written`;
      const what = format === ORACLE ? 'csv-parse alone' : `prepare from ${format}`;
      console.log(
        `${what}: ${perSecond(ms)} rows/s (${perSecond(cpuMs)} per second of CPU), ${Math.round(rssMb)} MB at most${written}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeData(folder: string, rows: number): Promise<void> {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('template.json'), JSON.stringify(TEMPLATE));
  writeFileSync(at('schema.json'), JSON.stringify(SCHEMA));
  await pipeline(Readable.from(csvOf(rows)), createWriteStream(at('data.csv')));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const all = `(FROM read_csv('${at('data.csv')}', all_varchar = true))`;
  await connection.run(`COPY ${all} TO '${at('data.tsv')}' (FORMAT csv, DELIMITER '\t')`);
  await connection.run(`COPY ${all} TO '${at('data.jsonl')}' (FORMAT json)`);
  await connection.run(`COPY ${all} TO '${at('data.parquet')}' (FORMAT parquet)`);
}

async function run(format: TableFormat, folder: string): Promise<Record<string, number>> {
  const at = (name: string) => join(folder, name);
  const file = at(`data.${format}`);
  const shape = await readRequestShape({ template: at('template.json'), schema: at('schema.json') });
  const table = await openTable({ path: file, file });
  const lines = new RequestLines({ ...shape, id: 'id', readFile: (name) => name });
  const open = () => openFileOutput(at('requests.jsonl'), [file]);
  const { rows, bytes } = await withOutput(open, (output) => prepareRequests(table, lines, output));
  return { rows, bytes };
}

/** Reads the CSV file with csv-parse, in the way that costs it least. */
async function runOracle(folder: string): Promise<Record<string, number>> {
  let rows = 0;
  const parser = parse({
    on_record: () => {
      rows += 1;
      return null;
    },
  });
  await pipeline(createReadStream(join(folder, 'data.csv'), { highWaterMark: CHUNK }), parser.resume());
  return { rows };
}

const WORDS =
  'the lamp is bright and the battery lasts long but it arrived late with a scratch on the box so I sent it back'.split(
    ' ',
  );

function* csvOf(rows: number): Generator<Buffer> {
  let text = 'id,product,stars,text\r\n';
  for (let row = 0; row < rows; row += 1) {
    text += `review-${String(row).padStart(8, '0')},Lamp ${row % 97},${1 + (row % 5)},${textOf(row)}\r\n`;
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function textOf(row: number): string {
  const words = Array.from({ length: 5 + ((row * 7) % 45) }, (_, at) => WORDS[(row + at * 3) % WORDS.length]);
  const text = words.join(' ');
  if (row % 10 < 3) return `"He said ""${text}"",\nand meant it"`;
  return row % 10 === 3 ? `${text} – größer als 日本語` : text;
}

const [wanted = String(ROWS), folder] = process.argv.slice(2);
if (folder === undefined) await measureAll(Number(wanted));
else if (wanted === ORACLE) await report(() => runOracle(folder));
else await report(() => run(TABLE_FORMATS.find((each) => each === wanted) ?? 'csv', folder));
