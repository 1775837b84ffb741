/** What a user asks of Batchdrop in the S3 user metadata of a request file: `x-amz-meta-batchdrop-<name>: <value>`. */
import type { Finding } from '../contract/events.ts';
import { INSTRUCTION_PREFIX, METADATA_LIMITS, PRIORITIES, type Priority } from '../contract/request-file.ts';

/** The instructions of a request file; those that it does not give have their default. */
export interface Instructions {
  /** Run the file even if the same bytes ran just now. */
  readonly rerun: boolean;
  /** How urgent the file is among those that wait. */
  readonly priority: Priority;
}

interface Instruction<Value> {
  /** Without it. */
  readonly otherwise: Value;
  /** Which values it takes, as a finding says it. */
  readonly takes: string;
  /** Undefined for a value that it does not take. */
  readonly read: (text: string) => Value | undefined;
}

type Known = { readonly [Name in keyof Instructions]: Instruction<Instructions[Name]> };

/** Every instruction there is. */
const KNOWN: Known = {
  rerun: { otherwise: false, takes: 'yes or no', read: yesOrNo },
  priority: { otherwise: 'normal', takes: 'high, normal or low', read: priority },
};

const NEAR = 1 / 3; // of the characters may differ: beyond that a suggestion is a guess

/** The instructions in the pairs of `x-amz-meta-batchdrop-*`, names without the prefix. */
export function instructionsIn(given: Readonly<Record<string, string>>): Instructions {
  return { rerun: givenValue(given, 'rerun'), priority: givenValue(given, 'priority') };
}

/**
 * An unknown name, and a value that its instruction does not take: a misspelled instruction must not be ignored, as
 * nobody would notice before the bill comes.
 */
export function findingsOnInstructions(given: Readonly<Record<string, string>>): Finding[] {
  return Object.entries(given).flatMap(([name, text]): Finding[] => {
    if (!isKnown(name)) {
      return [{ line: null, code: 'unknown_instruction', message: unknownInstruction(name) }];
    }
    const { read, takes } = KNOWN[name];
    if (read(text) !== undefined) return [];
    const message = `instruction ${INSTRUCTION_PREFIX}${name} is "${shortened(text)}"; set ${takes}`;
    return [{ line: null, code: 'invalid_instruction', message }];
  });
}

function givenValue<Name extends keyof Instructions>(
  given: Readonly<Record<string, string>>,
  name: Name,
): Instructions[Name] {
  const { read, otherwise } = KNOWN[name];
  const text = given[name];
  return (text === undefined ? undefined : read(text)) ?? otherwise;
}

function isKnown(name: string): name is keyof Instructions {
  return Object.hasOwn(KNOWN, name);
}

function yesOrNo(value: string): boolean | undefined {
  if (value === 'yes') return true;
  return value === 'no' ? false : undefined;
}

function priority(value: string): Priority | undefined {
  return PRIORITIES.find((one) => one === value);
}

function unknownInstruction(name: string): string {
  const names = Object.keys(KNOWN);
  const near = names
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .filter(({ known, distance }) => distance <= Math.max(name.length, known.length) * NEAR)
    .sort((a, b) => a.distance - b.distance)[0];
  const hint = near
    ? `did you mean ${INSTRUCTION_PREFIX}${near.known}?`
    : `the known ones are ${names.map((known) => INSTRUCTION_PREFIX + known).join(', ')}`;
  return `unknown instruction x-amz-meta-${INSTRUCTION_PREFIX}${shortened(name)}; ${hint}`;
}

function shortened(text: string): string {
  return text.slice(0, METADATA_LIMITS.nameLength);
}

/** Characters to add, remove or replace to get from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [at, character] of [...from].entries()) {
    const next = [at + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (character === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
