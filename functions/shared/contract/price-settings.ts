/** Prices of your own: the prop `prices`, and the file of `--prices`. They win over the table that Batchdrop comes with. */

/** Prices of a million tokens, in the currency of the settings, with at most six decimals. */
export interface ModelPrices {
  readonly input: number;
  /** Default: as other input. */
  readonly cachedInput?: number | undefined;
  /** Default: as other input. */
  readonly cacheWrites?: number | undefined;
  /** Default: 0, for models that give no tokens, as for embeddings. */
  readonly output?: number | undefined;
}

/** Prices, and what a batch costs less. */
export interface PriceSettings {
  /** ISO 4217. With another currency than USD, only these prices count. */
  readonly currency?: string | undefined;
  /** By the name of a model, or by the beginning of its name and `*`. */
  readonly models?: { readonly [model: string]: ModelPrices } | undefined;
  /** What a batch costs less than the list price, from 0 to 1, in steps of 0.001. Default: 0.5. */
  readonly batchDiscount?: number | undefined;
}

const KINDS: ReadonlySet<string> = new Set<keyof ModelPrices>([
  'input',
  'cachedInput',
  'cacheWrites',
  'output',
]);
const NAMES: ReadonlySet<string> = new Set<keyof PriceSettings>(['currency', 'models', 'batchDiscount']);

const MAX_PRICE = 1_000_000;
const MAX_MODEL = 100; // characters
/** Together with all else, a function's environment holds 4 KB. */
const MAX_JSON = 2_500;

/** Returns the settings that a JSON text has, or what is wrong with them. */
export function parsePriceSettings(json: string): { settings: PriceSettings } | { problems: string[] } {
  let settings: unknown;
  try {
    settings = JSON.parse(json);
  } catch (failure) {
    return { problems: [`prices are no JSON: ${failure instanceof Error ? failure.message : failure}`] };
  }
  const problems = priceProblems(settings);
  return problems.length > 0 ? { problems } : { settings: settings as PriceSettings };
}

/** What is wrong with the settings: sentences that name the setting, its value and what to set instead. */
export function priceProblems(settings: unknown): string[] {
  const problems = [...fieldProblems(settings)];
  if (problems.length > 0) return problems; // what is in them may not even be JSON
  const { length } = JSON.stringify(settings);
  if (length <= MAX_JSON) return [];
  return [
    `prices take ${length} bytes as JSON; at most ${MAX_JSON} fit into the environment of a function, so name fewer models, or use * for names that begin alike.`,
  ];
}

function* fieldProblems(settings: unknown): Generator<string> {
  if (!hasFields(settings)) {
    yield 'prices are no object; set {"models":{"<model>":{"input":0.15,"output":0.6}}}.';
    return;
  }
  for (const name of Object.keys(settings))
    if (!NAMES.has(name)) yield `prices has the unknown field "${name}"; it may have ${listOf(NAMES)}.`;
  const { currency, models, batchDiscount } = settings;
  if (currency !== undefined && !(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency)))
    yield `prices.currency is ${valueShown(currency)}; set three capital letters, such as USD.`;
  if (batchDiscount !== undefined && !isWithin(batchDiscount, 1, 3))
    yield `prices.batchDiscount is ${valueShown(batchDiscount)}; set a number from 0 to 1 with at most three decimals.`;
  if (models !== undefined && !hasFields(models)) yield 'prices.models is no object; name each model in it.';
  else for (const [model, prices] of Object.entries(models ?? {})) yield* modelProblems(model, prices);
}

function* modelProblems(model: string, prices: unknown): Generator<string> {
  const where = `prices.models["${model}"]`;
  if (model.length > MAX_MODEL || model.replace(/\*$/, '') === '' || model.slice(0, -1).includes('*'))
    yield `${where}: a name has 1 to ${MAX_MODEL} characters, and * only at its end.`;
  if (!hasFields(prices)) {
    yield `${where} is no object; set {"input":0.15,"output":0.6}.`;
    return;
  }
  if (prices.input === undefined) yield `${where} has no input; set the price of a million input tokens.`;
  for (const [kind, price] of Object.entries(prices)) {
    if (!KINDS.has(kind)) yield `${where} has the unknown field "${kind}"; it may have ${listOf(KINDS)}.`;
    else if (price !== undefined && !isWithin(price, MAX_PRICE, 6))
      yield `${where}.${kind} is ${valueShown(price)}; set a number from 0 to ${MAX_PRICE} with at most six decimals.`;
  }
}

/** JSON has no NaN, no large integers, and no way to show what contains itself. */
function valueShown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function isWithin(value: unknown, most: number, decimals: number): boolean {
  if (typeof value !== 'number' || !(value >= 0 && value <= most)) return false;
  return Math.abs(Number(value.toFixed(decimals)) - value) <= Number.EPSILON * value;
}

function hasFields(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]'; // no list, and no map, which JSON has not
}

function listOf(names: ReadonlySet<string>): string {
  return [...names].join(', ');
}
