/** Splits `NAME=VALUE`, as the command line gives a context value. Returns undefined for other text. */
export function contextPair(given: string): { name: string; value: string } | undefined {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value };
}
