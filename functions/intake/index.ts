import { parseBatchLimits } from '../shared/adapters/lambda/batch-limits.ts';
import { createBuckets } from '../shared/adapters/lambda/compose-buckets.ts';
import { createPriceList } from '../shared/adapters/lambda/compose-price-list.ts';
import { createQueues } from '../shared/adapters/lambda/compose-queues.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { parseHoldPolicy } from '../shared/adapters/lambda/hold-policy.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createQueueHandler } from '../shared/adapters/lambda/queue-handler.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import type { IntakeEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<IntakeEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  REQUEST_BUCKET: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  SUBMIT_QUEUE_URL: true,
  BUCKET_OWNER: true,
  BATCH_LIMITS: true,
  APPROVE_ABOVE: 'optional',
  APPROVAL_EXPIRES_AFTER: 'optional',
  PRICES: 'optional',
});
const basics = createBasics('intake', env);

const handle = createHandler({
  ...basics,
  ...createBuckets(env),
  queues: createQueues({ submit: env.SUBMIT_QUEUE_URL }),
  requestBucket: env.REQUEST_BUCKET,
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  holds: parseHoldPolicy(env.APPROVE_ABOVE, env.APPROVAL_EXPIRES_AFTER),
  prices: createPriceList(env.PRICES),
});

export const handler = createQueueHandler(basics, ({ body }, context) =>
  handle(body, deadlineOf(context, basics.clock)),
);
