import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { pauseSubmission } from '../../operations/submission-switch.ts';

/** `batchdrop pause`: pauses submission. */
export function pauseCommand(): Command {
  return withConnectionOptions(
    new Command('pause')
      .summary('Pause submission')
      .description(
        'Pause submission: Batchdrop validates new files but sends nothing new. Running batches continue and are delivered.',
      ),
  ).action(pause);
}

async function pause(options: ConnectionOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const { changed } = await pauseSubmission(connection);
    const paused = changed
      ? 'Paused. Batchdrop sends nothing new to the API.'
      : 'Submission was already paused.';
    console.log(
      options.json ? JSON.stringify({ paused: true, changed }) : `${paused} To resume: batchdrop resume`,
    );
  });
}
