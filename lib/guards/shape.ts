import { Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { nearestName } from './nearest-name.ts';
import { holdsKey, isDuration, nameShown, shown } from './shown.ts';

/** What a value must be before its range can be judged. JavaScript and JSON ask nobody. */
export interface Shape {
  readonly fits: (value: unknown) => boolean;
  /** What to set instead. */
  readonly instead: string;
  /** The fields of an object, which then has no others. */
  readonly fields?: Shapes;
  /** A text in its place may be a secret, and is not shown. */
  readonly isSecret?: true;
}

export type Shapes = Readonly<Record<string, Shape>>;

/** What has an own rule that takes any value. */
export const JUDGED: Shape = { fits: () => true, instead: '' };
export const YES_OR_NO: Shape = { fits: (value) => typeof value === 'boolean', instead: 'true or false' };

const KEY_FOUND =
  'holds what looks like a key (not shown); keys do not belong in code and templates, so store it in Secrets Manager, set apiKeySecret to this secret, and revoke the key if others have seen the code.';

export function textLike(instead: string): Shape {
  return { fits: (value) => typeof value === 'string', instead };
}

/** A `Duration` that is known at synth. */
export function durationSuchAs(example: string): Shape {
  return {
    fits: (value) => isDuration(value) && !value.isUnresolved(),
    instead: `a Duration such as ${example}`,
  };
}

/** A construct, or what stands for one: it has these members, whichever class it is of. */
export function having(members: readonly string[], instead: string): Shape {
  return {
    fits: (value) => typeof value === 'object' && value !== null && members.every((name) => name in value),
    instead,
  };
}

export function objectWith(fields: Shapes, instead: string): Shape {
  return { fits: isPlain, instead, fields };
}

/** An object with names of the user's choice. */
export function named(instead: string): Shape {
  return { fits: isPlain, instead };
}

export function listOf(one: Shape): Shape {
  return {
    fits: (value) => Array.isArray(value) && value.every(one.fits),
    instead: one.instead,
  };
}

/** Yields what keeps a value from being judged: a key in it, a wrong kind, and fields that nothing reads. */
export function* shapeProblems(name: string, value: unknown, shape: Shape): Generator<string> {
  if (value === undefined) return;
  if (shape.isSecret && typeof value === 'string' && !Token.isUnresolved(value)) {
    yield `${name} is a text (not shown); set ${shape.instead}. If the text is a key, revoke it, because others may have seen the code.`;
  } else if (shape.fields && isPlain(value)) {
    yield* unknownFieldProblems(name, value, Object.keys(shape.fields));
    for (const [field, inner] of Object.entries(shape.fields))
      yield* shapeProblems(`${name}.${field}`, value[field], inner);
  } else if (holdsKeyDeep(value)) {
    yield `${name} ${KEY_FOUND}`;
  } else if (!shape.fits(value)) {
    yield `${name} is ${shown(value)}; set ${shape.instead}.`;
  }
}

/** Yields the fields that nothing reads, each with the one that may be meant. */
export function* unknownFieldProblems(
  name: string,
  value: Record<string, unknown>,
  known: readonly string[],
): Generator<string> {
  for (const field of Object.keys(value).filter((one) => !known.includes(one))) {
    const near = nearestName(field, known);
    const advice = near === undefined ? `its fields are ${known.join(', ')}.` : `did you mean ${near}?`;
    yield `${name} has the unknown field ${nameShown(field)}; ${advice}`;
  }
}

/** An object with fields, and not a list, a map, a construct or another thing of the CDK. Each realm has its own `Object`. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  return !Token.isUnresolved(value) && !Construct.isConstruct(value) && !isDuration(value);
}

/** No prop is nested deeper. An object that contains itself has an end, too. */
const MAX_DEPTH = 5;

function holdsKeyDeep(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return holdsKey(value);
  if (depth === MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.some((one) => holdsKeyDeep(one, depth + 1));
  if (!isPlain(value)) return false;
  return Object.entries(value).some(([name, inner]) => holdsKey(name) || holdsKeyDeep(inner, depth + 1));
}
