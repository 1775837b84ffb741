import type { Context } from 'aws-lambda';
import { parseBatchLimits } from '../shared/adapters/lambda/batch-limits.ts';
import { createBatchApi } from '../shared/adapters/lambda/compose-batch-api.ts';
import { createPriceList } from '../shared/adapters/lambda/compose-price-list.ts';
import { createQueues } from '../shared/adapters/lambda/compose-queues.ts';
import { createBasics } from '../shared/adapters/lambda/composition.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import { DETAIL_TYPE } from '../shared/contract/events.ts';
import type { PollEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<PollEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  RESULTS_PREFIX: 'optional',
  INTAKE_QUEUE_URL: true,
  SUBMIT_QUEUE_URL: true,
  DELIVER_QUEUE_URL: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  BATCH_LIMITS: true,
  WEBHOOKS: 'optional',
  OBSERVE_INTERVAL: 'optional',
  HEARTBEAT: 'optional',
  PRICES: 'optional',
});
const basics = createBasics('poll', env);

const handle = createHandler({
  ...basics,
  queues: createQueues({
    intake: env.INTAKE_QUEUE_URL,
    submit: env.SUBMIT_QUEUE_URL,
    deliver: env.DELIVER_QUEUE_URL,
    finish: env.DELIVER_QUEUE_URL,
  }),
  api: createBatchApi(env),
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  prices: createPriceList(env.PRICES),
  observeIntervalMs: Number(env.OBSERVE_INTERVAL ?? 0) * 1000,
  ...(env.WEBHOOKS === 'on' && { webhooks: true }),
  ...(env.HEARTBEAT === 'on' && { heartbeat: true }),
});

/** `event`: that of the schedule, or the change of a batch's status to one with which it has ended. */
export const handler = (event: { 'detail-type'?: string }, context: Context): Promise<void> => {
  const cause = event['detail-type'] === DETAIL_TYPE.batchStatusChange ? 'end' : 'schedule';
  return basics.metrics.during(() => handle(deadlineOf(context, basics.clock), cause));
};
