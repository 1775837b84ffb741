import { InvalidArgumentError } from 'commander';

/** A duration before now, or a point in time, both in milliseconds. */
export type Since = { readonly backMs: number } | { readonly at: number };

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** Parses `90m`, `24h`, `7d` or an ISO 8601 time. A time without a zone is UTC, like all times in the output. */
export function parseSince(value: string): Since {
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(value) ?? [];
  if (count !== undefined) return { backMs: Number(count) * (UNIT_MS[unit] ?? 0) };
  const zoned = /T.*(Z|[+-]\d{2}:\d{2})$/.test(value) || !value.includes('T') ? value : `${value}Z`;
  const at = ISO.test(value) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(
      'Give minutes, hours or days such as 90m, 24h, 7d, or a time such as 2026-01-31.',
    );
  }
  return { at };
}
