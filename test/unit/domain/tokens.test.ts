import { expect, it } from 'vitest';
import {
  estimatedTokens,
  type Measured,
  withMeasured,
} from '../../../functions/shared/domain/waiting/tokens.ts';

const MB = 1_000_000;

it('four bytes count as one token until a batch has been measured', () => {
  expect(estimatedTokens(200 * MB)).toBe(50 * MB);
  expect(estimatedTokens(1)).toBe(1);
});

it('one large finished batch corrects the estimate; a tiny one hardly changes it', () => {
  const large = withMeasured(undefined, { bytes: 10 * MB, tokens: 5 * MB });
  expect(estimatedTokens(MB, large)).toBeGreaterThan(0.49 * MB);
  expect(estimatedTokens(MB, large)).toBeLessThan(0.5 * MB);
  const tiny = withMeasured(undefined, { bytes: 1_000, tokens: 500 });
  expect(estimatedTokens(MB, tiny)).toBeLessThan(0.26 * MB);
});

it('older batches count less, and the sums stay small', () => {
  let measured: Measured | undefined;
  for (let n = 0; n < 100; n += 1) measured = withMeasured(measured, { bytes: 200 * MB, tokens: 50 * MB });
  for (let n = 0; n < 10; n += 1) measured = withMeasured(measured, { bytes: 200 * MB, tokens: 100 * MB });
  expect(measured?.bytes).toBeLessThanOrEqual(1_000 * MB);
  expect(estimatedTokens(MB, measured)).toBeGreaterThan(0.43 * MB);
});
