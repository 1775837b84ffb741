import { parseBatchLimits } from '../shared/adapters/lambda/batch-limits.ts';
import { createBatchApi } from '../shared/adapters/lambda/compose-batch-api.ts';
import { createBuckets } from '../shared/adapters/lambda/compose-buckets.ts';
import { createQueues } from '../shared/adapters/lambda/compose-queues.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import type { SubmitEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<SubmitEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  REQUEST_BUCKET: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  BUCKET_OWNER: true,
  DELIVER_QUEUE_URL: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  COMPLETION_WINDOW: true,
  BATCH_LIMITS: true,
  WEBHOOKS: 'optional',
});
const basics = createBasics('submit', env);

const handle = createHandler({
  ...basics,
  ...createBuckets(env),
  queues: createQueues({ deliver: env.DELIVER_QUEUE_URL }),
  api: createBatchApi(env),
  completionWindow: env.COMPLETION_WINDOW,
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  ...(env.WEBHOOKS === 'on' && { webhooks: true }),
});

export const handler = createQueueHandler(basics, ({ body }, context) =>
  handle(body, deadlineOf(context, basics.clock)),
);
