/** Reads the function's environment variables. Errors: an Error that names a missing one, unless it is `optional`. */
export function readEnvironment<E>(names: Record<keyof E & string, true | 'optional'>): E {
  const entries = Object.entries(names).flatMap(([name, need]) => {
    const value = process.env[name];
    if (value !== undefined && value !== '') return [[name, value]];
    if (need === 'optional') return [];
    throw new Error(`the environment lacks ${name}`);
  });
  return Object.fromEntries(entries);
}
