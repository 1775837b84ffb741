import { matchesWildcards } from './wildcards.ts';

/** What is known of a request besides who does what to which resource. */
export type RequestContext = Readonly<Partial<Record<ConditionKey, string>>>;

/** One line of a Condition block: it holds when the key's value is one of these. */
export interface Condition {
  readonly key: ConditionKey;
  readonly values: readonly string[];
  readonly matches: (value: string, asked: string) => boolean;
}

const KEYS = ['aws:SecureTransport', 'aws:SourceArn', 'aws:SourceAccount'] as const;
type ConditionKey = (typeof KEYS)[number];

/** The operators that the template uses, and the ones of queue policies in AWS's own examples. */
const OPERATORS = new Map<string, Condition['matches']>([
  ['Bool', (value, asked) => value.toLowerCase() === asked.toLowerCase()],
  ['StringEquals', (value, asked) => value === asked],
  // Both take wildcards, says the documentation of IAM: they behave alike.
  ['ArnEquals', (value, asked) => matchesArn(asked, value)],
  ['ArnLike', (value, asked) => matchesArn(asked, value)],
]);

/** Reads a Condition block; throws a sentence for an operator or key that is not evaluated here. */
export function parseConditions(block: unknown, where: string): Condition[] {
  return Object.entries(Object(block)).flatMap(([operator, keys]) => {
    const matches = OPERATORS.get(operator);
    if (matches === undefined) {
      throw new Error(`${where} has the condition operator ${operator}, which is not evaluated locally`);
    }
    return Object.entries(Object(keys)).map(([name, values]) => {
      const key = KEYS.find((known) => known.toLowerCase() === name.toLowerCase());
      if (key === undefined) {
        throw new Error(`${where} has the condition key ${name}, which is not evaluated locally`);
      }
      return { key, values: [values].flat().map(String), matches };
    });
  });
}

/** Every line has to hold; one whose key the request does not have does not. */
export function holdAll(conditions: readonly Condition[], context: RequestContext): boolean {
  return conditions.every(({ key, values, matches }) => {
    const value = context[key];
    return value !== undefined && values.some((asked) => matches(value, asked));
  });
}

/** Part by part, so that a wildcard does not reach over a colon; the sixth part, the resource, has the rest. */
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
