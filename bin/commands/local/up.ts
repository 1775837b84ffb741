import { Command, InvalidArgumentError, Option } from 'commander';
import { DATA_DIRECTORY } from '../../connection/target.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';
import type { UpOptions } from '../../up/run-local-stack.ts';

/** `batchdrop up`: the whole stack on this machine. */
export function upCommand(): Command {
  return (
    new Command('up')
      .description('Runs the stack on this machine, as it would be deployed, until Ctrl-C.')
      .option(
        '--port <number>',
        'port of the AWS endpoint on 127.0.0.1',
        wholeNumber('The port', 0, 65_535),
        4566,
      )
      .option(
        '--data <directory>',
        `where everything is kept (default: ${DATA_DIRECTORY.local}, or ${DATA_DIRECTORY.real})`,
      )
      .addOption(
        new Option(
          '--ephemeral',
          'keep everything in a temporary directory and remove it at the end',
        ).conflicts('data'),
      )
      .addOption(
        new Option(
          '--speed <number>',
          'how many times as fast as the wall waiting passes (default: 60)',
        ).argParser(speedOf),
      )
      .addOption(
        new Option(
          '--exit',
          'end once the results of the example job are readable: 0, or 1 with the reason',
        ).conflicts('real'),
      )
      .addOption(
        new Option(
          '--real',
          'call the real API with OPENAI_API_KEY, which costs money: asks before the first rows are sent',
        ).conflicts(['speed', 'ephemeral']),
      )
      .option('--yes', 'with --real: send whatever is dropped, without asking')
      .option('--json', 'say where it is and tell of events in JSON, one a line')
      // Loaded for this command alone: what runs a stack takes longer to load than the other commands to end.
      .action(async (options: UpOptions) => (await import('../../up/run-local-stack.ts')).up(options))
  );
}

function speedOf(value: string): number {
  const speed = Number(value);
  if (speed >= 1 && speed <= 10_000) return speed;
  throw new InvalidArgumentError('The speed has to be a number from 1 to 10000.');
}
