import { Argument, Command } from 'commander';
import { type ConnectionOptions, connect, withConnectionOptions } from '../../connection/connection.ts';
import { resourcesOf } from '../../connection/stack-resources.ts';
import { DEAD_LETTER_QUEUES, type QueueName, redrive } from '../../operations/dead-letters.ts';
import { counted } from '../../terminal/amounts.ts';

/** `batchdrop redrive QUEUE`: what was given up is tried again. */
export function redriveCommand(): Command {
  const queue = new Argument('<queue>', 'the queue whose dead letters go back').choices(
    Object.keys(DEAD_LETTER_QUEUES),
  );
  return withConnectionOptions(
    new Command('redrive')
      .description('Puts what was given up back into its queue: mend the cause first (docs/operations.md).')
      .addArgument(queue),
  ).action(redriveQueue);
}

async function redriveQueue(queue: QueueName, options: ConnectionOptions): Promise<void> {
  const connection = await connect(options);
  try {
    const resources = await resourcesOf(connection.target);
    const moved = await redrive({ sqs: connection.sqs, resources }, queue);
    if (options.json) console.log(JSON.stringify({ queue, moved }));
    else console.log(sentence(queue, moved));
  } finally {
    connection.close();
  }
}

function sentence(queue: QueueName, moved: number): string {
  if (moved === 0) return `There is nothing to redrive: ${queue} has no dead letters.`;
  const to = queue === 'undelivered' ? 'intake' : queue;
  const back = `${counted(moved, 'message', 'messages')} went back into the ${to} queue.`;
  return queue === 'cancel' ? `${back} A cancel by key now means the file that is newest now.` : back;
}
