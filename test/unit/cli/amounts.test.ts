import { expect, it } from 'vitest';
import { grouped } from '../../../bin/terminal/amounts.ts';
import { moneyShown } from '../../../bin/terminal/money.ts';

it.each([
  0, 7, 42, 999, 1000, 9_999, 10_000, 999_999, 1_000_000, 1_234_567, 12_345_678_901, -5, -999, -1000,
  -1_234_567,
])('a count is grouped as in English: %d', (count) => {
  expect(grouped(count)).toBe(count.toLocaleString('en-US'));
});

it.each([
  ['0', '$0.00'],
  ['0.0026', '$0.0026'],
  ['0.5', '$0.50'],
  ['0.25001', '$0.25'],
  ['0.00012345', '$0.00012'],
  ['0.0000000314', '$0.000000031'],
  ['0.000000000001', '$0.000000000001'],
  ['0.0000000000001', '$0.00'],
  ['1', '$1.00'],
  ['1.005', '$1.00'],
  ['12.345678', '$12.35'],
  ['999.999', '$1,000.00'],
  ['1234567.891', '$1,234,567.89'],
  ['-1234.5', '-$1,234.50'],
  ['-0.0001', '-$0.0001'],
])('an amount of %s dollars is shown as %s', (decimal, shown) => {
  expect(moneyShown(decimal, 'USD')).toBe(shown);
});

it('an amount has the sign or the code of its currency', () => {
  expect(moneyShown('3', 'EUR')).toBe('€3.00');
  expect(moneyShown('3000', 'CHF')).toBe('CHF 3,000.00');
});
