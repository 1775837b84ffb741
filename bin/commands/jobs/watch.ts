import { Command } from 'commander';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { TemporarySubscription } from '../../connection/temporary-subscription.ts';
import { eventLine, type ReceivedEvent } from '../../terminal/event-line.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';

/** `batchdrop watch`: the events of the bus as they come. */
export function watchCommand(): Command {
  return withConnectionOptions(
    new Command('watch').description(
      'Shows events as they come, until Ctrl-C: through a rule and a queue of its own, removed at the end.',
    ),
  ).action(watch);
}

async function watch(options: ConnectionOptions): Promise<void> {
  const ending = new AbortController();
  // Asked for first: a Ctrl-C while the rule is made must not leave it behind.
  void untilStopped().then(() => ending.abort());
  process.stdout.once('error', () => ending.abort()); // whoever read along has gone
  const connection = await connect(options);
  try {
    const subscription = await TemporarySubscription.open(connection);
    try {
      if (!options.json) console.error(`Watching ${connection.names.eventBus}; Ctrl-C ends it.`);
      for await (const event of subscription.events(ending.signal)) show(event, options.json ?? false);
    } finally {
      for (const sentence of await subscription.close()) {
        console.error(`${sentence}. Remove it by hand.`);
        process.exitCode = 1;
      }
    }
  } finally {
    connection.close();
  }
}

function show(event: ReceivedEvent, json: boolean): void {
  const line = json ? JSON.stringify(event) : eventLine(event);
  if (line !== undefined) console.log(line);
}
