import { Command, Option } from 'commander';
import { endOnFullDisk } from '../../terminal/end-on-full-disk.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options {
  readonly port: number;
  readonly directory: string;
  readonly speed: number;
  readonly seed: number;
  readonly faults?: string;
  readonly profile: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** `batchdrop openai`: only the local Batch API server, for any client of the OpenAI Batch API. */
export function openaiCommand(): Command {
  return new Command('openai')
    .summary('Run only the local Batch API server')
    .description('Run only the local OpenAI Batch API server, for any client of the Batch API.')
    .option('--port <number>', 'port on 127.0.0.1', wholeNumber('--port', 0, 65_535), 8080)
    .option('--directory <directory>', 'where to store its data', '.batchdrop-openai')
    .option(
      '--speed <number>',
      'how fast its clock runs, as a multiple of real time',
      wholeNumber('--speed', 1, 100_000),
      60,
    )
    .option(
      '--seed <number>',
      'seed of all random durations, results and faults',
      wholeNumber('--seed', 0, 2 ** 31),
      1,
    )
    .option(
      '--faults <file-or-preset>',
      'faults to inject: flaky, rate-limited, token-limit, expiring, accept-then-500, slow-list, gateway, slow-results, forgetful-list, broke, odd-neighbours, or a file with rules',
    )
    .addOption(
      new Option('--profile <vendor>', 'whose Batch API it is like')
        .choices(['openai', 'groq', 'azure', 'deepinfra'])
        .default('openai'),
    )
    .option('--api-key <key>', 'the only API key to accept (default: any)')
    .option('--json', 'print JSON')
    .action(serve);
}

async function serve({ faults, profile, json, ...options }: Options): Promise<void> {
  const { readFaultPlan } = await import('../../../local/openai/faults/faults-file.ts');
  const { runBatchApiAlone } = await import('../../../local/openai/main.ts');
  const { profileCalled } = await import('../../../local/openai/profiles/profiles.ts');
  const plan = faults === undefined ? [] : readFaultPlan(faults);
  const server = await runBatchApiAlone({ ...options, faults: plan, profile: profileCalled(profile) });
  console.log(json ? JSON.stringify({ url: server.url }) : `OPENAI_BASE_URL=${server.url}`);
  const forget = endOnFullDisk(() => {});
  await untilStopped();
  forget();
  await server.close();
}
