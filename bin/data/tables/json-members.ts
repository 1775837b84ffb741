/**
 * Returns the members of a JSON object as they are written, so that numbers keep every digit. Of several members with
 * the same name, the last counts, as in `JSON.parse`. `text` must be a valid JSON object.
 */
export function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    const nameBegin = text.indexOf('"', at);
    if (nameBegin < 0) return members;
    const nameEnd = stringEnd(text, nameBegin);
    const name: unknown = JSON.parse(text.slice(nameBegin, nameEnd));
    const valueBegin = text.indexOf(':', nameEnd) + 1;
    const valueEnd = endOfValue(text, valueBegin);
    members.set(String(name), text.slice(valueBegin, valueEnd).trim());
    if (text[valueEnd] !== ',') return members;
    at = valueEnd + 1;
  }
}

/** Returns where the value ends: at the comma or the bracket that follows it. */
function endOfValue(text: string, begin: number): number {
  let depth = 0;
  for (let at = begin; ; ) {
    const character = text[at];
    if (character === undefined) return at;
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (depth === 0 && (character === ',' || character === '}')) return at;
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    at += 1;
  }
}

/** Returns where the string that opens at `open` ends, after its closing quote. */
function stringEnd(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); ; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
}
