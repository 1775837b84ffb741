/** The item without the named fields, for what must be absent and not undefined. */
export function without<T extends object, K extends AnyKey<T>>(item: T, ...names: K[]): Without<T, K> {
  return stripped(item, names);
}

/** The item without pauses between tries and without the wait for a message's effect: a new step begins. */
export function withoutPauses<T extends { backoffUntil?: number; dispatchedUntil?: number }>(
  item: T,
): Without<T, 'backoffUntil' | 'dispatchedUntil'> {
  return stripped(item, ['backoffUntil', 'dispatchedUntil']);
}

/** A key of any member of a union. */
type AnyKey<T> = T extends unknown ? keyof T : never;

/** `Omit`, for each member of a union by itself. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function stripped<T extends object, K extends PropertyKey>(item: T, names: readonly K[]): Without<T, K> {
  const copy: Partial<Record<PropertyKey, unknown>> = { ...item };
  for (const name of names) delete copy[name];
  return copy as Without<T, K>;
}
