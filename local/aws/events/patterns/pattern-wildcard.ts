import type { Refuse } from './pattern-refusal.ts';

/** Compiles the operand of `wildcard`: `*` stands for any characters, `\*` for an asterisk, `\\` for a backslash. */
export function compileWildcard(operand: unknown, refuse: Refuse): (value: unknown) => boolean {
  if (typeof operand !== 'string') throw refuse('wildcard match pattern must be a string');
  const pieces = operand.match(/\\[\s\S]|\*|[^\\*]+|\\/g) ?? [];
  let source = '';
  let before: string | undefined;
  for (const piece of pieces) {
    if (piece === '*' && before === '*') throw refuse('Consecutive wildcard characters are not allowed');
    if (piece.startsWith('\\') && piece !== '\\*' && piece !== '\\\\') {
      throw refuse('Invalid escape character: a backslash may only stand before * or \\');
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
