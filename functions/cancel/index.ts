import { createBatchApi } from '../shared/adapters/lambda/compose-batch-api.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import { NO_QUEUES } from '../shared/adapters/sqs/no-queues.ts';
import type { CancelEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<CancelEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
});
const basics = createBasics('cancel', env);

const handle = createHandler({
  ...basics,
  queues: NO_QUEUES,
  api: createBatchApi(env),
});

export const handler = createQueueHandler(basics, ({ messageId, body, attributes }, context) =>
  handle(
    { id: messageId, body, sentAt: Number(attributes.SentTimestamp) },
    deadlineOf(context, basics.clock),
  ),
);
