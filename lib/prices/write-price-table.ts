/**
 * npm run prices: writes `functions/shared/domain/money/price-table.json` anew from the table of `@pydantic/genai-prices`
 * (MIT). Update that package first. Prices for other units than tokens of text are left out, and so are models that the
 * table knows by a pattern only.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  type TieredPrices,
} from '@pydantic/genai-prices';
import type { DatedPrices, PricedModel, TokenPrices } from '../../functions/shared/domain/money/prices.ts';

/** Those with a Batch API of OpenAI's form; a name of an earlier one counts where two have it. */
const PROVIDERS = ['openai', 'azure', 'groq', 'mistral', 'together', 'fireworks'];
const UNITS = {
  input: 'input_mtok',
  cachedInput: 'cache_read_mtok',
  cacheWrites: 'cache_write_mtok',
  output: 'output_mtok',
};

const require = createRequire(import.meta.url);
const { version }: { version: string } = JSON.parse(
  readFileSync(require.resolve('@pydantic/genai-prices').replace(/dist\/.*/, 'package.json'), 'utf8'),
);

const known = new Set<string>();
const models = PROVIDERS.flatMap((id) => findProvider({ providerId: id })?.models ?? []).flatMap(pricedModel);
const table = {
  currency: 'USD',
  date: new Date().toISOString().slice(0, 10),
  source: `@pydantic/genai-prices ${version}`,
  models,
};
const file = new URL('../../functions/shared/domain/money/price-table.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(table, null, 1)}\n`);
console.log(`${models.length} prices of ${known.size} names of models, ${table.source}, ${table.date}`);

function pricedModel({ id, match, prices }: ModelInfo): PricedModel[] {
  const names = namesIn(match);
  const ids = names.ids.filter((name) => !known.has(name));
  const prefixes = names.prefixes.filter((name) => !known.has(`${name}*`));
  const dated = datedPrices(id, prices);
  if (ids.length + prefixes.length === 0 || dated.length === 0) return [];
  for (const name of ids) known.add(name);
  for (const name of prefixes) known.add(`${name}*`);
  return [{ ids, ...(prefixes.length > 0 ? { prefixes } : {}), prices: dated }];
}

function namesIn(match: MatchLogic): { ids: string[]; prefixes: string[] } {
  if ('equals' in match) return { ids: [match.equals], prefixes: [] };
  if ('starts_with' in match) return { ids: [], prefixes: [match.starts_with] };
  if (!('or' in match)) return { ids: [], prefixes: [] };
  const parts = match.or.map(namesIn);
  return { ids: parts.flatMap(({ ids }) => ids), prefixes: parts.flatMap(({ prefixes }) => prefixes) };
}

function datedPrices(id: string, prices: ModelInfo['prices']): DatedPrices[] {
  if (!Array.isArray(prices)) return pricesOf(prices);
  if (prices.some(({ constraint }) => constraint?.type === 'time_of_date')) {
    console.log(`left out: ${id}, whose price depends on the time of day`);
    return [];
  }
  return prices.flatMap(({ constraint, prices: from }) =>
    pricesOf(from).map((price) =>
      constraint?.type === 'start_date' ? { from: constraint.start_date, ...price } : price,
    ),
  );
}

/** Nothing for a model that has no price of text tokens. */
function pricesOf(price: ModelPrice): DatedPrices[] {
  const base = tokenPrices(price, (tiers) => tiers.base);
  if (!base) return [];
  const starts = Object.values(price).flatMap((value) =>
    isTiered(value) ? value.tiers.map(({ start }) => start) : [],
  );
  if (starts.length === 0) return [base];
  const above = Math.min(...starts);
  const long = tokenPrices(price, ({ base: usual, tiers }) => tiers.at(-1)?.price ?? usual);
  return [{ ...base, ...(long && { long: { above, ...long } }) }];
}

function tokenPrices(price: ModelPrice, at: (tiers: TieredPrices) => number): TokenPrices | undefined {
  const decimals = Object.entries(UNITS).flatMap(([name, unit]) => {
    const value = price[unit];
    if (value === undefined) return [];
    return [[name, decimal(isTiered(value) ? at(value) : value)]];
  });
  const { input, ...others }: Partial<Record<keyof TokenPrices, string>> = Object.fromEntries(decimals);
  return input === undefined ? undefined : { input, ...others };
}

/** The package's data are plain objects, no instances of its class. */
function isTiered(price: number | TieredPrices | undefined): price is TieredPrices {
  return typeof price === 'object';
}

/** At most six decimals, so that a token costs a whole number of 10⁻¹². */
function decimal(price: number): string {
  return price.toFixed(6).replace(/\.?0+$/, '');
}
