import { Command } from 'commander';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { TemporarySubscription } from '../../connection/temporary-subscription.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { eventLine, type ReceivedEvent } from '../../terminal/event-line.ts';
import { firstDeliveries } from '../../terminal/first-delivery.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';

/** `batchdrop watch`: prints events as they arrive. */
export function watchCommand(): Command {
  return withConnectionOptions(
    new Command('watch')
      .summary('Print events as they arrive')
      .description(
        'Print events as they arrive, until Ctrl-C. Creates a rule and a queue, and deletes them at the end.',
      ),
  ).action(watch);
}

async function watch(options: ConnectionOptions): Promise<void> {
  const ending = new AbortController();
  // Before anything else, so that Ctrl-C during the creation of the rule does not leave the rule behind.
  void untilStopped().then(() => ending.abort());
  process.stdout.once('error', () => ending.abort()); // nobody reads the output any more
  await withConnection(options, (connection) =>
    printEvents(connection, ending.signal, options.json ?? false),
  );
}

async function printEvents(connection: Connection, signal: AbortSignal, json: boolean): Promise<void> {
  const subscription = await TemporarySubscription.open(connection);
  try {
    if (!json)
      console.error(`Watching ${escapeControlCharacters(connection.names.eventBus)}. Press Ctrl-C to stop.`);
    const isFirst = firstDeliveries();
    for await (const event of subscription.events(signal)) if (isFirst(event)) print(event, json);
  } finally {
    for (const sentence of await subscription.close()) {
      console.error(`${escapeControlCharacters(sentence)}. Delete it by hand.`);
      process.exitCode = 1;
    }
  }
}

function print(event: ReceivedEvent, json: boolean): void {
  const line = json ? printableJson(event) : eventLine(event);
  if (line !== undefined) console.log(line);
}
