import { type Node, parseSync, visitorKeys } from 'oxc-parser';

/** A node that runs, what stands around it (the nearest last), and the text of any stretch of its file. */
export interface Place {
  node: Node;
  around: readonly Node[];
  text: (stretch: { start: number; end: number }) => string;
}

/** Every node that runs, in the order of the source: none of types and imports. */
export function placesOf(file: string, source: string): Place[] {
  const { program, errors } = parseSync(file, source);
  if (errors[0]) throw new Error(`parse ${file}: ${errors[0].message}`);
  const text: Place['text'] = ({ start, end }) => source.slice(start, end);
  const within = (node: Node, around: readonly Node[]): Place[] => [
    { node, around, text },
    ...childrenOf(node).flatMap((child) => within(child, [...around, node])),
  ];
  return within(program, []);
}

export function childrenOf(node: Node): Node[] {
  return (visitorKeys[node.type] ?? [])
    .flatMap((key): unknown => node[key as keyof Node])
    .filter(isNode)
    .filter(runs);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function runs({ type }: Node): boolean {
  if (type === 'ImportDeclaration') return false;
  return !type.startsWith('TS') || /^TS(As|Satisfies|NonNull)Expression$/.test(type);
}
