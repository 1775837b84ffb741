import { Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { resumeSubmission } from '../../operations/submission-switch.ts';
import { counted } from '../../terminal/amounts.ts';

/** `batchdrop resume`: resumes submission. */
export function resumeCommand(): Command {
  return withConnectionOptions(
    new Command('resume')
      .summary('Resume submission')
      .description('Resume submission: Batchdrop sends waiting files within a minute.'),
  ).action(resume);
}

async function resume(options: ConnectionOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const { changed, waiting } = await resumeSubmission(connection);
    const rows = waiting.reduce((sum, job) => sum + job.rows, 0);
    if (options.json)
      console.log(JSON.stringify({ paused: false, changed, waiting: { files: waiting.length, rows } }));
    else console.log(sentence(changed, waiting.length, rows));
  });
}

function sentence(changed: boolean, files: number, rows: number): string {
  if (!changed) return 'Submission was not paused.';
  if (files === 0) return 'Resumed. No file was waiting.';
  const what = `${counted(files, 'file', 'files')} with ${counted(rows, 'row', 'rows')}`;
  return `Resumed. Batchdrop sends ${what} within a minute.`;
}
