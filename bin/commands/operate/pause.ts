import { Command } from 'commander';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { pauseSubmission } from '../../operations/submission-switch.ts';

/** `batchdrop pause`: nothing new is sent. */
export function pauseCommand(): Command {
  return withConnectionOptions(
    new Command('pause').description(
      'Holds submission: files are checked and wait; batches that run go on and are delivered.',
    ),
  ).action(pause);
}

async function pause(options: ConnectionOptions): Promise<void> {
  const connection = await connect(options);
  try {
    const { changed } = await pauseSubmission(connection);
    if (options.json) console.log(JSON.stringify({ paused: true, changed }));
    else if (changed) console.log('Paused: nothing new is sent to OpenAI until batchdrop resume.');
    else console.log('It was paused already: batchdrop resume goes on.');
  } finally {
    connection.close();
  }
}
