import { Command, InvalidArgumentError, Option } from 'commander';
import { DATA_DIRECTORY } from '../../connection/target.ts';
import { examples } from '../../terminal/examples.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';
import type { OwnStack } from '../../up/assembly-source.ts';
import type { UpOptions } from '../../up/run-local-stack.ts';
import { withContext } from '../../up/stack-context.ts';

/**
 * `batchdrop up`: runs an app on this machine. `loadOwnStack` returns what runs if no app is named; it is loaded only then, because most
 * runs of other commands do not need it.
 */
export function upCommand(loadOwnStack?: () => Promise<OwnStack>): Command {
  const command = new Command('up')
    .summary('Run a CDK app on this machine')
    .description(
      `Run a CDK app on this machine, as it would be deployed, until Ctrl-C. By default, it is the app of cdk.json in the current folder${loadOwnStack ? ", or else Batchdrop's own stack" : ''}.`,
    )
    .option(
      '--app <command>',
      'the command of a CDK app, as in `cdk deploy --app`, or the folder of its cloud assembly',
    )
    .option('--only <stack...>', 'run these stacks of the app, and those that they depend on')
    .option(
      '--port <number>',
      'port of the AWS endpoint on 127.0.0.1',
      wholeNumber('--port', 0, 65_535),
      4566,
    )
    .option(
      '--data <directory>',
      `where to store all data (default: ${DATA_DIRECTORY.local}, ${DATA_DIRECTORY.real} or ${DATA_DIRECTORY.server})`,
    )
    .addOption(
      new Option('--ephemeral', 'store all data in a temporary directory and delete it at the end').conflicts(
        'data',
      ),
    )
    .addOption(
      new Option(
        '--speed <number>',
        'how fast the clock runs, as a multiple of real time (default: 60, or 1 with --batch-api)',
      ).argParser(speedOf),
    )
    .addOption(
      new Option(
        '--real',
        'use the real API with OPENAI_API_KEY, which costs money. Asks before it sends the first rows',
      ).conflicts(['speed', 'ephemeral']),
    )
    .addOption(
      new Option(
        '--batch-api <url>',
        'use another Batch API server, with the key in BATCH_API_KEY. Asks before it sends the first rows, unless the server is on this machine',
      ).conflicts(['real', 'faults']),
    )
    .addOption(
      new Option(
        '-c, --context <name=value>',
        'a context value of the app, as in `cdk deploy -c`: maxOpenBatches=5, budget=budget.json. Repeat it for others',
      ).argParser(withContext),
    )
    .option('--yes', 'with --real or --batch-api: send all files without asking')
    .option('--json', 'print the endpoints and events as JSON, one document per line')
    .addHelpText(
      'after',
      examples(
        'batchdrop up',
        'batchdrop up --ephemeral --speed 600',
        'batchdrop up --app "npx tsx bin/app.ts" -c stage=local',
        'OPENAI_API_KEY=sk-… batchdrop up --real',
      ),
    )
    .action(async (options: UpOptions) => {
      if (!options.json) console.log('Batchdrop is starting.');
      // Loaded only here, because the runtime takes longer to load than other commands take to run.
      const { up } = await import('../../up/run-local-stack.ts');
      await up(options, await loadOwnStack?.());
    });
  return loadOwnStack === undefined ? command : withOwnStackOptions(command);
}

/** Adds what an app of the user's does not get: an example job, and the prop `prices`. */
function withOwnStackOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--exit',
        'exit when the example job has ended: 0 if its results are stored, otherwise 1',
      ).conflicts(['real', 'batchApi']),
    )
    .option('--prices <file>', 'a JSON file with prices of models, as the prop `prices` of the construct');
}

function speedOf(value: string): number {
  const speed = Number(value);
  if (speed >= 1 && speed <= 10_000) return speed;
  throw new InvalidArgumentError('--speed must be a number from 1 to 10000.');
}
