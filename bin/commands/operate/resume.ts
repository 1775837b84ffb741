import { Command } from 'commander';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { resumeSubmission } from '../../operations/submission-switch.ts';
import { counted } from '../../terminal/amounts.ts';

/** `batchdrop resume`: what waited is sent. */
export function resumeCommand(): Command {
  return withConnectionOptions(
    new Command('resume').description('Ends a pause: what waited is sent within a minute.'),
  ).action(resume);
}

async function resume(options: ConnectionOptions): Promise<void> {
  const connection = await connect(options);
  try {
    const { changed, waiting } = await resumeSubmission(connection);
    const rows = waiting.reduce((sum, job) => sum + job.rows, 0);
    if (options.json)
      console.log(JSON.stringify({ paused: false, changed, waiting: { files: waiting.length, rows } }));
    else if (!changed) console.log('It was not paused.');
    else if (waiting.length === 0) console.log('Resumed: nothing waited.');
    else {
      console.log(
        `Resumed: ${counted(waiting.length, 'file', 'files')} with ${counted(rows, 'row', 'rows')} will be sent within a minute.`,
      );
    }
  } finally {
    connection.close();
  }
}
