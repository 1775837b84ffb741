import { InvalidArgumentError } from 'commander';

/** Ends a command with exit code 1 and this sentence, which says what to do next. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** What a person needs to read of any error: one line, no stack. */
export function sentenceOf(error: unknown): string {
  const refused = findCode(error, 'ECONNREFUSED');
  if (refused !== undefined) {
    return `Nothing answers at the endpoint (${refused}): start the runtime with npm start, or name another with --endpoint or --data.`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Parses the value of an option: a whole number in bounds. */
export function wholeNumber(name: string, least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`${name} has to be a whole number from ${least} to ${most}.`);
  };
}

/** SDK errors carry the socket's error as a cause or in a list. */
function findCode(error: unknown, code: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && error.code === code) return error.message || code;
  const inner = error instanceof AggregateError ? error.errors : [];
  for (const each of [error.cause, ...inner]) {
    const found = findCode(each, code);
    if (found !== undefined) return found;
  }
  return undefined;
}
