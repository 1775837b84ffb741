import { PriceList } from '../../../functions/shared/domain/money/price-list.ts';
import type { Prices } from '../../../functions/shared/domain/money/prices.ts';
import type { Cell } from '../../../functions/shared/flat-results/answer-columns.ts';
import { AnswerShape } from '../../../functions/shared/flat-results/answer-shape.ts';
import { RequestReader } from '../../../functions/shared/flat-results/asked.ts';
import { FlatTable } from '../../../functions/shared/flat-results/flat-table.ts';
import { OrderedResults } from '../../../functions/shared/flat-results/ordered-results.ts';

/** A request of chat completions; with a schema, if one is given. */
export function chatRequest(customId: string, schema?: object, more: object = {}): object {
  const format = schema && { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
  const body = {
    model: 'gpt-4o-mini',
    messages: [],
    ...(format ? { response_format: format } : {}),
    ...more,
  };
  return { custom_id: customId, method: 'POST', url: '/v1/chat/completions', body };
}

/** A schema of an object with these properties, all of them required. */
export function schemaOf(properties: Record<string, object>): object {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** The result of a request whose model answered with this text. */
export function chatResult(customId: string, content: string | null, more: object = {}): object {
  const message = { role: 'assistant', content, refusal: null, ...more };
  return resultOf(customId, {
    object: 'chat.completion',
    model: 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  });
}

/** The result line of a response with this body. */
export function resultOf(customId: string, body: unknown, status = 200): object {
  const response = { status_code: status, request_id: 'req_1', body };
  return { id: `batch_req_${customId}`, custom_id: customId, response, error: null };
}

/** A file of these lines; a text is a line as it is. */
export function linesOf(lines: readonly (object | string)[]): Buffer {
  return Buffer.from(
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
}

/** The three files of a job. */
export interface SampleFiles {
  requests: readonly (object | string)[];
  output?: readonly (object | string)[];
  errors?: readonly (object | string)[];
  /** Default: the list prices. */
  prices?: Prices;
}

/** Returns the table of the files, with its rows as objects by column. */
export async function tableOf(files: SampleFiles) {
  const shape = new AnswerShape();
  const reader = new RequestReader();
  for (const line of linesOf(files.requests).toString().trimEnd().split('\n')) shape.add(reader.read(line));
  const table = new FlatTable(shape, files.prices ?? new PriceList().at(Date.UTC(2026, 10, 29)));
  const cells: Cell[][] = [];
  const results = new OrderedResults({
    requests: inChunks(linesOf(files.requests)),
    output: inChunks(linesOf(files.output ?? [])),
    errors: inChunks(linesOf(files.errors ?? [])),
  });
  for await (const rows of results.rows())
    for (const { asked, result } of rows) cells.push(table.row(asked, result));
  const names = table.columns.map(({ name }) => name);
  const rows = cells.map((row) => Object.fromEntries(row.map((cell, at) => [names[at] ?? '', cell])));
  return { table, names, cells, rows, misfits: table.counts.misfits };
}

/** Yields the bytes in pieces that end within lines and characters. */
async function* inChunks(bytes: Buffer, size = 97): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
