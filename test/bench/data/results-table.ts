/**
 * Writes the results of generated jobs as tables: `node test/bench/data/results-table.ts` measures each case in a process
 * of its own, and prints rows per second and peak memory. With a case and a number of rows, it runs that case.
 *
 * The three files of a job are generated while they are read, at about a microsecond for each line: the figures are those
 * of the command without the download.
 */
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { JoinedRows } from '../../../bin/data/results/joined-rows.ts';
import { resultsTable } from '../../../bin/data/results/results-table.ts';
import { TABLE_FORMATS, type TableFormat } from '../../../bin/data/results/table-formats.ts';
import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import { inChildWith, report } from '../in-child.ts';

const ROWS = 1_000_000;
const FILE = fileURLToPath(import.meta.url);
const HEAP = '--max-old-space-size=512'; // a table of any size must be written with it
const CASES = [...TABLE_FORMATS, 'joined', 'joined-backwards'] as const;
const CHUNK = 256 * 1024;

const PROPERTIES = {
  mood: { type: 'string', enum: ['good', 'bad', 'mixed'] },
  stars: { type: 'integer' },
  score: { type: 'number' },
  topics: { type: 'array', items: { type: 'string' } },
  summary: { type: 'string' },
};
const SCHEMA = {
  type: 'object',
  properties: PROPERTIES,
  required: Object.keys(PROPERTIES),
  additionalProperties: false,
};

async function measureAll(rows: string): Promise<void> {
  for (const name of CASES) {
    const { ms, rssMb, counts } = await inChildWith([HEAP], FILE, name, rows);
    const perSecond = Math.round(((counts.rows ?? 0) / ms) * 1000).toLocaleString('en-US');
    const megabytes = Math.round((counts.bytes ?? 0) / 1e6);
    console.log(
      `results --format ${name}: ${perSecond} rows/s, ${Math.round(rssMb)} MB at most, ${megabytes} MB written`,
    );
  }
}

async function run(name: (typeof CASES)[number], count: number): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-bench-'));
  try {
    const format: TableFormat = name === 'parquet' || name === 'jsonl' ? name : 'csv';
    const joined = name.startsWith('joined')
      ? await joinWith(join(folder, 'reviews.csv'), count, name === 'joined-backwards')
      : undefined;
    const files = {
      requests: () => linesOf(count, requestLine),
      results: () => ({ output: linesOf(count, resultLine), errors: linesOf(0, resultLine) }),
      discard: () => undefined,
    };
    const prices = new PriceList().at(Date.now());
    const table = await resultsTable(files, {
      format,
      forSpreadsheets: false,
      prices,
      ...(joined ? { joined } : {}),
    });
    const to = createWriteStream(join(folder, 'table'));
    await pipeline(Readable.from(table.bytes()), to);
    await joined?.close();
    if (table.counts.misfits.count > 0) throw new Error('the generated answers do not fit');
    return { rows: table.counts.rows, bytes: to.bytesWritten };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function joinWith(file: string, count: number, isBackwards: boolean): Promise<JoinedRows> {
  const lineOf = (at: number) => {
    const row = isBackwards ? count - 1 - at : at;
    return `review-${row},"${'a review, of about a hundred characters '.repeat(2)}",2026-11-29\n`;
  };
  await pipeline(Readable.from(linesOf(count, lineOf, 'id,review,date\n')), createWriteStream(file));
  return JoinedRows.open({ path: file, file }, 'id');
}

async function* linesOf(
  count: number,
  lineOf: (row: number) => string,
  head = '',
): AsyncGenerator<Uint8Array> {
  let text = head;
  for (let row = 0; row < count; row += 1) {
    text += lineOf(row);
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

const [REQUEST_HEAD = '', REQUEST_TAIL = ''] = JSON.stringify({
  custom_id: '#',
  method: 'POST',
  url: '/v1/chat/completions',
  body: {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Classify this review. '.repeat(20) }],
    response_format: { type: 'json_schema', json_schema: { name: 'review', strict: true, schema: SCHEMA } },
  },
}).split('#');

function requestLine(row: number): string {
  return `${REQUEST_HEAD}review-${row}${REQUEST_TAIL}\n`;
}

const ANSWER = {
  mood: 'good',
  stars: 4,
  score: 0.875,
  topics: ['price', 'delivery'],
  summary: 'It says "fine", twice. '.repeat(6),
};
const [RESULT_HEAD = '', RESULT_TAIL = ''] = JSON.stringify({
  id: 'batch_req_6740f8a1b2c3d4e5f6a7b8c9',
  custom_id: '#',
  response: {
    status_code: 200,
    request_id: 'b3f1c2d4e5f60718293a4b5c6d7e8f90',
    body: {
      id: 'chatcmpl-A1b2C3d4E5f6G7h8I9j0',
      object: 'chat.completion',
      created: 1732900000,
      model: 'gpt-4o-mini-2024-07-18',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: JSON.stringify(ANSWER), refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        ...{ prompt_tokens: 212, completion_tokens: 61, total_tokens: 273 },
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      },
      system_fingerprint: 'fp_0ba0d124f1',
    },
  },
  error: null,
}).split('#');

function resultLine(row: number): string {
  return `${RESULT_HEAD}review-${row}${RESULT_TAIL}\n`;
}

const [wanted, rows = String(ROWS)] = process.argv.slice(2);
if (wanted === undefined) await measureAll(rows);
else await report(() => run(CASES.find((each) => each === wanted) ?? 'csv', Number(rows)));
