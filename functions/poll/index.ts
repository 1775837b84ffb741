import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { AWS_CLIENT_SETTINGS } from '../shared/adapters/aws-client-settings.ts';
import { parseBatchLimits } from '../shared/adapters/batch-limits.ts';
import { createDynamoDbLedger } from '../shared/adapters/dynamodb-ledger.ts';
import { createEmfMetrics } from '../shared/adapters/emf-metrics.ts';
import { readEnvironment } from '../shared/adapters/environment.ts';
import { createEventBridgeBus } from '../shared/adapters/eventbridge-bus.ts';
import { turnOf } from '../shared/adapters/invocation-turn.ts';
import { createJsonLog } from '../shared/adapters/json-log.ts';
import { createOpenAiBatchApi, SILENCE_MS } from '../shared/adapters/openai-api.ts';
import { createRandomIds } from '../shared/adapters/random-ids.ts';
import { createSecretApiKey } from '../shared/adapters/secret-api-key.ts';
import { createSqsWorkQueues } from '../shared/adapters/sqs-work-queues.ts';
import { systemClock as clock } from '../shared/adapters/system-clock.ts';
import type { PollEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<PollEnv>({
  METRICS_SERVICE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_NAME: true,
  RESULTS_BUCKET: true,
  INTAKE_QUEUE_URL: true,
  SUBMIT_QUEUE_URL: true,
  DELIVER_QUEUE_URL: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  BATCH_LIMITS: true,
});

const metrics = createEmfMetrics({ service: env.METRICS_SERVICE });

const handle = createHandler({
  ledger: createDynamoDbLedger({
    client: new DynamoDBClient(AWS_CLIENT_SETTINGS),
    tableName: env.LEDGER_TABLE,
    clock,
  }),
  bus: createEventBridgeBus({
    client: new EventBridgeClient(AWS_CLIENT_SETTINGS),
    busName: env.EVENT_BUS_NAME,
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
  resultsBucket: env.RESULTS_BUCKET,
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  clock,
  log: createJsonLog('poll'),
  metrics,
});

export const handler = (_event: unknown, context: Context): Promise<void> =>
  metrics.during(() => handle(turnOf(context, clock)));
