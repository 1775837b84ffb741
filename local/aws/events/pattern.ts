import { AwsError, validationError } from '../refusal.ts';
import { compileLeaf, isObject, type Leaf } from './pattern-operators.ts';

/** Whether an event matches the pattern it was compiled from. */
export type EventMatcher = (event: object) => boolean;

const LONGEST_PATTERN = 4096; // characters; AWS's limit after the raise that everybody may ask for

/**
 * Compiles an EventBridge event pattern: exact values, nested objects, prefix, suffix, wildcard, equals-ignore-case,
 * anything-but (of values), numeric, exists, `$or`.
 * Throws InvalidEventPatternException for what AWS refuses too, ValidationException naming the operator for what only
 * AWS can do. Known gap: AWS compares numbers as written (300 is not 3.0e2 to it); here equal numbers match.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function compilePattern(text: string): EventMatcher {
  if (text.length > LONGEST_PATTERN) throw invalid(`it is longer than ${LONGEST_PATTERN} characters`);
  const pattern = parseJson(text);
  if (!isObject(pattern)) throw invalid('it must be an object');
  const matches = compileObject(pattern, []);
  return (event) => matches(event, event);
}

/** `node` is where the pattern's object stands in the event, `event` the whole of it. */
type NodeMatcher = (node: unknown, event: unknown) => boolean;

function compileObject(pattern: object, path: readonly string[]): NodeMatcher {
  const fields = Object.entries(pattern);
  if (fields.length === 0) throw invalid('empty objects are not allowed');
  const matchers = fields.map(([name, value]) =>
    name === '$or' ? compileOr(value, path) : compileField(name, value, path),
  );
  return (node, event) => matchers.every((matches) => matches(node, event));
}

function compileOr(alternatives: unknown, path: readonly string[]): NodeMatcher {
  if (!Array.isArray(alternatives) || alternatives.length < 2 || !alternatives.every(isObject)) {
    throw validationError('Event pattern: $or needs an array of at least two objects here.');
  }
  const matchers = alternatives.map((alternative: object) => compileObject(alternative, path));
  return (node, event) => matchers.some((matches) => matches(node, event));
}

function compileField(name: string, value: unknown, parentPath: readonly string[]): NodeMatcher {
  const path = [...parentPath, name];
  if (Array.isArray(value)) {
    if (value.length === 0) throw invalid(`empty arrays are not allowed (${path.join('.')})`);
    const leaves = value.map((leaf) => compileLeaf(leaf, invalid));
    return (node, event) => leaves.some((leaf) => leafMatches(leaf, node, event, path));
  }
  if (!isObject(value)) throw invalid(`"${path.join('.')}" must be an object or an array`);
  const matches = compileObject(value, path);
  // Of an array of objects one single element must satisfy the whole of the nested pattern. Where there is nothing,
  // the nested pattern is held against nothing, which `exists: false` may still match.
  return (node, event) => {
    const elements = fieldValues(node, name).filter(isObject);
    return elements.length === 0 ? matches({}, event) : elements.some((element) => matches(element, event));
  };
}

function leafMatches(leaf: Leaf, node: unknown, event: unknown, path: readonly string[]): boolean {
  // Absence is a statement about the whole event, not about the one array element at hand.
  if (leaf === 'absent') return path.reduce(descend, [event]).filter(isScalar).length === 0;
  const name = path.at(-1) ?? '';
  return fieldValues(node, name).filter(isScalar).some(leaf);
}

function descend(nodes: unknown[], name: string): unknown[] {
  return nodes.flatMap((node) => fieldValues(node, name));
}

/** What stands in the field `name` of `node`, arrays flattened. */
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
