const FORM = /^\$(\.[A-Za-z0-9_/-]+|\[\d+\])*$/;

/** Returns whether `text` is a supported path: `$`, `.name` and `[index]`, without wildcards and filters. */
export function isPath(text: string): boolean {
  return FORM.test(text);
}

/** Returns the value at `path` in the event; undefined if there is none. */
export function follow(path: string, event: object): unknown {
  let value: unknown = event;
  for (const [, name, index] of path.matchAll(/\.([^.[]+)|\[(\d+)\]/g)) {
    if (index !== undefined) value = Array.isArray(value) ? value[Number(index)] : undefined;
    else
      value =
        isObject(value) && Object.hasOwn(value, String(name)) ? Reflect.get(value, String(name)) : undefined;
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
