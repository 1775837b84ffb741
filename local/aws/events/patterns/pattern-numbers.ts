import type { Refuse } from './pattern-refusal.ts';

const LARGEST = 5e9; // AWS's limit for numeric matching

const COMPARISONS = new Map<unknown, (value: number, bound: number) => boolean>([
  ['=', (value, bound) => value === bound],
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
]);

/** Compiles the operand of `numeric`: one comparison, or a lower and then an upper bound. */
export function compileNumeric(operand: unknown, refuse: Refuse): (value: unknown) => boolean {
  if (!Array.isArray(operand)) throw refuse('Value of numeric must be an array.');
  const terms: unknown[] = operand;
  const [first, lower, second, upper] = terms;
  const comparison = compileComparison(first, lower, refuse);
  if (terms.length <= 2) return (value) => isComparable(value) && comparison(value);
  if (!/^>=?$/.test(String(first))) throw refuse('Too many elements in numeric expression');
  if (!/^<=?$/.test(String(second))) throw refuse(`Bad numeric range operator: ${second}`);
  const upperComparison = compileComparison(second, upper, refuse);
  if (terms.length > 4) throw refuse('Too many terms in numeric range expression');
  if (Number(lower) >= Number(upper)) throw refuse('Bottom must be less than top');
  return (value) => isComparable(value) && comparison(value) && upperComparison(value);
}

/** Throws AWS's error for a number outside the limits. */
export function checkBounds(value: number, refuse: Refuse): void {
  if (Math.abs(value) > LARGEST) throw refuse('Value must be between -5.0E9 and 5.0E9, inclusive');
}

function isComparable(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LARGEST;
}

function compileComparison(operator: unknown, bound: unknown, refuse: Refuse): (value: number) => boolean {
  if (typeof operator !== 'string') throw refuse(`Invalid member in numeric match: ${operator}`);
  const compare = COMPARISONS.get(operator);
  if (compare === undefined) throw refuse(`Unrecognized numeric range operator: ${operator}`);
  if (typeof bound !== 'number')
    throw refuse(`Value of ${operator === '=' ? 'equals' : operator} must be numeric`);
  checkBounds(bound, refuse);
  return (value) => compare(value, bound);
}
