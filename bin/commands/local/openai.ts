import { Command } from 'commander';
import { untilStopped } from '../../terminal/stop-signal.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options {
  readonly port: number;
  readonly directory: string;
  readonly speed: number;
  readonly seed: number;
  readonly faults?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** `batchdrop openai`: the Batch API server alone, for any client of the OpenAI Batch API. */
export function openaiCommand(): Command {
  return new Command('openai')
    .description('Runs the local OpenAI Batch API server alone, for any client of the Batch API.')
    .option('--port <number>', 'port on 127.0.0.1', wholeNumber('The port', 0, 65_535), 8080)
    .option('--directory <directory>', 'where it keeps its files', '.batchdrop-openai')
    .option(
      '--speed <number>',
      'how many times as fast as the wall time passes',
      wholeNumber('The speed', 1, 100_000),
      60,
    )
    .option(
      '--seed <number>',
      'what durations, results and faults follow from',
      wholeNumber('The seed', 0, 2 ** 31),
      1,
    )
    .option(
      '--faults <file-or-preset>',
      'what goes wrong: flaky, rate-limited, token-limit, expiring, accept-then-500, slow-list, or a file of rules',
    )
    .option('--api-key <key>', 'the only API key it takes (default: any)')
    .option('--json', 'say where it is in JSON, for programs')
    .action(serve);
}

async function serve({ faults, json, ...options }: Options): Promise<void> {
  const { readFaultPlan } = await import('../../../local/openai/faults/faults-file.ts');
  const { runBatchApiAlone } = await import('../../../local/openai/main.ts');
  const plan = faults === undefined ? [] : readFaultPlan(faults);
  const server = await runBatchApiAlone({ ...options, faults: plan });
  console.log(json ? JSON.stringify({ url: server.url }) : `OPENAI_BASE_URL=${server.url}`);
  await untilStopped();
  await server.close();
}
