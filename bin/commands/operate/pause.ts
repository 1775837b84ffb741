import { Command } from 'commander';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { pauseSubmission } from '../../operations/submission-switch.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

/** `batchdrop pause`: pauses submission. */
export function pauseCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('pause')
        .summary('Pause submission')
        .description(
          'Pause submission: Batchdrop validates new files but sends nothing new. Running batches continue and are delivered.',
        ),
    ),
    'batchdrop pause --stack Batchdrop',
  ).action(pause);
}

async function pause(options: ActionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    await confirmPlace(connection, options, 'Pause submission');
    const { changed } = await pauseSubmission(connection);
    const where = placeShown(connection);
    const paused = changed
      ? `Paused${where}. Batchdrop sends nothing new to the API.`
      : `Submission was already paused${where}.`;
    printFacts(options, { paused: true, changed }, () => [`${paused} To resume: batchdrop resume`]);
  });
}
