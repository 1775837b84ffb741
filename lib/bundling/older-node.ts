/** What the oldest Node that the package supports lacks of what the command uses. esbuild puts this in front of the command. */
if (!('groupBy' in Map)) Object.assign(Map, { groupBy });

/** As ECMAScript 2024 has it. */
function groupBy<K, V>(values: Iterable<V>, keyOf: (value: V, index: number) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  let index = 0;
  for (const value of values) {
    const key = keyOf(value, index++);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
