import { Argument, Command, type Option } from 'commander';
import { withExamples } from '../terminal/examples.ts';
import {
  type CompletedCommand,
  type CompletedOption,
  completionScript,
  SHELLS,
} from './completion-scripts.ts';

const TAKES_FILES: ReadonlySet<string> = new Set(['file']); // the names of arguments

/** `batchdrop completion`: prints a script for a shell. `commands`: all other commands. */
export function completionCommand(commands: () => readonly Command[]): Command {
  const shell = new Argument('<shell>', 'your shell').choices(SHELLS);
  return withExamples(
    new Command('completion')
      .summary('Print a script that completes commands in your shell')
      .description('Print a script that completes commands and options in your shell.')
      .addArgument(shell),
    'eval "$(batchdrop completion bash)"       # in ~/.bashrc; the same for zsh',
    'batchdrop completion fish | source        # in config.fish',
  ).action((name: (typeof SHELLS)[number]) => {
    console.log(completionScript(name, commands().map(completed)));
  });
}

function completed(command: Command): CompletedCommand {
  const [argument] = command.registeredArguments;
  return {
    name: command.name(),
    summary: command.summary(),
    options: [...command.options.filter(({ hidden }) => !hidden).map(completedOption), HELP],
    values: argument?.argChoices ?? [],
    takesFiles: argument !== undefined && TAKES_FILES.has(argument.name()),
  };
}

const HELP: CompletedOption = {
  names: ['-h', '--help'],
  description: 'print this help',
  takesValue: false,
  values: [],
};

function completedOption({
  short,
  long,
  description,
  argChoices,
  required,
  optional,
}: Option): CompletedOption {
  return {
    names: [short, long].filter((name) => name !== undefined),
    description,
    takesValue: required || optional,
    values: argChoices ?? [],
  };
}
