import type { Construct } from 'constructs';

/** Throws an Error with all problems, one per line, each after the path of the construct. */
export function refuse(scope: Construct, problems: Iterable<string>, id?: string): void {
  const path = id === undefined ? scope.node.path : `${scope.node.path}/${id}`;
  const lines = [...problems].map((problem) => `${path}: ${problem}`);
  if (lines.length > 0) throw new Error(lines.join('\n'));
}
