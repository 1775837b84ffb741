/**
 * Characters that control a terminal or are invisible: control characters (C0, C1), bidi and other format characters,
 * line and paragraph separators, tags, fillers and variation selectors, and halves of surrogate pairs. Text from others
 * could use them to move the cursor, to forge a line, or to look like another text.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Replaces each of these characters by its escape sequence in JSON and JavaScript, per UTF-16 code unit: U+202E becomes
 * `\u202e`.
 */
export function escapeUnprintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const code = character.charCodeAt(at);
      return SHORT.get(code) ?? `\\u${code.toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}

const SHORT = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
]);

/**
 * Returns the value as JSON that is safe to print and has the same value for every reader. `indent` as in
 * `JSON.stringify`.
 */
export function printableJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  // Only the line breaks of the layout are outside strings.
  return json.split('\n').map(escapeUnprintable).join('\n');
}
