import { type Command, Option } from 'commander';
import { csvLines } from './csv.ts';
import { printableJson } from './escape-control-characters.ts';

const FORMATS = ['table', 'json', 'jsonl', 'csv'] as const;

/** How a command prints what it found: as a table or sentences for people, or for programs. */
type OutputFormat = (typeof FORMATS)[number];

/** The options of every command that prints facts. */
export interface FormatOptions {
  readonly json?: boolean;
  readonly format?: OutputFormat;
}

/** Adds `--json`, and `--format` unless the command has one of its own. */
export function withFormat(command: Command): Command {
  command.option('--json', 'print JSON');
  if (command.options.some(({ long }) => long === '--format')) return command;
  return command.addOption(
    new Option('--format <format>', 'how to print: jsonl has one JSON document on each line').choices(
      FORMATS,
    ),
  );
}

/** Returns the format; `--json` is short for one of them. */
export function formatOf({ json, format }: FormatOptions): OutputFormat {
  return json ? 'json' : (format ?? 'table');
}

/** Returns whether people read the output. */
export function isForPeople(options: FormatOptions): boolean {
  return formatOf(options) === 'table';
}

/** Prints one object, or a list of them. `table`: the lines for people, safe to print. */
export function printFacts(
  options: FormatOptions,
  facts: object | readonly object[],
  table: () => Iterable<string>,
): void {
  for (const line of factLines(options, facts, table)) console.log(line);
}

function factLines(
  options: FormatOptions,
  facts: object | readonly object[],
  table: () => Iterable<string>,
): Iterable<string> {
  const isList = Array.isArray(facts);
  const all: readonly object[] = isList ? facts : [facts];
  switch (formatOf(options)) {
    case 'table':
      return table();
    case 'json':
      return [isList ? printableJson(facts, 2) : printableJson(facts)];
    case 'jsonl':
      return all.map((each) => printableJson(each));
    case 'csv':
      return csvLines(all);
  }
}
