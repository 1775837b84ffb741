import type { RowCounts } from '../../functions/shared/contract/events.ts';
import type { Money, MoneyRange } from '../api.ts';

/** Returns `1,234`. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** Returns `1 row` or `1,234 rows`. */
export function counted(count: number, one: string): string {
  return `${grouped(count)} ${count === 1 ? one : one.endsWith('h') ? `${one}es` : `${one}s`}`;
}

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** Returns `950`, `12.3K` or `1.2M`. */
export const rounded = (count: number): string => compact.format(count);

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Returns `517 bytes` or `12.3 MB`, in powers of ten. */
export function bytesText(bytes: number): string {
  const unit = bytes < 1_000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  return unit === 0 ? counted(bytes, 'byte') : `${(bytes / 1_000 ** unit).toFixed(1)} ${UNITS[unit]}`;
}

/** Returns `42 %`. What runs is never shown as done, nor as not begun. */
export function percent(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %';
  return `${Math.floor(100 * share)} %`;
}

/** Returns `$12.34` or `$0.0026`: as many decimals as the first two digits need. */
export function moneyText({ amount, currency }: Money): string {
  if (amount === null) return 'unknown';
  const size = Math.abs(amount);
  const digits = size >= 1 || size === 0 ? 2 : Math.min(12, Math.max(4, 1 - Math.floor(Math.log10(size))));
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(amount);
}

/** Returns the likely cost of an estimate: `≈ $0.82`. */
export function likelyText({ likely, currency }: MoneyRange): string {
  return likely === null ? 'unknown' : `≈ ${moneyText({ amount: likely, currency })}`;
}

/** Returns the range of an estimate: `$0.61 to $1.40`. */
export function rangeText({ low, high, currency }: MoneyRange): string {
  if (low === null) return 'the price of a model is unknown';
  const from = moneyText({ amount: low, currency });
  return high === null ? `${from} or more` : `${from} to ${moneyText({ amount: high, currency })}`;
}

/** How many rows did not succeed. */
export const unsuccessful = ({ total, succeeded }: RowCounts): number => total - succeeded;
