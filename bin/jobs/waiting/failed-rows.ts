import { InvalidArgumentError } from 'commander';
import type { RowCounts } from '../../../functions/shared/contract/events.ts';

/** How many rows may fail: a number of rows, or a share of all rows, from 0 to 1. */
export type MaxFailed = { readonly rows: number } | { readonly share: number };

/** Parses `5` or `2.5%`. */
export function parseMaxFailed(value: string): MaxFailed {
  const [, number = '', percent = ''] = /^(\d+(?:\.\d+)?)(%?)$/.exec(value) ?? [];
  if (percent === '%' && Number(number) <= 100) return { share: Number(number) / 100 };
  if (percent === '' && /^\d+$/.test(number)) return { rows: Number(number) };
  throw new InvalidArgumentError('Give a number of rows such as 5, or a share of all rows such as 2.5%.');
}

/** Returns how many rows did not succeed, whatever their outcome. */
export function unsuccessful({ total, succeeded }: RowCounts): number {
  return total - succeeded;
}

/** Returns whether more rows did not succeed than allowed. */
export function areTooMany(rows: RowCounts, allowed: MaxFailed): boolean {
  return unsuccessful(rows) > ('rows' in allowed ? allowed.rows : allowed.share * rows.total);
}
