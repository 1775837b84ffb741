import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type {
  BatchApi,
  Clock,
  EventBus,
  Ledger,
  Log,
  RequestFiles,
  ResultStore,
  WorkQueues,
} from '../../ports/ports.ts';
import { AWS_CLIENT_SETTINGS, S3_CLIENT_SETTINGS } from '../aws/client-settings.ts';
import { createDynamoDbLedger } from '../dynamodb/ledger.ts';
import { createEventBridgeBus } from '../eventbridge/bus.ts';
import { createOpenAiBatchApi } from '../openai/batch-api.ts';
import { createSecretApiKey } from '../openai/secret-api-key.ts';
import { createS3RequestFiles } from '../s3/request-files.ts';
import { createS3ResultStore } from '../s3/result-store.ts';
import { handleEachRecord } from '../sqs/records.ts';
import { createSqsWorkQueues, type QueueUrls } from '../sqs/work-queues.ts';
import { createEmfMetrics, type EmfMetrics } from './emf-metrics.ts';
import { createJsonLog } from './json-log.ts';
import { systemClock } from './system-clock.ts';

/*
 * Pieces of the composition roots, each made from the function's environment. They are functions without effects at
 * import, so that the bundle of a function holds only those that its index.ts calls: CANCEL loads no S3 client.
 */

/** Where results are. */
interface ResultsPlace {
  RESULTS_BUCKET: string;
  RESULTS_PREFIX?: string;
}

/** What every function has. */
export interface Basics {
  ledger: Ledger;
  bus: EventBus;
  instance: string;
  resultsBucket: string;
  resultsPrefix?: string;
  clock: Clock;
  log: Log;
  metrics: EmfMetrics;
}

/** `service` names the function in its log. */
export function createBasics(
  service: string,
  env: { INSTANCE: string; LEDGER_TABLE: string; EVENT_BUS_ARN: string } & ResultsPlace,
): Basics {
  return {
    ledger: createDynamoDbLedger({
      client: new DynamoDBClient(AWS_CLIENT_SETTINGS),
      tableName: env.LEDGER_TABLE,
      clock: systemClock,
    }),
    bus: createEventBridgeBus({
      client: new EventBridgeClient(AWS_CLIENT_SETTINGS),
      busArn: env.EVENT_BUS_ARN,
    }),
    instance: env.INSTANCE,
    resultsBucket: env.RESULTS_BUCKET,
    ...(env.RESULTS_PREFIX === undefined ? {} : { resultsPrefix: env.RESULTS_PREFIX }),
    clock: systemClock,
    log: createJsonLog(service),
    metrics: createEmfMetrics({ service: env.INSTANCE }),
  };
}

/** The Batch API, with the key from Secrets Manager. */
export function createBatchApi(env: { OPENAI_BASE_URL: string; OPENAI_SECRET_ID: string }): BatchApi {
  return createOpenAiBatchApi({
    baseUrl: env.OPENAI_BASE_URL,
    keys: createSecretApiKey({ secretId: env.OPENAI_SECRET_ID, clock: systemClock }),
  });
}

/** The queues that a function sends to. */
export function createQueues(urls: QueueUrls): WorkQueues {
  return createSqsWorkQueues({ client: new SQSClient(AWS_CLIENT_SETTINGS), urls });
}

/** The request bucket and the results bucket. */
export function createBuckets(env: ResultsPlace & { BUCKET_OWNER: string }): {
  requestFiles: RequestFiles;
  results: ResultStore;
} {
  const client = new S3Client(S3_CLIENT_SETTINGS);
  return {
    requestFiles: createS3RequestFiles({ client, owner: env.BUCKET_OWNER }),
    results: createS3ResultStore({
      client,
      bucket: env.RESULTS_BUCKET,
      owner: env.BUCKET_OWNER,
      prefix: env.RESULTS_PREFIX,
    }),
  };
}

/** The handler of a function that a queue feeds. It reports the records that failed and writes metrics once per invocation. */
export function createQueueHandler(
  { log, metrics }: Pick<Basics, 'log' | 'metrics'>,
  handle: (record: SQSRecord, context: Context) => Promise<void>,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  return (event, context) =>
    metrics.during(() => handleEachRecord(event, (record) => handle(record, context), log));
}
