import { escapeUnprintable } from '../../local/unprintable.ts';

export { printableJson } from '../../local/unprintable.ts';

/**
 * Makes text from others printable on one line: an object key, a message or an argument must not move the cursor, forge
 * a line, or hide part of itself. Every command uses it for all text that it did not write itself.
 */
export function escapeControlCharacters(text: string): string {
  return escapeUnprintable(text);
}
