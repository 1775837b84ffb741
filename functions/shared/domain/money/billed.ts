/** What the API billed for rows, as their result lines report it. */
import { type ModelTokens, TokenSums } from './token-counts.ts';

/** The tokens of rows, and how many rows report none. */
export interface Billed {
  tokens: ModelTokens[];
  /** Rows that succeeded, but whose lines report no tokens. */
  rowsWithoutUsage: number;
}

/** Returns what several attempts, or parts, were billed for together. */
export function together(all: readonly Partial<Billed>[]): Billed {
  const sums = new TokenSums();
  let rowsWithoutUsage = 0;
  for (const each of all) {
    sums.add(each.tokens ?? []);
    rowsWithoutUsage += each.rowsWithoutUsage ?? 0;
  }
  return { tokens: sums.sums, rowsWithoutUsage };
}

/** Returns the input and output tokens of all models. */
export function totalTokens({ tokens }: Billed): { input: number; output: number } {
  const total = { input: 0, output: 0 };
  for (const sum of tokens.flatMap(({ long, ...rest }) => (long ? [rest, long] : [rest]))) {
    total.input += sum.input;
    total.output += sum.output;
  }
  return total;
}
