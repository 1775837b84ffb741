import { parseAddress, parseCidr } from './pattern-addresses.ts';
import { checkBounds, compileNumeric } from './pattern-numbers.ts';
import type { Refuse } from './pattern-refusal.ts';
import { compileWildcard } from './pattern-wildcard.ts';

/** One alternative in a pattern's array: a test of a single value, or the condition that there is no value. */
export type Leaf = Test | 'absent';

type Test = (value: unknown) => boolean;
type Compiler = (operand: unknown, refuse: Refuse) => Leaf;
type Comparison = (text: string, operand: string) => boolean;

const startsWith: Comparison = (text, operand) => text.startsWith(operand);
const endsWith: Comparison = (text, operand) => text.endsWith(operand);
const equals: Comparison = (text, operand) => text === operand;
const inAnyCase =
  (comparison: Comparison): Comparison =>
  (text, operand) =>
    comparison(text.toLowerCase(), operand.toLowerCase());

const OPERATORS = new Map<string, Compiler>([
  ['prefix', (operand, refuse) => compileEnd('prefix', startsWith, operand, refuse)],
  ['suffix', (operand, refuse) => compileEnd('suffix', endsWith, operand, refuse)],
  [
    'equals-ignore-case',
    (operand, refuse) => compileText('equals-ignore-case', inAnyCase(equals), operand, refuse),
  ],
  ['wildcard', compileWildcard],
  ['anything-but', compileAnythingBut],
  ['numeric', compileNumeric],
  ['exists', compileExists],
  ['cidr', compileCidr],
]);

/** The operators allowed in anything-but, each with one operand or a list. */
const EXCLUSIONS = new Map<string, (operand: unknown, refuse: Refuse) => Test>([
  ['prefix', (operand, refuse) => compileText('prefix/suffix', startsWith, filled(operand, refuse), refuse)],
  ['suffix', (operand, refuse) => compileText('prefix/suffix', endsWith, filled(operand, refuse), refuse)],
  [
    'equals-ignore-case',
    (operand, refuse) => compileText('equals-ignore-case', inAnyCase(equals), operand, refuse),
  ],
  ['wildcard', compileWildcard],
]);

/** Names that AWS reserves: an object in `$or` with such a field is not an alternative. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...OPERATORS.keys(),
  ...['=', '<', '<=', '>', '>=', 'exactly', 'regex', 'not-wildcard', 'not-equals-ignore-case', 'date-after'],
  ...['date-on-or-after', 'date-before', 'date-on-or-before', 'in-date-range', 'ip-address-in-range'],
  'ip-address-not-in-range',
]);

/** Compiles one element of a pattern's array. */
export function compileLeaf(leaf: unknown, refuse: Refuse): Leaf {
  if (Array.isArray(leaf)) throw refuse('Match value must be String, number, true, false, or null');
  if (typeof leaf === 'string') return parseAddress(leaf) ?? ((value) => value === leaf);
  if (!isObject(leaf)) return (value) => value === leaf;
  const [name, operand] = onlyEntry(leaf, 'Match expression name not found', refuse);
  const compile = OPERATORS.get(name);
  if (compile === undefined) throw refuse(`Unrecognized match type ${name}`);
  return compile(operand, refuse);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyEntry(matcher: object, whenEmpty: string, refuse: Refuse): [string, unknown] {
  const [entry, ...others] = Object.entries(matcher);
  if (entry === undefined) throw refuse(whenEmpty);
  if (others.length > 0) throw refuse('Only one key allowed in match expression');
  return entry;
}

function compileText(name: string, matches: Comparison, operand: unknown, refuse: Refuse): Test {
  if (typeof operand !== 'string') throw refuse(`${name} match pattern must be a string`);
  return (value) => typeof value === 'string' && matches(value, operand);
}

/** Compiles `prefix` and `suffix`, with or without case sensitivity. */
function compileEnd(name: 'prefix' | 'suffix', matches: Comparison, operand: unknown, refuse: Refuse): Test {
  if (!isObject(operand)) return compileText(name, matches, operand, refuse);
  const [inner, text] = onlyEntry(operand, `${name} expression name not found`, refuse);
  if (inner !== 'equals-ignore-case') throw refuse(`Unsupported ${name} pattern: ${inner}`);
  return compileText(inner, inAnyCase(matches), text, refuse);
}

/** Matches every value of any type that is not excluded. A missing value does not match. */
function compileAnythingBut(operand: unknown, refuse: Refuse): Leaf {
  if (!isObject(operand)) return compileOtherValues(operand, refuse);
  const [name, excluded] = onlyEntry(operand, 'Anything-But expression name not found', refuse);
  const compile = EXCLUSIONS.get(name);
  if (compile === undefined) throw refuse(`Unsupported anything-but pattern: ${name}`);
  const tests = listOf(excluded, refuse).map((each) => compile(each, refuse));
  return (value) => !tests.some((test) => test(value));
}

function compileOtherValues(operand: unknown, refuse: Refuse): Leaf {
  const excluded = listOf(operand, refuse);
  const kinds = new Set(excluded.map((value) => typeof value));
  if ([...kinds].some((kind) => kind !== 'string' && kind !== 'number')) {
    throw refuse('Inside anything but list, start|null|boolean is not supported.');
  }
  if (kinds.size > 1) {
    throw refuse(
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    );
  }
  for (const value of excluded) if (typeof value === 'number') checkBounds(value, refuse);
  return (value) => !excluded.includes(value);
}

/** Returns the operands of anything-but. Throws for an empty list, which would exclude nothing. */
function listOf(operand: unknown, refuse: Refuse): unknown[] {
  const list: unknown[] = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) throw refuse('Inside anything but list, at least one value is needed');
  return list;
}

function filled(operand: unknown, refuse: Refuse): unknown {
  if (operand === '') throw refuse('Null prefix/suffix not allowed');
  return operand;
}

function compileExists(operand: unknown, refuse: Refuse): Leaf {
  if (typeof operand !== 'boolean') throw refuse('exists match pattern must be either true or false.');
  return operand ? () => true : 'absent';
}

function compileCidr(operand: unknown, refuse: Refuse): Leaf {
  if (typeof operand !== 'string') throw refuse('cidr match pattern must be a string');
  const test = parseCidr(operand);
  if (typeof test === 'string') throw refuse(test);
  return test;
}
