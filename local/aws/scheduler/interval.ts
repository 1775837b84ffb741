import { validationError } from '../protocol/aws-error.ts';

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Returns the milliseconds of `rate(5 minutes)`. Throws ValidationException for any other expression. */
export function intervalMs(expression: string): number {
  const [, count, unit = ''] = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined) {
    throw validationError(`The schedule expression ${expression} is not supported here: only rate(…) is.`);
  }
  return Number(count) * unitMs;
}
