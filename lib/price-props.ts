/**
 * Prices of a million tokens of one model, with at most six decimals.
 * @example { input: 0.15, cachedInput: 0.075, output: 0.6 }
 */
export interface ModelPriceProps {
  /**
   * Of input that is neither cached nor written to the cache.
   * @example 0.15
   */
  readonly input: number;
  /**
   * Of input that the API read from its cache.
   * @default - as `input`
   * @example 0.075
   */
  readonly cachedInput?: number | undefined;
  /**
   * Of input that the API wrote to its cache.
   * @default - as `input`
   * @example 0.1875
   */
  readonly cacheWrites?: number | undefined;
  /**
   * Of output, reasoning included.
   * @default 0 - the model gives no tokens, as for embeddings
   * @example 0.6
   */
  readonly output?: number | undefined;
}

/**
 * What tokens cost.
 * @example { currency: 'EUR', models: { 'my-model*': { input: 0.1, output: 0.4 } }, batchDiscount: 0 }
 */
export interface PriceProps {
  /**
   * Currency by ISO 4217. With another one than USD, the prices that Batchdrop comes with do not count.
   * @default 'USD'
   * @example 'EUR'
   */
  readonly currency?: string | undefined;
  /**
   * Prices by the name of the model as results report it, such as `gpt-4o-mini-2024-07-18`. A name that ends with `*` stands
   * for all names that begin so. A model without a price has the cost null.
   * @default - the list prices that Batchdrop comes with
   * @example { 'my-model*': { input: 0.1, output: 0.4 } }
   */
  readonly models?: { readonly [model: string]: ModelPriceProps } | undefined;
  /**
   * What a batch costs less than the list price, from 0 to 1, in steps of 0.001.
   * @default 0.5
   * @example 0.25
   */
  readonly batchDiscount?: number | undefined;
}
