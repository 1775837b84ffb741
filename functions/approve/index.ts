import { createQueues } from '../shared/adapters/lambda/compose-queues.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import type { ApproveEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<ApproveEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  SUBMIT_QUEUE_URL: true,
});
const basics = createBasics('approve', env);

const handle = createHandler({ ...basics, queues: createQueues({ submit: env.SUBMIT_QUEUE_URL }) });

export const handler = createQueueHandler(basics, ({ messageId, body, attributes }) =>
  handle({ id: messageId, body, sentAt: Number(attributes.SentTimestamp) }),
);
