/** Copies that are frozen throughout, so that all readers may share them. */
const shared = new WeakSet<object>();

/**
 * Returns a deep copy of plain objects, lists and primitives that nobody can change. A frozen copy is returned as it is, also
 * within another value, so that an item that was read and changed in one field costs one object.
 */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== 'object' || value === null || shared.has(value)) return value;
  const copy: Record<string, unknown> = Array.isArray(value) ? Object([...value]) : { ...Object(value) };
  for (const name in copy) {
    const field = copy[name];
    if (typeof field === 'object' && field !== null) copy[name] = frozenCopy(field);
  }
  shared.add(Object.freeze(copy));
  return copy as T;
}
