/**
 * A job's results as one flat table: one row for each request, in the order of the request file. `docs/data.md` has the
 * columns.
 *
 * A value that does not fit its column is a misfit: its cell is empty, and it is counted and listed. A text with half of
 * a surrogate pair, which UTF-8 cannot hold, is one, too; its cell has U+FFFD in that place.
 */

import { decimalOf } from '../domain/money/amount.ts';
import type { Prices } from '../domain/money/prices.ts';
import { NO_TOKENS } from '../domain/money/token-counts.ts';
import type { ColumnType, FlatCounts, Misfit } from '../domain/results/flat-results.ts';
import { rowErrorIn } from '../result-lines/result-line.ts';
import { hasFields, type RowTokens, tokensIn } from '../result-lines/row-tokens.ts';
import { type Cell, isOfType } from './answer-columns.ts';
import type { AnswerShape } from './answer-shape.ts';
import type { Asked } from './asked.ts';
import { parseExact } from './exact-json.ts';
import { type Given, givenIn, vectorsIn } from './given.ts';

/** A column of the table. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** The result line of a request, in one of the job's two files: its text, and what that contains. */
export interface FoundResult {
  readonly text: string;
  readonly parsed: Record<string, unknown>;
  readonly succeeded: boolean;
}

const FIRST_MISFITS = 10;
const MAX_NAME = 64; // characters of a name in a misfit

const NOT_FOUND = { code: 'no_result', message: 'neither result file has a line for this request' };

/** Columns that every table has: before the answer, and after it. */
const ID_COLUMN: Column = { name: 'custom_id', type: 'text' };
const FACTS = [
  { name: 'outcome', type: 'text' },
  { name: 'refusal', type: 'text' },
  { name: 'finish_reason', type: 'text' },
  { name: 'error_code', type: 'text' },
  { name: 'error_message', type: 'text' },
  { name: 'model', type: 'text' },
  { name: 'input_tokens', type: 'integer' },
  { name: 'cached_input_tokens', type: 'integer' },
  { name: 'output_tokens', type: 'integer' },
  { name: 'cost', type: 'number' },
] as const satisfies readonly Column[];

/** Columns that a table has only if requests ask for such answers. */
const TEXT: Column = { name: 'answer', type: 'text' };
const VECTORS: Column = { name: 'embedding', type: 'json' };
const TOOL_CALLS: Column = { name: 'tool_calls', type: 'json' };

const RESERVED = [ID_COLUMN, ...FACTS, TEXT, VECTORS, TOOL_CALLS].map(({ name }) => name);

export const NO_COUNTS: FlatCounts = {
  rows: 0,
  succeeded: 0,
  misfits: { count: 0, first: [] },
  rowsWithMoreAnswers: 0,
};

/** Makes the rows of one table. */
export class FlatTable {
  readonly columns: readonly Column[];
  readonly counts: FlatCounts;
  readonly #shape: AnswerShape;
  /** The names of the properties of answers, in the order of their columns. */
  readonly #properties: readonly string[];
  readonly #names: readonly string[];
  readonly #prices: Pick<Prices, 'costOf' | 'of'>;

  /** `counts`: what an earlier invocation has counted. */
  constructor(
    shape: AnswerShape,
    prices: Pick<Prices, 'costOf' | 'of'>,
    counts: FlatCounts = structuredClone(NO_COUNTS),
  ) {
    this.#shape = shape;
    this.#prices = prices;
    this.counts = counts;
    this.#properties = [...shape.columns.keys()];
    this.#names = distinctNames(this.#properties, 'answer_', RESERVED);
    const answers = [...shape.columns.values()].map((type, at) => ({ name: this.#names[at] ?? '', type }));
    this.columns = [
      ...[ID_COLUMN, ...answers],
      ...(shape.hasText ? [TEXT] : []),
      ...(shape.hasVectors ? [VECTORS] : []),
      ...(shape.hasTools ? [TOOL_CALLS] : []),
      ...FACTS,
    ];
  }

  /** Returns the cells of the next row. `result`: undefined if the request has no line. */
  row(asked: Asked, result: FoundResult | undefined): Cell[] {
    this.counts.rows += 1;
    const { parsed: line = {} } = result ?? {};
    const response = hasFields(line.response) ? line.response : {};
    const given = result?.succeeded ? givenIn(response.body, result.text) : undefined;
    if (given) this.counts.succeeded += 1;
    if (given && given.choices > 1) this.counts.rowsWithMoreAnswers += 1;
    const cells: Cell[] = [asked.customId];
    this.#addAnswer(cells, asked, given);
    if (this.#shape.hasText) cells.push(asked.answer === 'text' ? (given?.text ?? null) : null);
    if (this.#shape.hasVectors) cells.push(this.#vectors(asked, given && result));
    const toolCalls = given?.toolCalls ?? null;
    if (this.#shape.hasTools) cells.push(toolCalls);
    else if (toolCalls)
      this.misfit({ customId: asked.customId, reason: 'the table has no column for calls of tools' });
    this.#addFacts(cells, given, line);
    return this.#wellFormed(asked, cells);
  }

  /** Counts a value without a place, which the caller leaves empty. */
  misfit({ customId, column, reason }: Misfit): void {
    const { misfits } = this.counts;
    misfits.count += 1;
    if (misfits.first.length >= FIRST_MISFITS) return;
    misfits.first.push({ customId, ...(column === undefined ? {} : { column: shortened(column) }), reason });
  }

  #addAnswer(cells: Cell[], asked: Asked, given: Given | undefined): void {
    const answer = given && asked.columns ? this.#objectIn(asked, given) : undefined;
    for (const [at, property] of this.#properties.entries())
      cells.push(answer ? this.#property(asked, answer, { property, column: this.#names[at] ?? '' }) : null);
    for (const property of Object.keys(answer ?? {}))
      if (!(asked.columns?.has(property) && this.#shape.columns.has(property)))
        this.misfit({
          customId: asked.customId,
          reason: `the table has no column for "${shortened(property)}"`,
        });
  }

  /** Returns the object that the schema describes; undefined if the answer is none, which is a misfit unless it has to be so. */
  #objectIn({ customId }: Asked, given: Given): Record<string, unknown> | undefined {
    const { refusal, toolCalls, finishReason } = given;
    const text = given.isWholeBody ? null : given.text;
    if (text === null && (refusal ?? toolCalls) !== null) return undefined;
    const end = finishReason === null ? '' : ` (finish reason: ${shortened(finishReason)})`;
    if (text === null) {
      this.misfit({ customId, reason: `the answer has no text${end}` });
      return undefined;
    }
    let answer: unknown;
    try {
      answer = parseExact(text);
    } catch {
      if (refusal === null) this.misfit({ customId, reason: `the answer is not JSON${end}` });
      return undefined;
    }
    if (hasFields(answer) && !Array.isArray(answer) && !JSON.isRawJSON(answer)) return answer;
    this.misfit({ customId, reason: `the answer is ${kindOf(answer)}, not an object` });
    return undefined;
  }

  #property(
    { customId, columns }: Asked,
    answer: Record<string, unknown>,
    { property, column }: { property: string; column: string },
  ): Cell {
    const asked = columns?.get(property);
    if (!asked) return null;
    if (!Object.hasOwn(answer, property)) {
      if (!asked.mayBeAbsent) this.misfit({ customId, column, reason: 'is missing' });
      return null;
    }
    const value = answer[property];
    if (value === null) {
      if (!asked.mayBeNull) this.misfit({ customId, column, reason: 'is null' });
      return null;
    }
    if (isOfType(value, asked.type))
      // The column may have other types in other rows, so a text is told from them as JSON does.
      return typeof value === 'string' && this.#shape.columns.get(property) === 'json'
        ? JSON.rawJSON(JSON.stringify(value))
        : value;
    this.misfit({ customId, column, reason: `is ${kindOf(value)}, not ${KINDS[asked.type]}` });
    return null;
  }

  #vectors({ answer, customId }: Asked, result: FoundResult | undefined): Cell {
    if (answer !== 'vectors' || !result) return null;
    const vectors = vectorsIn(result.text);
    if (vectors === null) this.misfit({ customId, column: VECTORS.name, reason: 'is missing' });
    return vectors;
  }

  #addFacts(cells: Cell[], given: Given | undefined, line: Record<string, unknown>): void {
    const isFound = line.custom_id !== undefined;
    const error = given ? undefined : isFound ? rowErrorIn(line) : NOT_FOUND;
    const tokens = tokensIn(line.response);
    cells.push(given ? 'succeeded' : 'failed', given?.refusal ?? null, given?.finishReason ?? null);
    cells.push(error?.code ?? null, error?.message ?? null, modelIn(line.response));
    cells.push(tokens?.input ?? null, tokens?.cachedInput ?? null, tokens?.output ?? null);
    cells.push(tokens ? this.#costOf(tokens) : null);
  }

  #costOf({ model, ...tokens }: RowTokens): Cell {
    if (model === undefined) return null;
    const above = this.#prices.of(model)?.long?.above;
    const isLong = above !== undefined && tokens.input > above;
    const counted = { rows: 1, ...tokens };
    const cost = this.#prices.costOf(
      isLong ? { model, ...NO_TOKENS, rows: 0, long: counted } : { model, ...counted },
    );
    return cost ? JSON.rawJSON(decimalOf(cost.paid)) : null;
  }

  #wellFormed({ customId }: Asked, cells: Cell[]): Cell[] {
    for (const [at, cell] of cells.entries()) {
      if (typeof cell !== 'string' || cell.isWellFormed()) continue;
      cells[at] = cell.toWellFormed();
      const column = this.columns[at]?.name ?? '';
      this.misfit({ customId, column, reason: 'has half of a surrogate pair; U+FFFD replaces it' });
    }
    return cells;
  }
}

/**
 * Returns a name for each of these columns that no other column has, also when capitals do not count, as in SQL. A name
 * that is taken, or empty, gets the prefix.
 */
export function distinctNames(names: readonly string[], prefix: string, taken: readonly string[]): string[] {
  const used = new Set(taken.map((name) => name.toLowerCase()));
  return names.map((wanted) => {
    let name = wanted.toWellFormed();
    while (name === '' || used.has(name.toLowerCase())) name = prefix + name;
    used.add(name.toLowerCase());
    return name;
  });
}

const KINDS: Readonly<Record<ColumnType, string>> = {
  text: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  json: 'JSON',
};

/** Users and models choose names; those in the ledger must not fill its item. */
function shortened(name: string): string {
  return name.slice(0, MAX_NAME).toWellFormed();
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const type = (['text', 'integer', 'number', 'boolean'] as const).find((each) => isOfType(value, each));
  return type === undefined ? 'an object' : KINDS[type];
}

function modelIn(response: unknown): string | null {
  const body = hasFields(response) && hasFields(response.body) ? response.body : {};
  return typeof body.model === 'string' ? body.model : null;
}
