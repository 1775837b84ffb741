/** OpenAI's asynchronous validation of an input file, which reads the file once with bounded memory. */
import { createHash } from 'node:crypto';
import { inputsOf } from '../answers/request-inputs.ts';
import { promptTokens } from '../answers/text-tokens.ts';
import { readLines } from '../files/line-reader.ts';
import type { Limits } from '../limits.ts';
import type { BatchProblem } from './batch-record.ts';
import { isRow, MAX_LINE, parseRow, type RequestRow } from './request-row.ts';
import { fails } from './row-outcome.ts';

export interface ValidInput {
  readonly model: string;
  readonly rows: number;
  readonly promptTokens: number;
  /** Rows (counted from 0) that will fail when run, sorted. */
  readonly failingRows: readonly number[];
}

type Validation = { readonly valid: ValidInput } | { readonly problems: readonly BatchProblem[] };

const MAX_PROBLEMS = 50; // enough to see what is wrong, few enough to keep the batch object readable
const MAX_KEPT_ID = 64; // a longer custom_id is stored as a digest, to limit memory

/**
 * Reads the file until the limit of problems is reached. `models`: the models that exist; null if every model exists.
 */
export async function validateInput(
  path: string,
  endpoint: string,
  limits: Pick<Limits, 'rows' | 'embeddingInputs'>,
  models: readonly string[] | null,
): Promise<Validation> {
  const seen = new InputSoFar(endpoint, models);
  for await (const line of readLines(path, MAX_LINE)) {
    if (line.number > limits.rows) {
      const message = `The file has more than ${limits.rows} requests.`;
      return { problems: [{ code: 'too_many_tasks', message, param: null, line: null }] };
    }
    seen.take(line.bytes, line.number);
    if (seen.embeddingInputs > limits.embeddingInputs) {
      const message = `The requests of the file have more than ${limits.embeddingInputs} embedding inputs.`;
      return { problems: [{ code: 'too_many_tasks', message, param: null, line: null }] };
    }
    if (seen.problems.length === MAX_PROBLEMS) break;
  }
  if (seen.problems.length > 0) return { problems: seen.problems };
  if (seen.model === null) {
    return {
      problems: [{ code: 'empty_file', message: 'The file has no requests.', param: null, line: null }],
    };
  }
  const { model, rows, promptTokens: tokens, failingRows } = seen;
  return { valid: { model, rows, promptTokens: tokens, failingRows } };
}

class InputSoFar {
  readonly #endpoint: string;
  readonly #models: readonly string[] | null;
  readonly #ids = new Set<string>();
  readonly problems: BatchProblem[] = [];
  readonly failingRows: number[] = [];
  model: string | null = null;
  rows = 0;
  promptTokens = 0;
  embeddingInputs = 0;

  constructor(endpoint: string, models: readonly string[] | null) {
    this.#endpoint = endpoint;
    this.#models = models;
  }

  take(bytes: Buffer | null, line: number): void {
    const parsed = parseRow(bytes, this.#endpoint);
    const problem = isRow(parsed) ? this.#conflict(parsed) : parsed;
    if (problem !== null) this.problems.push({ ...problem, line });
    else if (isRow(parsed)) this.#count(parsed);
  }

  /** Returns why a row that is valid by itself is invalid in this file, if so. */
  #conflict(row: RequestRow): Omit<BatchProblem, 'line'> | null {
    const kept =
      row.customId.length <= MAX_KEPT_ID
        ? row.customId
        : createHash('sha512').update(row.customId).digest('base64');
    if (this.#ids.has(kept)) {
      const message = 'The custom_id is not unique: an earlier request in this file has the same one.';
      return { code: 'duplicate_custom_id', message, param: 'custom_id' };
    }
    this.#ids.add(kept);
    if (this.#models !== null && !this.#models.includes(row.model)) {
      const message = 'The provided model does not exist or is not supported by the Batch API.';
      return { code: 'model_not_found', message, param: 'body.model' };
    }
    if (this.model !== null && row.model !== this.model) {
      const message = 'All requests in a file must have the same model.';
      return { code: 'model_mismatch', message, param: 'body.model' };
    }
    return null;
  }

  #count(row: RequestRow): void {
    this.model = row.model;
    if (fails(this.#endpoint, row.body)) this.failingRows.push(this.rows);
    this.rows += 1;
    this.promptTokens += promptTokens(row.body);
    if (this.#endpoint === '/v1/embeddings') this.embeddingInputs += inputsOf(row.body).length;
  }
}
