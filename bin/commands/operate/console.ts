import { Command, Option } from 'commander';
import {
  type ConnectionOptions,
  connect,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { printableJson } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';

interface Options extends ConnectionOptions, FormatOptions {
  readonly port?: number;
  readonly readOnly?: boolean;
  readonly policy?: 'read-only' | 'operator';
  readonly open: boolean;
}

/** `batchdrop console`: the page to look at, for a deployed stack or the runtime of this machine. */
export function consoleCommand(): Command {
  const command = new Command('console')
    .summary('Show jobs, costs and failures in a browser')
    .description(
      'Show jobs, costs and failures in a browser, until Ctrl-C. The page is served on 127.0.0.1 and acts with your AWS credentials. Nothing is deployed.',
    )
    .option(
      '--port <number>',
      'port on 127.0.0.1 (default: 4567, or any free one)',
      wholeNumber('--port', 0, 65_535),
    )
    .option('--read-only', 'refuse to submit, cancel, approve and retry')
    .option('--no-open', 'print the address, and open no browser')
    .addOption(
      new Option(
        '--policy [kind]',
        'only print the least IAM policy that the console needs, to look (read-only) or to act as well (operator)',
      )
        .choices(['read-only', 'operator'])
        .preset('read-only'),
    );
  return withExamples(
    withConnectionOptions(command),
    'batchdrop console',
    'batchdrop console --stack Batchdrop --read-only',
    'batchdrop console --stack Batchdrop --policy operator > policy.json',
  ).action(show);
}

async function show(options: Options): Promise<void> {
  if (options.policy !== undefined) return await printPolicy(options, options.policy);
  const stopped = untilStopped();
  const { startConsole } = await import('../../console/console-server.ts');
  const running = await startConsole({
    ...(options.port !== undefined && { port: options.port }),
    ...(options.readOnly !== undefined && { readOnly: options.readOnly }),
    connect: (onLedgerCall) => connect(options, onLedgerCall),
  });
  let forget: (() => void) | undefined;
  try {
    await running.connect();
    printFacts(options, { url: running.url }, () => [running.url, 'Press Ctrl-C to stop.']);
    const { openPage } = await import('../../console/open-page.ts');
    forget = options.open && isForPeople(options) ? openPage(running.url) : undefined;
    await stopped;
  } finally {
    forget?.();
    await running.close();
  }
}

async function printPolicy(options: Options, kind: 'read-only' | 'operator'): Promise<void> {
  const { consolePolicy } = await import('../../console/console-policy.ts');
  await withConnection(options, async (connection) => {
    console.log(printableJson(await consolePolicy(connection, { mayOperate: kind === 'operator' }), 2));
  });
}
