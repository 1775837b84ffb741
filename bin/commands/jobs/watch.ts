import { Command } from 'commander';
import {
  type Connection,
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { TemporarySubscription } from '../../connection/temporary-subscription.ts';
import { csvLine } from '../../terminal/csv.ts';
import { escapeControlCharacters, printableJson } from '../../terminal/escape-control-characters.ts';
import { EVENT_COLUMNS, eventCells, eventLine, type ReceivedEvent } from '../../terminal/event-line.ts';
import { withExamples } from '../../terminal/examples.ts';
import { firstDeliveries } from '../../terminal/first-delivery.ts';
import { fitted } from '../../terminal/fit-line.ts';
import { type FormatOptions, formatOf, isForPeople } from '../../terminal/output-format.ts';
import { untilStopped } from '../../terminal/stop-signal.ts';

type Options = ConnectionOptions & FormatOptions;

/** `batchdrop watch`: prints events as they arrive. */
export function watchCommand(): Command {
  return withExamples(
    withConnectionOptions(
      new Command('watch')
        .summary('Print events as they arrive')
        .description(
          'Print events as they arrive, until Ctrl-C. Creates a rule and a queue, and deletes them at the end. JSON has one event on each line.',
        ),
    ),
    'batchdrop watch',
    'batchdrop watch --format jsonl | jq .detail.data.status',
  ).action(watch);
}

async function watch(options: Options): Promise<void> {
  const ending = new AbortController();
  // Before anything else, so that Ctrl-C during the creation of the rule does not leave the rule behind.
  void untilStopped().then(() => ending.abort());
  process.stdout.once('error', () => ending.abort()); // nobody reads the output any more
  await withConnection(options, (connection) => printEvents(connection, ending.signal, options));
}

async function printEvents(connection: Connection, signal: AbortSignal, options: Options): Promise<void> {
  const subscription = await TemporarySubscription.open(connection);
  try {
    if (isForPeople(options))
      console.error(`Watching ${escapeControlCharacters(connection.names.eventBus)}. Press Ctrl-C to stop.`);
    if (formatOf(options) === 'csv') console.log(csvLine(EVENT_COLUMNS));
    const isFirst = firstDeliveries();
    // Events of a runtime on this machine have the time of its clock, which may be ahead of the clock on the wall.
    const isLocal = connection.target.kind === 'local';
    for await (const event of subscription.events(signal)) {
      const line = isFirst(event) ? shown(event, options, isLocal ? Date.now() : undefined) : undefined;
      if (line !== undefined) console.log(line);
    }
  } finally {
    for (const sentence of await subscription.close()) {
      console.error(`${escapeControlCharacters(sentence)}. Delete it by hand.`);
      process.exitCode = 1;
    }
  }
}

function shown(event: ReceivedEvent, options: Options, arrivedAt: number | undefined): string | undefined {
  switch (formatOf(options)) {
    case 'table': {
      const line = eventLine(event, arrivedAt);
      return line === undefined ? undefined : fitted(line);
    }
    case 'csv': {
      const cells = eventCells(event);
      return cells && csvLine(cells);
    }
    default:
      return printableJson(event);
  }
}
