import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { escapeControlCharacters } from './terminal/escape-control-characters.ts';
import { failureLines } from './terminal/failure.ts';

/** Commands by the heading under which `--help` lists them. */
export type CommandGroups = Readonly<Record<string, readonly Command[]>>;

const USAGE_ERROR = 2;
const HELP_OPTION = ['-h, --help', 'print this help'] as const;

const EXIT_CODES = `
Exit codes:
  0    success
  1    the command or a check failed, or no row of a job succeeded
  2    usage error
  3    more rows failed than --max-failed allows
  4    a job has not ended after --timeout
  130  Ctrl-C`;

/** Commander quotes arguments in its errors, and adds a suggestion on its own line. */
const ESCAPED = {
  outputError: (text: string, write: (text: string) => void) => {
    const [, error = '', suggestion = ''] = /^(.*?)(\n\(Did you mean [^\n]*\))?\n*$/s.exec(text) ?? [];
    const lines = [error, suggestion.slice(1)].filter((line) => line !== '');
    write(lines.map((line) => `${escapeControlCharacters(line)}\n`).join(''));
  },
};

/** Runs the command that the arguments of this process name, and sets the exit code. */
export async function runProgram(groups: CommandGroups): Promise<void> {
  const program = new Command('batchdrop')
    .description('Run .jsonl request files from an S3 bucket through the OpenAI Batch API.')
    .usage('COMMAND [options]')
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption(...HELP_OPTION)
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .configureOutput(ESCAPED)
    .exitOverride();
  for (const [heading, commands] of Object.entries(groups)) {
    program.commandsGroup(`${heading}:`);
    for (const command of commands) {
      command
        .optionsGroup('Options:')
        .helpOption(...HELP_OPTION)
        .configureOutput(ESCAPED)
        .exitOverride();
      program.addCommand(command);
    }
  }
  program.commandsGroup('Help:').helpCommand('help [command]', 'Print the options of a command');

  // The reader of the output may have ended (`| head`, a closed terminal). A runtime must still stop properly.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR; // --help and --version end with 0
    } else {
      for (const line of failureLines(error)) console.error(line);
      process.exitCode = 1;
    }
  }
}
