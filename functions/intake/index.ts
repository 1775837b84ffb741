import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
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
import { createS3RequestFiles } from '../shared/adapters/s3/request-files.ts';
import { createS3ResultStore } from '../shared/adapters/s3/result-store.ts';
import { handleEachRecord } from '../shared/adapters/sqs/records.ts';
import { createSqsWorkQueues } from '../shared/adapters/sqs/work-queues.ts';
import type { IntakeEnv } from './env.ts';
import { createHandler } from './handler.ts';

const env = readEnvironment<IntakeEnv>({
  INSTANCE: true,
  LEDGER_TABLE: true,
  EVENT_BUS_ARN: true,
  REQUEST_BUCKET: true,
  RESULTS_BUCKET: true,
  SUBMIT_QUEUE_URL: true,
  BUCKET_OWNER: true,
  BATCH_LIMITS: true,
});
const s3 = new S3Client(AWS_CLIENT_SETTINGS);
const log = createJsonLog('intake');
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
    urls: { submit: env.SUBMIT_QUEUE_URL },
  }),
  requestFiles: createS3RequestFiles({ client: s3, owner: env.BUCKET_OWNER }),
  results: createS3ResultStore({ client: s3, bucket: env.RESULTS_BUCKET, owner: env.BUCKET_OWNER }),
  requestBucket: env.REQUEST_BUCKET,
  instance: env.INSTANCE,
  resultsBucket: env.RESULTS_BUCKET,
  ids: createRandomIds(),
  limits: parseBatchLimits(env.BATCH_LIMITS),
  clock,
  log,
  metrics,
});

export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  metrics.during(() =>
    handleEachRecord(event, (record) => handle(record.body, deadlineOf(context, clock)), log),
  );
