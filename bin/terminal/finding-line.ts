import { styleText } from 'node:util';
import type { Finding } from '../operations/finding.ts';
import { escapeControlCharacters } from './escape-control-characters.ts';

const MARKS = {
  ok: { text: 'ok    ', color: 'green' },
  note: { text: 'note  ', color: 'yellow' },
  failed: { text: 'FAILED', color: 'red' },
} as const;
const CHECK_WIDTH = 15;

/** Prints the result of a check and, below it, what to do. */
export function printFinding({ check, verdict, found, advice }: Finding): void {
  const { text, color } = MARKS[verdict];
  console.log(`${styleText(color, text)}  ${check.padEnd(CHECK_WIDTH)}  ${escapeControlCharacters(found)}`);
  const indent = ' '.repeat(text.length + 2 + CHECK_WIDTH + 2);
  if (advice !== undefined) console.log(indent + escapeControlCharacters(advice));
}
