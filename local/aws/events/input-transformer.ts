import { validationError } from '../protocol/aws-error.ts';
import type { Input } from '../protocol/input.ts';
import type { AwsEvent } from './event.ts';
import { follow, isPath } from './patterns/event-path.ts';

/** A target's InputTransformer. */
export interface InputTransformer {
  /** Paths into the event, by variable. */
  readonly paths: Readonly<Record<string, string>>;
  /** JSON in which `<variable>` stands for the value at its path. */
  readonly template: string;
}

/** The rule that matched the event. */
interface Way {
  readonly ruleArn: string;
  /** By the runtime's clock, in milliseconds since the epoch. */
  readonly acceptedAt: number;
}

const MAX_PATHS = 100;
const MAX_TEMPLATE = 8192;
const NAME = /^[A-Za-z0-9_-]{1,256}$/;
const PREDEFINED: Readonly<Record<string, (event: AwsEvent, way: Way) => unknown>> = {
  'aws.events.rule-arn': (_, { ruleArn }) => ruleArn,
  'aws.events.rule-name': (_, { ruleArn }) => ruleArn.slice(ruleArn.lastIndexOf('/') + 1),
  'aws.events.event.ingestion-time': (_, { acceptedAt }) => new Date(acceptedAt).toISOString(),
  'aws.events.event': ({ detail: _, ...withoutDetail }) => withoutDetail,
  'aws.events.event.json': (event) => event,
};

/** A string of the template, or a variable outside strings. */
const PIECES = /"(?:[^"\\]|\\[\s\S])*"|<([A-Za-z0-9._-]+)>/g;
const VARIABLES = /<([A-Za-z0-9._-]+)>/g;

/** Parses a target's InputTransformer; throws if its output would not be JSON. */
export function parseInputTransformer(id: string, fields: Input): InputTransformer {
  const template = fields.text('InputTemplate');
  const paths = fields.textMap('InputPathsMap');
  const refuse = (reason: string) => validationError(`Target ${id}: InputTransformer: ${reason}.`);
  const entries = Object.entries(paths);
  if (entries.length > MAX_PATHS) throw refuse(`there are more than ${MAX_PATHS} paths`);
  for (const [name, path] of entries) {
    if (!NAME.test(name)) throw refuse(`"${name}" is not a valid variable name`);
    if (!isPath(path)) throw refuse(`path "${path}" is not of the form $.name.name[0]`);
  }
  if (template.length > MAX_TEMPLATE) throw refuse(`the template is longer than ${MAX_TEMPLATE} characters`);
  const strange = [...template.matchAll(VARIABLES)]
    .map(([, name = '']) => name)
    .find((name) => !Object.hasOwn(paths, name) && !Object.hasOwn(PREDEFINED, name));
  if (strange !== undefined) {
    throw validationError(`InputTemplate for target ${id} contains invalid placeholder ${strange}.`);
  }
  if (!isJson(fill(template, () => ''))) throw refuse('the filled template is not JSON');
  return { paths, template };
}

/**
 * Returns the target's input as JSON. Outside strings, a variable becomes its value as JSON. Within a string, it
 * becomes text, and an object or array loses its quotes. A path without a value, or with null, becomes an empty string.
 * The last two rules follow another emulator and were not verified against AWS.
 */
export function transform({ paths, template }: InputTransformer, event: AwsEvent, way: Way): string {
  return fill(template, (name) => {
    const path = Object.hasOwn(paths, name) ? paths[name] : undefined;
    return (path === undefined ? PREDEFINED[name]?.(event, way) : follow(path, event)) ?? '';
  });
}

function fill(template: string, read: (variable: string) => unknown): string {
  return template.replace(PIECES, (piece, variable: string | undefined) =>
    variable === undefined
      ? piece.replace(VARIABLES, (_, name: string) => escaped(textOf(read(name))))
      : JSON.stringify(read(variable)),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', '');
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
