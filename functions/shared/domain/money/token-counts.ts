/**
 * Tokens of rows, summed by model: what is billed. The API counts cached input and cache writes as input, too, and
 * reasoning as output.
 */

/** The tokens of one row, or of several rows of one model. */
export interface TokenCounts {
  input: number;
  /** Of the input: read from the vendor's cache. */
  cachedInput: number;
  /** Of the input: written to the vendor's cache. */
  cacheWrites: number;
  output: number;
  /** Of the output. */
  reasoning: number;
  /** Of the input or output: audio or images, which have prices of their own. */
  media: number;
}

/** The tokens of rows of one model. Rows with a long input are priced apart (`prices.ts`). */
export interface ModelTokens extends TokenCounts {
  /** As the result lines name it. */
  model: string;
  /** How many rows report these tokens. */
  rows: number;
  /** Rows whose input is above the model's threshold for a long input, which are not counted above. */
  long?: TokenCounts & { rows: number };
}

/** All counts of tokens, none of them left out of a sum. */
export const NO_TOKENS: Readonly<TokenCounts> = {
  input: 0,
  cachedInput: 0,
  cacheWrites: 0,
  output: 0,
  reasoning: 0,
  media: 0,
};

/** How many models are told apart: an API that names another one in each row would fill the ledger's item. */
export const MAX_MODELS = 20;

/** The name that stands for all further models. It has no price. */
export const OTHER_MODELS = '(other models)';

/** Sums the tokens of rows by model. */
export class TokenSums {
  readonly #models = new Map<string, ModelTokens>();

  /** Counts one row that the API billed. `longAbove`: the model's threshold for a long input, in tokens. */
  addRow(model: string, tokens: TokenCounts, longAbove: number | undefined): void {
    const sum = this.#of(model);
    if (longAbove === undefined || tokens.input <= longAbove) addTo(sum, tokens, 1);
    else {
      sum.long ??= { rows: 0, ...NO_TOKENS };
      addTo(sum.long, tokens, 1);
    }
  }

  /** Adds sums, for example those of another part. */
  add(sums: readonly ModelTokens[]): void {
    for (const { model, rows, long, ...tokens } of sums) {
      const sum = this.#of(model);
      addTo(sum, tokens, rows);
      if (!long) continue;
      sum.long ??= { rows: 0, ...NO_TOKENS };
      addTo(sum.long, long, long.rows);
    }
  }

  /** By model, in alphabetical order. */
  get sums(): ModelTokens[] {
    return [...this.#models.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
  }

  #of(model: string): ModelTokens {
    const known = this.#models.get(model);
    if (known) return known;
    if (this.#models.size >= MAX_MODELS && model !== OTHER_MODELS) return this.#of(OTHER_MODELS);
    const sum = { model, rows: 0, ...NO_TOKENS };
    this.#models.set(model, sum);
    return sum;
  }
}

function addTo(sum: TokenCounts & { rows: number }, tokens: TokenCounts, rows: number): void {
  sum.rows += rows;
  sum.input += tokens.input;
  sum.cachedInput += tokens.cachedInput;
  sum.cacheWrites += tokens.cacheWrites;
  sum.output += tokens.output;
  sum.reasoning += tokens.reasoning;
  sum.media += tokens.media;
}
