import { AwsError } from '../../protocol/aws-error.ts';
import { compileLeaf, isObject, type Leaf, RESERVED_NAMES } from './pattern-operators.ts';

/** Tests whether an event matches a pattern. */
export type EventMatcher = (event: object) => boolean;

const MAX_PATTERN = 4096; // characters; AWS's limit after a quota increase

/**
 * Compiles an EventBridge event pattern, with every operator of event buses. Throws InvalidEventPatternException, with
 * AWS's reason, for a pattern that AWS rejects. Known gaps: according to its documentation, AWS compares numbers as
 * they are written (300 is not 3.0e2), but here equal numbers match. AWS treats `a.b` and `b` inside `a` as the same
 * field. AWS rejects complex patterns (many wildcards, or more than 1,000 combinations of `$or`), which are accepted
 * here. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function compilePattern(text: string): EventMatcher {
  if (text.length > MAX_PATTERN) throw invalid(`it is longer than ${MAX_PATTERN} characters`);
  const pattern = parseJson(text);
  if (!isObject(pattern)) throw invalid('Filter is not an object');
  const matches = compileObject(pattern, []);
  return (event) => matches(event, event);
}

/** Tests an event against one object of the pattern; `node` is its counterpart in the event, `event` the whole event. */
type NodeMatcher = (node: unknown, event: unknown) => boolean;

function compileObject(pattern: object, path: readonly string[]): NodeMatcher {
  const fields = Object.entries(pattern);
  if (fields.length === 0) throw invalid('Empty objects are not allowed');
  const matchers = fields.map(([name, value]) =>
    name === '$or' && isAlternatives(value) ? compileOr(value, path) : compileField(name, value, path),
  );
  return (node, event) => matchers.every((matches) => matches(node, event));
}

/** Returns whether `$or` is the operator. Otherwise it is a field with that name, as before AWS had the operator. */
function isAlternatives(value: unknown): value is object[] {
  return (
    Array.isArray(value) &&
    value.length >= 2 &&
    value.every((each) => isObject(each) && !Object.keys(each).some((name) => RESERVED_NAMES.has(name)))
  );
}

function compileOr(alternatives: readonly object[], path: readonly string[]): NodeMatcher {
  const matchers = alternatives.map((alternative) => compileObject(alternative, path));
  return (node, event) => matchers.some((matches) => matches(node, event));
}

function compileField(name: string, value: unknown, parentPath: readonly string[]): NodeMatcher {
  const path = [...parentPath, name];
  if (Array.isArray(value)) {
    if (value.length === 0) throw invalid(`Empty arrays are not allowed (${path.join('.')})`);
    const leaves = value.map((leaf) => compileLeaf(leaf, invalid));
    return (node, event) => leaves.some((leaf) => leafMatches(leaf, node, event, path));
  }
  if (!isObject(value)) throw invalid(`"${name}" must be an object or an array`);
  const matches = compileObject(value, path);
  // In an array of objects, a single element must match the whole nested pattern. A missing value is also tested
  // against the nested pattern, because `exists: false` may match it.
  return (node, event) => {
    const elements = fieldValues(node, name).filter(isObject);
    return elements.length === 0 ? matches({}, event) : elements.some((element) => matches(element, event));
  };
}

function leafMatches(leaf: Leaf, node: unknown, event: unknown, path: readonly string[]): boolean {
  // Absence refers to the whole event, not to the current array element.
  if (leaf === 'absent') return path.reduce(descend, [event]).filter(isScalar).length === 0;
  const name = path.at(-1) ?? '';
  return fieldValues(node, name).filter(isScalar).some(leaf);
}

function descend(nodes: unknown[], name: string): unknown[] {
  return nodes.flatMap((node) => fieldValues(node, name));
}

/** Returns the values of the field `name` in `node`, with arrays flattened. */
function fieldValues(node: unknown, name: string): unknown[] {
  if (!isObject(node) || !Object.hasOwn(node, name)) return [];
  const value: unknown = Reflect.get(node, name);
  return Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
}

function isScalar(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`it is not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}.`);
}
