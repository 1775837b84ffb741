import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { contextPair } from '../../lib/context-pair.ts';
import { Failure } from '../terminal/failure.ts';

/** Context values of the CDK app, by name: as `cdk deploy -c NAME=VALUE` gives them. */
export type StackContext = Readonly<Record<string, string>>;

/** Returns the context with one more `NAME=VALUE`. Errors: InvalidArgumentError. */
export function withContext(given: string, context: StackContext = {}): StackContext {
  const pair = contextPair(given);
  if (pair === undefined) throw new InvalidArgumentError('It must be NAME=VALUE, such as maxOpenBatches=5.');
  return { ...context, [pair.name]: pair.value };
}

/**
 * Returns the context of this project's own stack, with the JSON in a `.json` file in place of its path: the stack that is kept for the
 * next start then depends on what the file says. Errors: a Failure.
 */
export function withFiles(context: StackContext = {}): StackContext {
  return Object.fromEntries(
    Object.entries(context).map(([name, value]) => [name, value.endsWith('.json') ? textOf(value) : value]),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Failure(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
