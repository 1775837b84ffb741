/**
 * The tokens that the API billed for the rows of one attempt, as the result lines report them. Each row counts once,
 * whether it succeeded or failed after it ran, and however many lines it has.
 */
import type { Billed } from '../../shared/domain/money/billed.ts';
import type { Prices } from '../../shared/domain/money/prices.ts';
import { TokenSums } from '../../shared/domain/money/token-counts.ts';
import type { RowTokens } from '../../shared/result-lines/row-tokens.ts';

/** Sums the tokens of rows, in the order of their lines. */
export class BilledTokens {
  readonly #model: string;
  readonly #prices: Pick<Prices, 'of'>;
  readonly #sums = new TokenSums();
  /** Of rows that failed: a line that says that the row succeeded may follow. */
  readonly #ofFailedRows = new Map<number, RowTokens>();
  #rowsWithoutUsage = 0;

  /** `model`: that of a line which names none. `prices`: they tell which input is a long one. */
  constructor(model: string, prices: Pick<Prices, 'of'>) {
    this.#model = model;
    this.#prices = prices;
  }

  /** Counts a row whose line says that it succeeded. Call it once for a row. */
  succeeded(row: number, tokens: RowTokens | undefined): void {
    const reported = tokens ?? this.#ofFailedRows.get(row);
    this.#ofFailedRows.delete(row);
    if (reported) this.#add(reported);
    else this.#rowsWithoutUsage += 1;
  }

  /** Notes the tokens of a row that has not succeeded so far. */
  failed(row: number, tokens: RowTokens): void {
    if (!this.#ofFailedRows.has(row)) this.#ofFailedRows.set(row, tokens);
  }

  /** Returns what was billed. Call it once, after all lines. */
  billed(): Billed {
    for (const tokens of this.#ofFailedRows.values()) this.#add(tokens);
    this.#ofFailedRows.clear();
    return { tokens: this.#sums.sums, rowsWithoutUsage: this.#rowsWithoutUsage };
  }

  #add({ model = this.#model, ...tokens }: RowTokens): void {
    this.#sums.addRow(model, tokens, this.#prices.of(model)?.long?.above);
  }
}
