import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { sentenceOf } from './terminal/failure.ts';

const USAGE_ERROR = 2;

/** Runs the one command that the arguments of this process name; the exit code says what became of it. */
export async function runProgram(commands: readonly Command[]): Promise<void> {
  const program = new Command('batchdrop')
    .description('Drop a .jsonl file into a bucket; it runs through the OpenAI Batch API.')
    .version(packageJson.version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 it failed, or a job did not end as completed; 2 the command was not given right.',
    )
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  for (const command of commands) program.addCommand(command.exitOverride());

  // Whoever read along may have gone (`| head`, a closed terminal): a runtime stops properly all the same.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE_ERROR; // help and --version end this way, too
    } else {
      console.error(sentenceOf(error));
      process.exitCode = 1;
    }
  }
}
