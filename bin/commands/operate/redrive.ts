import { Argument, Command } from 'commander';
import {
  type ConnectionOptions,
  withConnection,
  withConnectionOptions,
} from '../../connection/connection.ts';
import { resourcesOf } from '../../connection/stack-resources.ts';
import { DEAD_LETTER_QUEUES, type QueueName, redrive } from '../../operations/dead-letters.ts';
import { counted } from '../../terminal/amounts.ts';
import { printableJson } from '../../terminal/escape-control-characters.ts';

/** `batchdrop redrive QUEUE`: moves dead letters back to their queue. */
export function redriveCommand(): Command {
  const queue = new Argument('<queue>', 'the queue whose dead letters to move').choices(
    Object.keys(DEAD_LETTER_QUEUES),
  );
  return withConnectionOptions(
    new Command('redrive')
      .summary('Move dead letters back to their queue')
      .description('Move dead letters back to their queue. Fix the cause first (docs/operations.md).')
      .addArgument(queue),
  ).action(redriveQueue);
}

async function redriveQueue(queue: QueueName, options: ConnectionOptions): Promise<void> {
  await withConnection(options, async ({ target, sqs }) => {
    const resources = await resourcesOf(target);
    const moved = await redrive({ sqs, resources }, queue);
    console.log(options.json ? printableJson({ queue, moved }) : sentence(queue, moved));
  });
}

function sentence(queue: QueueName, moved: number): string {
  if (moved === 0) return `The queue ${queue} has no dead letters.`;
  const home = queue === 'undelivered' ? 'intake' : queue;
  const done = `Moved ${counted(moved, 'message', 'messages')} to the ${home} queue.`;
  return queue === 'cancel' ? `${done} A cancel by key now applies to the newest version of the file.` : done;
}
