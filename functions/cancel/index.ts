import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { AWS_CLIENT_SETTINGS } from '../shared/adapters/aws/client-settings.ts';
import { createDynamoDbLedger } from '../shared/adapters/dynamodb/ledger.ts';
import { createEventBridgeBus } from '../shared/adapters/eventbridge/bus.ts';
import { createEmfMetrics } from '../shared/adapters/lambda/emf-metrics.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { createJsonLog } from '../shared/adapters/lambda/json-log.ts';
import { systemClock as clock } from '../shared/adapters/lambda/system-clock.ts';
import { createOpenAiBatchApi, SILENCE_MS } from '../shared/adapters/openai/batch-api.ts';
import { createSecretApiKey } from '../shared/adapters/openai/secret-api-key.ts';
import { NO_QUEUES } from '../shared/adapters/sqs/no-queues.ts';
import { handleEachRecord } from '../shared/adapters/sqs/records.ts';
import type { CancelEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<CancelEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
});
const log = createJsonLog('cancel');
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
  queues: NO_QUEUES,
  api: createOpenAiBatchApi({
    baseUrl: env.OPENAI_BASE_URL,
    keys: createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock }),
    silenceMs: SILENCE_MS,
  }),
  instance: env.INSTANCE,
  resultsBucket: env.RESULTS_BUCKET,
  clock,
  log,
  metrics,
});

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  metrics.during(() =>
    handleEachRecord(
      event,
      ({ messageId, body, attributes }) =>
        handle({ id: messageId, body, sentAt: Number(attributes.SentTimestamp) }),
      log,
    ),
  );
