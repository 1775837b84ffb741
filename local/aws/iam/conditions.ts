import { matchesWildcards } from './wildcards.ts';

/** The condition keys of a request and their values. */
export type RequestContext = Readonly<Partial<Record<ConditionKey, string>>>;

/** One condition of a Condition block. It is true if the key's value matches one of `values`. */
export interface Condition {
  readonly key: ConditionKey;
  readonly values: readonly string[];
  readonly matches: (value: string, asked: string) => boolean;
}

const KEYS = [
  'aws:SecureTransport',
  'aws:SourceArn',
  'aws:SourceAccount',
  'lambda:FunctionUrlAuthType',
  'lambda:InvokedViaFunctionUrl',
] as const;
type ConditionKey = (typeof KEYS)[number];

/** The operators in the template, and those of the queue policies in AWS's examples. */
const OPERATORS = new Map<string, Condition['matches']>([
  ['Bool', (value, asked) => value.toLowerCase() === asked.toLowerCase()],
  ['StringEquals', (value, asked) => value === asked],
  // Both accept wildcards and behave alike, according to IAM's documentation.
  ['ArnEquals', (value, asked) => matchesArn(asked, value)],
  ['ArnLike', (value, asked) => matchesArn(asked, value)],
]);

/** Parses a Condition block. Throws an Error for an operator or key that is not supported here. */
export function parseConditions(block: unknown, where: string): Condition[] {
  return Object.entries(Object(block)).flatMap(([operator, keys]) => {
    const matches = OPERATORS.get(operator);
    if (matches === undefined) {
      throw new Error(
        `${where} has the condition operator ${operator}, which the local runtime does not support`,
      );
    }
    return Object.entries(Object(keys)).map(([name, values]) => {
      const key = KEYS.find((known) => known.toLowerCase() === name.toLowerCase());
      if (key === undefined) {
        throw new Error(`${where} has the condition key ${name}, which the local runtime does not support`);
      }
      return { key, values: [values].flat().map(String), matches };
    });
  });
}

/** Returns whether all conditions are true. A condition whose key is missing from the request is false. */
export function holdAll(conditions: readonly Condition[], context: RequestContext): boolean {
  return conditions.every(({ key, values, matches }) => {
    const value = context[key];
    return value !== undefined && values.some((asked) => matches(value, asked));
  });
}

/** Compares part by part, so that a wildcard does not cross a colon. The sixth part, the resource, is the rest. */
function matchesArn(pattern: string, arn: string): boolean {
  const [patterns, parts] = [arnParts(pattern), arnParts(arn)];
  return (
    parts.length === patterns.length && parts.every((part, at) => matchesWildcards(patterns[at] ?? '', part))
  );
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
