import { Command, Option } from 'commander';
import { endOnFullDisk } from '../../terminal/end-on-full-disk.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
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
  readonly webhook?: string;
  readonly webhookSecret?: string;
  readonly json?: boolean;
}

/** `batchdrop openai`: only the local Batch API server, for any client of the OpenAI Batch API. */
export function openaiCommand(): Command {
  return withExamples(
    new Command('openai')
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
        'faults to inject: flaky, rate-limited, token-limit, expiring, accept-then-500, slow-list, gateway, slow-results, forgetful-list, broke, odd-neighbours, odd-webhooks, or a file with rules',
      )
      .addOption(
        new Option('--profile <vendor>', 'the vendor whose Batch API the server imitates')
          .choices(['openai', 'groq', 'azure', 'deepinfra'])
          .default('openai'),
      )
      .option('--api-key <key>', 'the only API key to accept (default: any)')
      .option('--webhook <url>', 'send a signed webhook to this URL when a batch ends')
      .option(
        '--webhook-secret <secret>',
        'the signing secret of --webhook (default: a new one, kept in the directory)',
      )
      .option('--json', 'print JSON'),
    'batchdrop openai --faults flaky',
    'batchdrop openai --port 8081 --speed 600 --profile groq',
  ).action(serve);
}

/** The endpoint that `--webhook` registers, and that a later start finds again. */
const WEBHOOK_NAME = 'batchdrop openai --webhook';

async function serve(asked: Options): Promise<void> {
  const { faults, profile, json, webhook, webhookSecret, ...options } = asked;
  const { readFaultPlan } = await import('../../../local/openai/faults/faults-file.ts');
  const { runBatchApiAlone } = await import('../../../local/openai/main.ts');
  const { profileCalled } = await import('../../../local/openai/profiles/profiles.ts');
  const plan = faults === undefined ? [] : readFaultPlan(faults);
  await checkWebhook(asked);
  const server = await runBatchApiAlone({ ...options, faults: plan, profile: profileCalled(profile) });
  const secret =
    webhook === undefined
      ? undefined
      : server.registerWebhook({ name: WEBHOOK_NAME, url: webhook, secret: webhookSecret });
  if (json) console.log(JSON.stringify({ url: server.url, webhookSecret: secret }));
  else {
    const lines = [`OPENAI_BASE_URL=${server.url}`];
    if (secret !== undefined) lines.push(`OPENAI_WEBHOOK_SECRET=${secret}`);
    console.log(lines.join('\n'));
  }
  const forget = endOnFullDisk(() => {});
  await untilStopped();
  forget();
  await server.close();
}

/** Throws a Failure if the options for the webhook cannot work. */
async function checkWebhook({ webhook, webhookSecret, profile }: Options): Promise<void> {
  if (webhook === undefined) {
    if (webhookSecret !== undefined) throw new Failure('--webhook-secret needs --webhook.');
    return;
  }
  const { reasonAgainstUrl } = await import('../../../local/openai/webhooks/endpoint-request.ts');
  const { isSigningSecret } = await import('../../../local/openai/webhooks/send-webhook.ts');
  const reason = reasonAgainstUrl(webhook);
  if (reason !== undefined) throw new Failure(`--webhook ${reason}.`);
  if (webhookSecret !== undefined && !isSigningSecret(webhookSecret))
    throw new Failure('--webhook-secret must be whsec_ and the base64 of at least 16 bytes.');
  if (profile !== 'openai') throw new Failure(`--webhook works only with --profile openai, not ${profile}.`);
}
