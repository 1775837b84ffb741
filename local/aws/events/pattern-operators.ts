import { type AwsError, validationError } from '../refusal.ts';

/** One alternative in a pattern's array: a test of a single value, or the demand that there be none. */
export type Leaf = ((value: unknown) => boolean) | 'absent';

type Refuse = (reason: string) => AwsError;
type Compiler = (operand: unknown, refuse: Refuse) => Leaf;

const LARGEST_NUMBER = 5e9; // AWS's bound for numeric matching

const OPERATORS = new Map<string, Compiler>([
  ['prefix', textOperator('prefix', (text, operand) => text.startsWith(operand))],
  ['suffix', textOperator('suffix', (text, operand) => text.endsWith(operand))],
  [
    'equals-ignore-case',
    textOperator('equals-ignore-case', (text, operand) => text.toLowerCase() === operand.toLowerCase()),
  ],
  ['wildcard', compileWildcard],
  ['anything-but', compileAnythingBut],
  ['numeric', compileNumeric],
  ['exists', compileExists],
]);

/** Compiles one element of a pattern's array; `refuse` makes the error for what AWS refuses as well. */
export function compileLeaf(leaf: unknown, refuse: Refuse): Leaf {
  if (Array.isArray(leaf)) throw refuse('an array inside an array is not allowed');
  if (!isObject(leaf)) return (value) => value === leaf;
  const [operator, ...others] = Object.entries(leaf);
  if (operator === undefined) throw refuse('empty objects are not allowed');
  if (others.length > 0) throw refuse('only one key is allowed in a match expression');
  const [name, operand] = operator;
  const compile = OPERATORS.get(name);
  if (compile === undefined) {
    throw validationError(`Event pattern: the operator "${name}" is not implemented by this local endpoint.`);
  }
  return compile(operand, refuse);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOperator(name: string, matches: (text: string, operand: string) => boolean): Compiler {
  return (operand, refuse) => {
    if (isObject(operand)) throw nestedOperator(name, operand);
    if (typeof operand !== 'string') throw refuse(`${name} match pattern must be a string`);
    return (value) => typeof value === 'string' && matches(value, operand);
  };
}

/** `*` is any run of characters, `\*` a star, `\\` a backslash. */
function compileWildcard(operand: unknown, refuse: Refuse): Leaf {
  if (typeof operand !== 'string') throw refuse('wildcard match pattern must be a string');
  const pieces = operand.match(/\\[\s\S]|\*|[^\\*]+|\\/g) ?? [];
  let source = '';
  let before: string | undefined;
  for (const piece of pieces) {
    if (piece === '*' && before === '*') throw refuse('consecutive wildcard characters are not allowed');
    if (piece.startsWith('\\') && piece !== '\\*' && piece !== '\\\\') {
      throw refuse('a backslash may only stand before * or \\ in a wildcard');
    }
    source += piece === '*' ? '[\\s\\S]*' : literal(piece.startsWith('\\') ? piece.slice(1) : piece);
    before = piece;
  }
  const expression = new RegExp(`^${source}$`);
  return (value) => typeof value === 'string' && expression.test(value);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function compileAnythingBut(operand: unknown, refuse: Refuse): Leaf {
  if (isObject(operand)) throw nestedOperator('anything-but', operand);
  const excluded: unknown[] = Array.isArray(operand) ? operand : [operand];
  const kinds = new Set(excluded.map((value) => typeof value));
  if (kinds.size !== 1 || !(kinds.has('string') || kinds.has('number'))) {
    throw refuse('anything-but takes a string, a number, or a list of either');
  }
  return (value) => !excluded.includes(value);
}

function compileExists(operand: unknown, refuse: Refuse): Leaf {
  if (typeof operand !== 'boolean') throw refuse('exists takes true or false');
  return operand ? () => true : 'absent';
}

const COMPARISONS = new Map<unknown, (value: number, bound: number) => boolean>([
  ['=', (value, bound) => value === bound],
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
]);

/** One comparison, or a lower bound and then an upper one. */
function compileNumeric(operand: unknown, refuse: Refuse): Leaf {
  if (!Array.isArray(operand)) throw refuse('numeric takes an array of comparisons');
  const terms: unknown[] = operand;
  const [first, lower, second, upper] = terms;
  const comparison = compileComparison(first, lower, refuse);
  if (terms.length === 2) return (value) => typeof value === 'number' && comparison(value);
  const isRange = /^>=?$/.test(String(first)) && /^<=?$/.test(String(second)) && terms.length === 4;
  if (!isRange) throw refuse('numeric takes one comparison, or a lower bound followed by an upper one');
  const upperComparison = compileComparison(second, upper, refuse);
  if (Number(lower) >= Number(upper))
    throw refuse('the lower bound of a numeric range must be below the upper');
  return (value) => typeof value === 'number' && comparison(value) && upperComparison(value);
}

function compileComparison(operator: unknown, bound: unknown, refuse: Refuse): (value: number) => boolean {
  const compare = COMPARISONS.get(operator);
  if (compare === undefined) throw refuse(`${JSON.stringify(operator)} is not a numeric comparison`);
  if (typeof bound !== 'number' || Math.abs(bound) > LARGEST_NUMBER) {
    throw refuse('numeric compares with numbers from -5.0E9 to 5.0E9');
  }
  return (value) => compare(value, bound);
}

function nestedOperator(outer: string, operand: object): AwsError {
  const inner = Object.keys(operand).join(', ');
  return validationError(
    `Event pattern: "${inner}" inside "${outer}" is not implemented by this local endpoint.`,
  );
}
