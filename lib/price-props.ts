/** Prices of a million tokens of one model, with at most six decimals. */
export interface ModelPriceProps {
  /** Of input that is neither cached nor written to the cache. */
  readonly input: number;
  /**
   * Of input that the API read from its cache.
   * @default - as `input`
   */
  readonly cachedInput?: number | undefined;
  /**
   * Of input that the API wrote to its cache.
   * @default - as `input`
   */
  readonly cacheWrites?: number | undefined;
  /**
   * Of output, reasoning included.
   * @default 0 - the model gives no tokens, as for embeddings
   */
  readonly output?: number | undefined;
}

/** What tokens cost. */
export interface PriceProps {
  /**
   * Currency by ISO 4217. With another one than USD, the prices that Batchdrop comes with do not count.
   * @default 'USD'
   */
  readonly currency?: string | undefined;
  /**
   * Prices by the name of the model as results report it, such as `gpt-4o-mini-2024-07-18`. A name that ends with `*` stands
   * for all names that begin so. A model without a price has the cost null.
   * @default - the list prices that Batchdrop comes with
   */
  readonly models?: { readonly [model: string]: ModelPriceProps } | undefined;
  /**
   * What a batch costs less than the list price, from 0 to 1, in steps of 0.001.
   * @default 0.5
   */
  readonly batchDiscount?: number | undefined;
}
