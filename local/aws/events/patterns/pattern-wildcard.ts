import { ANY_TEXT, matchesPattern, type WildcardPattern } from '../../protocol/wildcard.ts';
import type { Refuse } from './pattern-refusal.ts';

/** Compiles the operand of `wildcard`: `*` stands for any characters, `\*` for an asterisk, `\\` for a backslash. */
export function compileWildcard(operand: unknown, refuse: Refuse): (value: unknown) => boolean {
  if (typeof operand !== 'string') throw refuse('wildcard match pattern must be a string');
  const pattern = parse(operand, refuse);
  return (value) => typeof value === 'string' && matchesPattern(pattern, value);
}

function parse(operand: string, refuse: Refuse): WildcardPattern {
  const pieces = operand.match(/\\[\s\S]|[\s\S]/g) ?? [];
  return pieces.map((piece, at) => {
    if (piece === '*' && pieces[at - 1] === '*') {
      throw refuse('Consecutive wildcard characters are not allowed');
    }
    if (piece.startsWith('\\') && piece !== '\\*' && piece !== '\\\\') {
      throw refuse('Invalid escape character: a backslash may only stand before * or \\');
    }
    return piece === '*' ? ANY_TEXT : piece.slice(-1);
  });
}
