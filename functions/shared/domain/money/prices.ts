/**
 * What tokens cost. A model that no price table knows has no price: its cost is unknown, and never guessed.
 */
import { type Amount, amountOf } from './amount.ts';
import type { ModelTokens, TokenCounts } from './token-counts.ts';

/** List prices of a million tokens, as decimal numbers of the table's currency: `0.15`. At most six decimals. */
export interface TokenPrices {
  readonly input: string;
  /** Default: as other input. */
  readonly cachedInput?: string;
  /** Default: as other input. */
  readonly cacheWrites?: string;
  /** Absent where a model gives no tokens, as for embeddings. */
  readonly output?: string;
}

/** The prices of a model from a day on. */
export interface DatedPrices extends TokenPrices {
  /** The first day, in UTC: `2026-08-21`. Absent: from the beginning. */
  readonly from?: string;
  /** The prices of a request whose input has more than `above` tokens. */
  readonly long?: TokenPrices & { readonly above: number };
}

/** A model, or several of the same price. */
export interface PricedModel {
  readonly ids: readonly string[];
  /** Names that begin so belong to it, too, unless another entry has the whole name or a longer beginning. */
  readonly prefixes?: readonly string[];
  /** Oldest first. */
  readonly prices: readonly DatedPrices[];
}

/** Prices with their currency, and where they come from. */
export interface PriceTable {
  readonly currency: string;
  /** When the prices were taken from the source: `2026-11-29`. */
  readonly date: string;
  readonly source: string;
  readonly models: readonly PricedModel[];
}

/** What tokens cost: without the batch discount, and with it. */
export interface Cost {
  readonly list: Amount;
  readonly paid: Amount;
}

/** Per mille of the list price that a batch costs less. */
const BASE = 1_000n;

const MILLION = 1_000_000n;

/** The prices of all models on one day. */
export class Prices {
  readonly #tables: readonly PriceTable[];
  readonly #day: string;
  readonly #discount: bigint;
  readonly #found = new Map<string, DatedPrices | undefined>();

  /**
   * `tables`: the first one that knows a model counts. `at`: the day, in milliseconds. `discount`: what a batch costs less
   * than the list price, from 0 to 1, in steps of 0.001.
   */
  constructor(tables: readonly PriceTable[], at: number, discount: number) {
    this.#tables = tables;
    this.#day = new Date(at).toISOString().slice(0, 10);
    this.#discount = BigInt(Math.round(discount * Number(BASE)));
  }

  /** ISO 4217. All tables have the same. */
  get currency(): string {
    return this.#tables[0]?.currency ?? 'USD';
  }

  /** What a batch costs less than the list price, from 0 to 1. */
  get discount(): number {
    return Number(this.#discount) / Number(BASE);
  }

  /**
   * Returns since when the model has its price, or else when its table was taken from the source: `2026-11-29`; empty for a
   * price of the settings, undefined when no table knows the model.
   */
  dateOf(model: string): string | undefined {
    const prices = this.of(model);
    return prices && (prices.from ?? this.#tables.find((table) => pricedModel(table, model))?.date);
  }

  /** Returns the model's list prices; undefined when no table knows it. */
  of(model: string): DatedPrices | undefined {
    if (this.#found.has(model)) return this.#found.get(model);
    let found: PricedModel | undefined;
    for (const table of this.#tables) found ??= pricedModel(table, model);
    const prices = found?.prices.findLast(({ from }) => from === undefined || from <= this.#day);
    this.#found.set(model, prices);
    return prices;
  }

  /** Returns what the tokens of one model cost; undefined when no table knows the model, or the price of its media. */
  costOf({ model, long, ...tokens }: ModelTokens): Cost | undefined {
    const prices = this.of(model);
    if (!prices || tokens.media > 0 || (long?.media ?? 0) > 0) return undefined;
    const list = listPrice(tokens, prices) + (long ? listPrice(long, prices.long ?? prices) : 0n);
    return { list, paid: rounded(list * (BASE - this.#discount), BASE) };
  }
}

function listPrice(tokens: TokenCounts, prices: TokenPrices): Amount {
  const { input, cachedInput, cacheWrites, output } = tokens;
  const of = (count: number, price: string) => BigInt(count) * perMillion(price);
  const millions =
    of(Math.max(0, input - cachedInput - cacheWrites), prices.input) +
    of(cachedInput, prices.cachedInput ?? prices.input) +
    of(cacheWrites, prices.cacheWrites ?? prices.input) +
    of(output, prices.output ?? '0');
  return rounded(millions, MILLION);
}

/** The amounts of the prices that were used, because an admission computes the cost of each waiting part. */
const AMOUNTS = new Map<string, Amount>();

function perMillion(price: string): Amount {
  const amount = AMOUNTS.get(price) ?? amountOf(price);
  if (amount === undefined) throw new Error(`"${price}" is no price`);
  AMOUNTS.set(price, amount);
  return amount;
}

/** Half a unit is rounded up. */
function rounded(amount: bigint, divisor: bigint): bigint {
  return (2n * amount + divisor) / (2n * divisor);
}

/** The whole name counts first, then the longest beginning. */
function pricedModel({ models }: PriceTable, model: string): PricedModel | undefined {
  const exact = models.find(({ ids }) => ids.includes(model));
  if (exact) return exact;
  let longest = { length: 0, priced: undefined as PricedModel | undefined };
  for (const priced of models)
    for (const prefix of priced.prefixes ?? [])
      if (model.startsWith(prefix) && prefix.length > longest.length)
        longest = { length: prefix.length, priced };
  return longest.priced;
}
