import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { AWS_CLIENT_SETTINGS } from '../shared/adapters/aws/client-settings.ts';
import { createDynamoDbLedger } from '../shared/adapters/dynamodb/ledger.ts';
import { createEventBridgeBus } from '../shared/adapters/eventbridge/bus.ts';
import { createDiskScratch } from '../shared/adapters/lambda/disk-scratch.ts';
import { createEmfMetrics } from '../shared/adapters/lambda/emf-metrics.ts';
import { readEnvironment } from '../shared/adapters/lambda/environment.ts';
import { deadlineOf } from '../shared/adapters/lambda/invocation-deadline.ts';
import { createJsonLog } from '../shared/adapters/lambda/json-log.ts';
import { createRandomIds } from '../shared/adapters/lambda/random-ids.ts';
import { systemClock as clock } from '../shared/adapters/lambda/system-clock.ts';
import { createOpenAiBatchApi, SILENCE_MS } from '../shared/adapters/openai/batch-api.ts';
import { createSecretApiKey } from '../shared/adapters/openai/secret-api-key.ts';
import { createS3ResultStore } from '../shared/adapters/s3/result-store.ts';
import { NO_QUEUES } from '../shared/adapters/sqs/no-queues.ts';
import { handleEachRecord } from '../shared/adapters/sqs/records.ts';
import type { DeliverEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<DeliverEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  RESULTS_BUCKET: true,
  BUCKET_OWNER: true,
  OPENAI_SECRET_ID: true,
  OPENAI_BASE_URL: true,
  KEEP_OPENAI_FILES: true,
  MAX_ATTEMPTS: true,
  RERUN_MISSING: true,
});
const log = createJsonLog('deliver');
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
  results: createS3ResultStore({
    client: new S3Client(AWS_CLIENT_SETTINGS),
    bucket: env.RESULTS_BUCKET,
    owner: env.BUCKET_OWNER,
  }),
  scratch: createDiskScratch(),
  api: createOpenAiBatchApi({
    baseUrl: env.OPENAI_BASE_URL,
    keys: createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock }),
    silenceMs: SILENCE_MS,
  }),
  keepFiles: env.KEEP_OPENAI_FILES === 'yes',
  rerun: { maxAttempts: Number(env.MAX_ATTEMPTS), rerunMissing: env.RERUN_MISSING === 'yes' },
  instance: env.INSTANCE,
  resultsBucket: env.RESULTS_BUCKET,
  ids: createRandomIds(),
  clock,
  log,
  metrics,
});

export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  metrics.during(() =>
    handleEachRecord(event, (record) => handle(record.body, deadlineOf(context, clock)), log),
  );
