import { grouped } from './amounts.ts';

const SIGNS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£' };

/** `$12.34`, `$0.0026`: a decimal number with at most four decimals, or as many as the first two digits need. */
export function moneyShown(decimal: string, currency: string): string {
  const sign = SIGNS[currency] ?? `${currency} `;
  const value = Number(decimal);
  const digits =
    Math.abs(value) >= 1 || value === 0 ? 2 : Math.max(4, 1 - Math.floor(Math.log10(Math.abs(value))));
  const [whole = '', fraction = ''] = Math.abs(value).toFixed(Math.min(digits, 12)).split('.');
  const decimals = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${value < 0 ? '-' : ''}${sign}${grouped(Number(whole))}.${decimals}`;
}
