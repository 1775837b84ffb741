import { Argument, Command } from 'commander';
import { confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { resourcesOf } from '../../connection/stack-resources.ts';
import { DEAD_LETTER_QUEUES, type QueueName, redrive } from '../../operations/dead-letters.ts';
import { counted } from '../../terminal/amounts.ts';
import { withExamples } from '../../terminal/examples.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

/** `batchdrop redrive QUEUE`: moves dead letters back to their queue. */
export function redriveCommand(): Command {
  const queue = new Argument('<queue>', 'the queue whose dead letters to move').choices(
    Object.keys(DEAD_LETTER_QUEUES),
  );
  return withExamples(
    withActionOptions(
      new Command('redrive')
        .summary('Move dead letters back to their queue')
        .description('Move dead letters back to their queue. Fix the cause first (docs/operations.md).')
        .addArgument(queue),
    ),
    'batchdrop redrive undelivered',
  ).action(redriveQueue);
}

async function redriveQueue(queue: QueueName, options: ActionOptions & FormatOptions): Promise<void> {
  await withConnection(options, async (connection) => {
    const { target, sqs } = connection;
    await confirmPlace(connection, options, `Move the dead letters of ${queue} back to their queue`);
    const resources = await resourcesOf(target);
    const moved = await redrive({ sqs, resources }, queue);
    printFacts(options, { queue, moved }, () => [sentence(queue, moved, placeShown(connection))]);
  });
}

function sentence(queue: QueueName, moved: number, where: string): string {
  if (moved === 0) return `The queue ${queue} has no dead letters${where}.`;
  const home = queue === 'undelivered' ? 'intake' : queue;
  const done = `Moved ${counted(moved, 'message', 'messages')} to the ${home} queue${where}.`;
  return queue === 'cancel' ? `${done} A cancel by key now applies to the newest version of the file.` : done;
}
