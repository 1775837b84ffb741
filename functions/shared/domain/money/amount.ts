/**
 * Money as a whole number of 10⁻¹² of its currency: a token of an embedding costs less than a millionth of a cent, and sums
 * of floating-point numbers would not be exact.
 */
export type Amount = bigint;

const DECIMALS = 12;
const UNIT = 10n ** BigInt(DECIMALS);
const DECIMAL = /^(\d{1,15})(?:\.(\d{1,12}))?$/;

/** Returns the amount that a decimal number such as `0.15` says; undefined when the text is none, or not exact. */
export function amountOf(decimal: string): Amount | undefined {
  const [, whole, fraction = ''] = DECIMAL.exec(decimal) ?? [];
  return whole === undefined ? undefined : BigInt(whole) * UNIT + BigInt(fraction.padEnd(DECIMALS, '0'));
}

/** Returns the exact decimal number, with two decimals or as many as it needs: `0.15`, `12.00`, `0.0000001`. */
export function decimalOf(amount: Amount): string {
  const [sign, positive] = amount < 0n ? ['-', -amount] : ['', amount];
  const fraction = String(positive % UNIT)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '')
    .padEnd(2, '0');
  return `${sign}${positive / UNIT}.${fraction}`;
}
