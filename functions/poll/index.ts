import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { AWS_CLIENT_SETTINGS } from '../shared/adapters/aws/client-settings.ts';
import { createDynamoDbLedger } from '../shared/adapters/dynamodb/ledger.ts';
import { createEventBridgeBus } from '../shared/adapters/eventbridge/bus.ts';
import { parseBatchLimits } from '../shared/adapters/lambda/batch-limits.ts';
import { createEmfMetrics } from '../shared/adapters/lambda/emf-metrics.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createJsonLog } from '../shared/adapters/lambda/json-log.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import { systemClock as clock } from '../shared/adapters/lambda/system-clock.ts';
import { createOpenAiBatchApi, SILENCE_MS } from '../shared/adapters/openai/batch-api.ts';
import { createSecretApiKey } from '../shared/adapters/openai/secret-api-key.ts';
import { createSqsWorkQueues } from '../shared/adapters/sqs/work-queues.ts';
import type { PollEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<PollEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  INTAKE_QUEUE_URL: true,
  SUBMIT_QUEUE_URL: true,
  DELIVER_QUEUE_URL: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  BATCH_LIMITS: true,
});

const metrics = createEmfMetrics({ service: env.INSTANCE });

const handle = createHandler({
  ledger: createDynamoDbLedger({
    client: new DynamoDBClient(AWS_CLIENT_SETTINGS),
    tableName: env.LEDGER_TABLE,
    clock,
  }),
  bus: createEventBridgeBus({
    client: new EventBridgeClient(AWS_CLIENT_SETTINGS),
    busArn: env.EVENT_BUS_ARN,
  }),
  queues: createSqsWorkQueues({
    client: new SQSClient(AWS_CLIENT_SETTINGS),
    urls: {
      intake: env.INTAKE_QUEUE_URL,
      submit: env.SUBMIT_QUEUE_URL,
      deliver: env.DELIVER_QUEUE_URL,
      finish: env.DELIVER_QUEUE_URL,
    },
  }),
  api: createOpenAiBatchApi({
    baseUrl: env.OPENAI_BASE_URL,
    keys: createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock }),
    silenceMs: SILENCE_MS,
  }),
  instance: env.INSTANCE,
  resultsBucket: env.RESULTS_BUCKET,
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  clock,
  log: createJsonLog('poll'),
  metrics,
});

export const handler = (_event: unknown, context: Context): Promise<void> =>
  metrics.during(() => handle(deadlineOf(context, clock)));
