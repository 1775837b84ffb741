import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { contextPair } from '../../lib/context.ts';

/** Context values of the CDK app, by name: as `cdk deploy -c NAME=VALUE` gives them. */
export type StackContext = Readonly<Record<string, string>>;

/**
 * Returns the context with one more `NAME=VALUE`. The path of a `.json` file is replaced by the JSON in it: the stack that is
 * kept for the next start then depends on what the file says. Errors: InvalidArgumentError.
 */
export function withContext(given: string, context: StackContext = {}): StackContext {
  const pair = contextPair(given);
  if (pair === undefined) throw new InvalidArgumentError('It must be NAME=VALUE, such as maxOpenBatches=5.');
  const { name, value } = pair;
  if (!value.endsWith('.json')) return { ...context, [name]: value };
  return { ...context, [name]: textOf(value) };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InvalidArgumentError(
      `${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}
