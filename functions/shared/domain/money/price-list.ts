import type { ModelPrices, PriceSettings } from '../../contract/price-settings.ts';
import table from './price-table.json' with { type: 'json' };
import { type PricedModel, Prices, type PriceTable, type TokenPrices } from './prices.ts';

/** What a batch costs less than the list price, unless the settings say otherwise: OpenAI's discount. */
const BATCH_DISCOUNT = 0.5;

const NO_DATE = '';

/** The prices of every day: those of the settings, then those of the table that Batchdrop comes with, which is read on first use. */
export class PriceList {
  readonly #settings: PriceSettings;
  #tables: readonly PriceTable[] | undefined;
  readonly #days = new Map<string, Prices>();

  constructor(settings: PriceSettings = {}) {
    this.#settings = settings;
  }

  /** Returns the prices at a time, in milliseconds: those of its day in UTC. */
  at(time: number): Prices {
    const day = new Date(time).toISOString().slice(0, 10);
    const { batchDiscount = BATCH_DISCOUNT } = this.#settings;
    this.#tables ??= tablesOf(this.#settings);
    const known = this.#days.get(day) ?? new Prices(this.#tables, time, batchDiscount);
    if (this.#days.size > MAX_DAYS) this.#days.clear();
    this.#days.set(day, known);
    return known;
  }
}

const MAX_DAYS = 10;

function tablesOf({ currency = table.currency, models = {} }: PriceSettings): PriceTable[] {
  const own = { currency, date: NO_DATE, source: 'the settings', models: pricedModels(models) };
  return [own, ...[table].filter((one) => one.currency === currency)];
}

function pricedModels(models: NonNullable<PriceSettings['models']>): PricedModel[] {
  return Object.entries(models).map(([name, prices]) => ({
    ...(name.endsWith('*') ? { ids: [], prefixes: [name.slice(0, -1)] } : { ids: [name] }),
    prices: [tokenPrices(prices)],
  }));
}

function tokenPrices({ input, ...others }: ModelPrices): TokenPrices {
  const decimals = Object.entries(others).flatMap(([kind, price]) =>
    price === undefined ? [] : [[kind, decimal(price)]],
  );
  return { input: decimal(input), ...Object.fromEntries(decimals) };
}

function decimal(price: number): string {
  return price.toFixed(6);
}
