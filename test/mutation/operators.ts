import type { CallExpression, Node } from 'oxc-parser';
import type { Place } from './syntax.ts';

/** A small change of a node's text that changes what it does. */
export interface Defect {
  operator: string;
  replacement: string;
}

type Operation = Node & { left: Node; right: Node; operator: string };

const SWAPS = new Map([
  ['<', ['<=', '>=']],
  ['<=', ['<', '>']],
  ['>', ['>=', '<=']],
  ['>=', ['>', '<']],
  ['===', ['!==']],
  ['!==', ['===']],
  ['+', ['-']],
  ['-', ['+']],
  ['+=', ['-=']],
  ['-=', ['+=']],
  ['&&', ['||']],
  ['||', ['&&']],
]);
const OPPOSITES_OF_MATH = new Map([
  ['min', 'max'],
  ['max', 'min'],
]);
const OPPOSITES = new Map([
  ['some', 'every'],
  ['every', 'some'],
]);
const OTHER_TEXT = "'another text'";

/** The defects that can be planted at a place. None in the wording of errors and log lines. */
export function defectsAt(place: Place): Defect[] {
  return isWording(place) ? [] : [...defectsOfNode(place), ...negation(place)];
}

function defectsOfNode(place: Place): Defect[] {
  const { node, text } = place;
  switch (node.type) {
    case 'BinaryExpression':
      return [...swaps(place, node), ...comparedWithOtherText(place, node)];
    case 'LogicalExpression':
      if (node.operator !== '??') return swaps(place, node);
      return [{ operator: '?? dropped', replacement: text(node.left) }];
    case 'AssignmentExpression':
      return swaps(place, node);
    case 'CallExpression':
      return oppositeCall(place, node);
    case 'Literal':
      return otherLiteral(place, node.value);
    case 'ExpressionStatement':
      return isCallOfSuper(node.expression) ? [] : [{ operator: 'statement removed', replacement: ';' }];
    case 'ReturnStatement':
      return isEarly(place) ? [{ operator: 'early return removed', replacement: ';' }] : [];
    default:
      return [];
  }
}

/** The condition of an if, a loop or a `? :`. */
function negation({ node, around, text }: Place): Defect[] {
  const parent = around.at(-1);
  if (parent === undefined || parent.type === 'SwitchCase' || !('test' in parent) || parent.test !== node)
    return [];
  return [{ operator: 'condition negated', replacement: `!(${text(node)})` }];
}

function swaps(place: Place, node: Operation): Defect[] {
  if (node.operator.startsWith('+') && (isText(node.left) || isText(node.right))) return [];
  return (SWAPS.get(node.operator) ?? []).map((operator) => ({
    operator: `${node.operator} → ${operator}`,
    replacement: withOperator(place, node, operator),
  }));
}

/** `&&` binds closer than `||`: parentheses keep everything where it belongs. */
function withOperator({ text }: Place, node: Operation, operator: string): string {
  const isLogical = node.type === 'LogicalExpression';
  const side = (part: Node) => (part.type === 'LogicalExpression' ? `(${text(part)})` : text(part));
  const between = text({ start: node.left.end, end: node.right.start }).replace(node.operator, operator);
  const whole = side(node.left) + between + side(node.right);
  return isLogical ? `(${whole})` : whole;
}

function comparedWithOtherText(place: Place, node: Operation): Defect[] {
  const literal = [node.left, node.right].find((side) => isText(side) && side.type === 'Literal');
  if (literal === undefined || !/^[!=]==$/.test(node.operator)) return [];
  return [{ operator: 'other text', replacement: textWith(place, literal, OTHER_TEXT) }];
}

function oppositeCall(place: Place, { callee }: CallExpression): Defect[] {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return [];
  const { name } = callee.property;
  const opposite = (isMath(callee.object) ? OPPOSITES_OF_MATH : OPPOSITES).get(name);
  if (opposite === undefined) return [];
  return [{ operator: `${name} → ${opposite}`, replacement: textWith(place, callee.property, opposite) }];
}

function otherLiteral({ node, around, text }: Place, value: unknown): Defect[] {
  const parent = around.at(-1);
  if (parent?.type === 'Property' && parent.key === node) return [];
  if (typeof value === 'boolean') return [{ operator: `${value} → ${!value}`, replacement: `${!value}` }];
  if (typeof value === 'number') return [{ operator: 'n → n + 1', replacement: `(${text(node)} + 1)` }];
  if (typeof value === 'string' && parent?.type === 'SwitchCase')
    return [{ operator: 'other text', replacement: OTHER_TEXT }];
  return [];
}

/** The node's text with another in the place of one stretch. */
function textWith({ node, text }: Place, stretch: { start: number; end: number }, other: string): string {
  const before = text({ start: node.start, end: stretch.start });
  return before + other + text({ start: stretch.end, end: node.end });
}

function isText(node: Node): boolean {
  if (node.type === 'BinaryExpression') return isText(node.left) || isText(node.right);
  return node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string');
}

export function isMath(node: Node): boolean {
  return node.type === 'Identifier' && node.name === 'Math';
}

function isCallOfSuper(node: Node): boolean {
  return node.type === 'CallExpression' && node.callee.type === 'Super';
}

/** Within an if, a loop, a try or a switch: without it its function goes on. */
function isEarly({ around }: Place): boolean {
  return around.at(-1)?.type !== 'BlockStatement' || !/Function/.test(around.at(-2)?.type ?? '');
}

function isWording({ around }: Place): boolean {
  const template = around.findLastIndex(({ type }) => type === 'TemplateLiteral');
  return around
    .slice(0, Math.max(0, template))
    .some((node) => node.type === 'ThrowStatement' || isLogCall(node));
}

function isLogCall(node: Node): boolean {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  const { object } = node.callee;
  const log = object.type === 'MemberExpression' ? object.property : object;
  return log.type === 'Identifier' && log.name === 'log';
}
