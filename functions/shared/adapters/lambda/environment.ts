/** Reads what a function needs of its environment. Throws with the name of what is missing. */
export function readEnvironment<E>(names: Record<keyof E & string, true>): E {
  const entries = Object.keys(names).map((name) => {
    const value = process.env[name];
    if (value === undefined || value === '') throw new Error(`the environment lacks ${name}`);
    return [name, value];
  });
  return Object.fromEntries(entries);
}
