/** Returns the item without the named fields: they are absent, not undefined. */
export function without<T extends object, K extends AnyKey<T>>(item: T, ...names: K[]): Without<T, K> {
  return stripped(item, names);
}

/**
 * Returns the item without its backoff, its obstacle and its wait for a dispatched message, because a new step begins.
 */
export function withoutBackoff<
  T extends { backoffUntil?: number; dispatchedUntil?: number; obstacle?: object },
>(item: T): Without<T, 'backoffUntil' | 'dispatchedUntil' | 'obstacle'> {
  return stripped(item, ['backoffUntil', 'dispatchedUntil', 'obstacle']);
}

/** A key of any member of a union. */
type AnyKey<T> = T extends unknown ? keyof T : never;

/** `Omit` for each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function stripped<T extends object, K extends PropertyKey>(item: T, names: readonly K[]): Without<T, K> {
  const copy: Partial<Record<PropertyKey, unknown>> = { ...item };
  for (const name of names) delete copy[name];
  return copy as Without<T, K>;
}
