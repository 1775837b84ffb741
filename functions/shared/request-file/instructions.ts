/**
 * A user's instructions to Batchdrop, in the S3 user metadata of a request file: `x-amz-meta-batchdrop-<name>:
 * <value>`.
 */
import type { Finding } from '../contract/events.ts';
import {
  INSTRUCTION_PREFIX,
  METADATA_LIMITS,
  PRIORITIES,
  type Priority,
  RESULT_FORMATS,
  type ResultFormat,
} from '../contract/request-file.ts';
import { isJobId } from '../domain/job-id.ts';
import { type Amount, amountOf } from '../domain/money/amount.ts';
import { isCallbackId } from '../domain/workflows/callback.ts';

/** The instructions of a request file. Those that the file does not set have their defaults. */
export interface Instructions {
  /** Run the file even if the same bytes have just run. */
  readonly rerun: boolean;
  /** Send nothing before somebody approved the job. */
  readonly hold: boolean;
  /** How urgent the file is among those that wait. */
  readonly priority: Priority;
  /** What it may cost at most. */
  readonly 'max-cost': Amount | undefined;
  /** Whether its results are stored as a table, too. */
  readonly format: ResultFormat | undefined;
  /** The job whose rows the file runs again. */
  readonly 'retry-of': string | undefined;
  /** The callback of a task that waits for the file's job. */
  readonly callback: string | undefined;
}

interface Instruction<Value> {
  /** The default. */
  readonly otherwise: Value;
  /** The allowed values, as a finding describes them. */
  readonly takes: string;
  /** Returns undefined for a value that is not allowed. */
  readonly read: (text: string) => Value | undefined;
}

type Known = { readonly [Name in keyof Instructions]: Instruction<Instructions[Name]> };

/** All instructions. */
const KNOWN: Known = {
  rerun: { otherwise: false, takes: 'yes or no', read: yesOrNo },
  hold: { otherwise: false, takes: 'yes or no', read: yesOrNo },
  priority: { otherwise: 'normal', takes: 'high, normal or low', read: priority },
  'max-cost': { otherwise: undefined, takes: 'an amount such as 5 or 0.50', read: amountOf },
  format: { otherwise: undefined, takes: 'csv or jsonl', read: format },
  'retry-of': {
    otherwise: undefined,
    takes: 'a whole job id',
    read: (text) => (isJobId(text) ? text : undefined),
  },
  callback: {
    otherwise: undefined,
    takes: 'nothing: only Step Functions states of Batchdrop set it',
    read: (text) => (isCallbackId(text) ? text : undefined),
  },
};

/** Not suggested, because `batchdrop retry` and `startAndWait` set them, and people do not. */
const SET_BY_PROGRAMS: ReadonlySet<string> = new Set(['retry-of', 'callback']);

const NEAR = 1 / 3; // the share of characters that may differ; beyond that, a suggestion is a guess

/** Returns the instructions in the pairs of `x-amz-meta-batchdrop-*`. The names have no prefix. */
export function instructionsIn(given: Readonly<Record<string, string>>): Instructions {
  return {
    rerun: givenValue(given, 'rerun'),
    hold: givenValue(given, 'hold'),
    priority: givenValue(given, 'priority'),
    'max-cost': givenValue(given, 'max-cost'),
    format: givenValue(given, 'format'),
    'retry-of': givenValue(given, 'retry-of'),
    callback: givenValue(given, 'callback'),
  };
}

/**
 * Returns findings for unknown names and for values that are not allowed. A misspelled instruction must not be ignored,
 * because nobody would notice it before the bill comes.
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

function format(value: string): ResultFormat | undefined {
  return RESULT_FORMATS.find((one) => one === value);
}

function unknownInstruction(name: string): string {
  const names = Object.keys(KNOWN).filter((known) => !SET_BY_PROGRAMS.has(known));
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

/**
 * Returns the number of characters to add, remove or replace to turn one word into the other (Levenshtein distance).
 */
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
