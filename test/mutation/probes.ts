import type { Node } from 'oxc-parser';
import { isMath } from './operators.ts';
import { childrenOf, type Place } from './syntax.ts';

/**
 * Where to ask whether a mutant can show. A pure expression is worked out as it is and as its mutant and the two are
 * compared: `<=` in the place of `<` shows only where both sides are equal. Anywhere else, being reached is enough.
 */
export interface Probe {
  start: number;
  end: number;
  kind: 'pure' | 'expression' | 'statement';
}

interface Probed {
  id: number;
  probe: Probe;
  replacement: string;
}

const IMPURE = /^(Call|New|Await|Yield|Assignment|Update|TaggedTemplate|Import)Expression$/;

export function probeAt({ node, around }: Place): Probe {
  if (node.type.endsWith('Statement')) return { start: node.start, end: node.end, kind: 'statement' };
  if (isPure(node)) return { start: node.start, end: node.end, kind: 'pure' };
  const { start, end } = chainOf(node, around);
  return { start, end, kind: 'expression' };
}

/** The source with all these probes in it; probe-answers.ts defines what they call. */
export function withProbes(source: string, mutants: readonly Probed[]): string {
  const outerFirst = mutants.toSorted(
    (a, b) => a.probe.start - b.probe.start || b.probe.end - a.probe.end || a.id - b.id,
  );
  const opening = new Map<number, string>();
  const closing = new Map<number, string>();
  for (const mutant of outerFirst) {
    const [before, after] = textOf(mutant);
    const { start, end } = mutant.probe;
    opening.set(start, (opening.get(start) ?? '') + before);
    closing.set(end, after + (closing.get(end) ?? ''));
  }
  const cuts = [...new Set([0, ...opening.keys(), ...closing.keys(), source.length])].sort((a, b) => a - b);
  const piece = (at: number, nth: number) =>
    (closing.get(at) ?? '') + (opening.get(at) ?? '') + source.slice(at, cuts[nth + 1]);
  return cuts.map(piece).join('');
}

function textOf({ id, probe, replacement }: Probed): [before: string, after: string] {
  switch (probe.kind) {
    case 'pure':
      return [`(mutantProbe.compared(${id}, () => (`, `), () => (${replacement})))`];
    case 'expression':
      return [`(mutantProbe.reached(${id}), `, ')'];
    case 'statement':
      return [`{ mutantProbe.reached(${id}); `, ' }'];
  }
}

/** Can be worked out twice. */
function isPure(node: Node): boolean {
  const isMathCall =
    node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && isMath(node.callee.object);
  if (IMPURE.test(node.type) && !isMathCall) return false;
  if (node.type === 'UnaryExpression' && node.operator === 'delete') return false;
  return childrenOf(node).every(isPure);
}

/** The whole of `a?.b.c()`: parentheses around a part of it would end what `?.` skips. */
function chainOf(node: Node, around: readonly Node[]): Node {
  const parent = around.at(-1);
  if (parent === undefined) return node;
  const continues =
    parent.type === 'ChainExpression' ||
    (parent.type === 'MemberExpression' && parent.object === node) ||
    (parent.type === 'CallExpression' && parent.callee === node);
  return continues ? chainOf(parent, around.slice(0, -1)) : node;
}
