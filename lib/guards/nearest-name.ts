const MAX_TYPO = 2; // characters that differ

/** Returns the known name that a user may have meant: at most two characters differ, ignoring case. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const ranked = [...known]
    .map((one) => ({ one, distance: editDistance(one, name) }))
    .filter(({ one, distance }) => distance <= MAX_TYPO && distance < one.length)
    .sort((one, other) => one.distance - other.distance);
  return ranked[0]?.one;
}

/** Returns the number of characters to add, remove or replace to turn one text into the other, ignoring case. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [at, character] of [...from.toLowerCase()].entries()) {
    const next = [at + 1];
    for (const [column, other] of [...to.toLowerCase()].entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
