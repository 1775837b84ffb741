/**
 * The limits that rows set for their output: `max_tokens`, `max_completion_tokens` and `max_output_tokens`. Each answer of a
 * row may reach the limit, so a row that asks for several answers has a multiple of it.
 */

/** The most output tokens of some rows. */
export interface OutputBounds {
  /** The sum over the rows that have a limit. */
  tokens: number;
  /** The largest of one row. */
  largest: number;
  /** How many rows have no limit. */
  unboundedRows: number;
}

/** The most output tokens of a row without a limit. */
export const UNBOUNDED = Number.POSITIVE_INFINITY;

/** No row has more tokens, so a limit beyond it is no limit. The sum over a whole file then stays exact. */
export const MAX_ROW_TOKENS = 1_000_000_000;

/** Which fields of a row limit its output, and how many answers it asks for. */
export type BoundField =
  | 'max_tokens'
  | 'max_completion_tokens'
  | 'max_output_tokens'
  | 'n'
  | 'best_of'
  | 'prompts';

/** What an endpoint does with these fields. The largest limit counts: vendors differ in which one wins. */
interface EndpointBounds {
  readonly limits: readonly BoundField[];
  /** Their product is the number of answers; of a pair, the larger one counts. */
  readonly answers: readonly (readonly BoundField[])[];
}

const ENDPOINT_BOUNDS: Readonly<Record<string, EndpointBounds>> = {
  '/v1/chat/completions': { limits: ['max_completion_tokens', 'max_tokens'], answers: [['n']] },
  '/v1/completions': { limits: ['max_tokens'], answers: [['n', 'best_of'], ['prompts']] },
  '/v1/responses': { limits: ['max_output_tokens'], answers: [] },
};

/** These bill no output tokens. */
const WITHOUT_OUTPUT: ReadonlySet<string> = new Set(['/v1/embeddings', '/v1/moderations']);

/**
 * Returns the most output tokens of a row of the endpoint, or `UNBOUNDED`. `fieldOf`: the value of a field; undefined if the row
 * has none, or NaN if the value is no number.
 */
export function outputBound(endpoint: string, fieldOf: (field: BoundField) => number | undefined): number {
  if (WITHOUT_OUTPUT.has(endpoint)) return 0;
  const bounds = ENDPOINT_BOUNDS[endpoint];
  if (!bounds) return UNBOUNDED;
  let bound = largest(bounds.limits, fieldOf, 0);
  for (const fields of bounds.answers) bound *= largest(fields, fieldOf, 1);
  return bound >= 1 && bound <= MAX_ROW_TOKENS ? bound : UNBOUNDED;
}

/** Returns the largest value; `otherwise` if there is none. Anything but a whole number from 1 is `UNBOUNDED`. */
function largest(
  fields: readonly BoundField[],
  fieldOf: (field: BoundField) => number | undefined,
  otherwise: number,
): number {
  let most = otherwise;
  for (const field of fields) {
    const value = fieldOf(field);
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1) return UNBOUNDED;
    most = Math.max(most, value);
  }
  return most;
}

/** Returns bounds without rows. */
export function noRows(): OutputBounds {
  return { tokens: 0, largest: 0, unboundedRows: 0 };
}

/** Adds a row whose bound is as `outputBound` returns it. */
export function addBound(bounds: OutputBounds, bound: number): void {
  if (bound === UNBOUNDED) {
    bounds.unboundedRows += 1;
    return;
  }
  bounds.tokens += bound;
  if (bound > bounds.largest) bounds.largest = bound;
}

/** Returns the most output tokens of some of the rows, whichever they are. */
export function boundsOfSome({ tokens, largest, unboundedRows }: OutputBounds, rows: number): OutputBounds {
  return { tokens: Math.min(tokens, largest * rows), largest, unboundedRows: Math.min(unboundedRows, rows) };
}
