/** Cuts lines to the width of a terminal, so that none wraps. */
import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: colors are what it looks for
const COLOR = /\u001b\[[\d;]*m/y;
const RESET = '\u001b[0m';
/** Characters that take two columns: East Asian ones, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const COMBINING = /\p{M}/u;

/** Returns the line, cut to the width of the terminal. A pipe gets the whole line. */
export function fitted(
  line: string,
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): string {
  return isTTY && columns !== undefined && columns > 0 ? cutTo(line, columns) : line;
}

/** Returns the line, cut to this many columns. A cut line ends with `…`. */
export function cutTo(line: string, columns: number): string {
  let width = 0;
  let lastFit = 0; // where the line is cut if it is too long: with space for the ellipsis
  let isColored = false;
  for (let at = 0; at < line.length; ) {
    COLOR.lastIndex = at;
    const color = COLOR.exec(line)?.[0];
    if (color !== undefined) {
      isColored = true;
      at += color.length;
      if (width < columns) lastFit = at;
      continue;
    }
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0);
    width += widthOf(character);
    if (width > columns) return `${line.slice(0, lastFit)}…${isColored ? RESET : ''}`;
    at += character.length;
    if (width < columns) lastFit = at;
  }
  return line;
}

/** Returns how many columns a text takes. Colors take none. */
export function columnsOf(text: string): number {
  return [...stripVTControlCharacters(text)].reduce((sum, character) => sum + widthOf(character), 0);
}

function widthOf(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
