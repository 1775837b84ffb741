import { Command } from 'commander';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { resumeSubmission } from '../../operations/submission-switch.ts';
import { counted } from '../../terminal/amounts.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

/** `batchdrop resume`: resumes submission. */
export function resumeCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('resume')
        .summary('Resume submission')
        .description('Resume submission: Batchdrop sends waiting files within a minute.'),
    ),
    'batchdrop resume',
  ).action(resume);
}

async function resume(options: ActionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    await confirmPlace(connection, options, 'Resume submission');
    const { changed, waiting } = await resumeSubmission(connection);
    const rows = waiting.reduce((sum, job) => sum + job.rows, 0);
    const facts = { paused: false, changed, waiting: { files: waiting.length, rows } };
    printFacts(options, facts, () => [
      sentence(changed, { files: waiting.length, rows }, placeShown(connection)),
    ]);
  });
}

function sentence(changed: boolean, { files, rows }: { files: number; rows: number }, where: string): string {
  if (!changed) return `Submission was not paused${where}.`;
  if (files === 0) return `Resumed${where}. No file was waiting.`;
  const what = `${counted(files, 'file', 'files')} with ${counted(rows, 'row', 'rows')}`;
  return `Resumed${where}. Batchdrop sends ${what} within a minute.`;
}
