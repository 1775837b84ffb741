import { Duration, Size, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { SubmitEnv } from '../../functions/submit/env.ts';
import { grantReadRequests, grantReadRowTables } from '../resources/bucket-grants.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import type { OpenAiAccount } from '../resources/openai-account.ts';
import { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

const TIMEOUT = Duration.minutes(10); // 200 MB at 0.4 MB/s; the part's lease is longer

interface SubmissionProps {
  settings: WorkerSettings;
  /** How many messages it handles at a time; 0: no maximum. */
  maxConcurrency: number;
  encryptionKey: IKey | undefined;
  requestBucket: IBucket;
  requestPrefix: string | undefined;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  /** In the format of `batchLimitsOf`. */
  batchLimits: string;
  openAi: OpenAiAccount;
  completionWindow: string;
  /** Gets a message for a part that ends while SUBMIT has it, such as a batch whose end a webhook reports early. */
  delivery: WorkQueue;
  /** Webhooks may report the end of a batch before it is saved. */
  webhooks: boolean;
}

/** The path from a planned part to a batch: the submit queue and SUBMIT. */
export class Submission extends Construct {
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;

  constructor(scope: Construct, id: string, props: SubmissionProps) {
    super(scope, id);
    this.work = new WorkQueue(this, 'Work', { timeout: TIMEOUT, encryptionKey: props.encryptionKey });
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'submit',
      description: 'Uploads a part of a request file and creates its batch',
      memory: Size.mebibytes(512), // bodies are streams, with a peak of about 150 MB; 0.29 vCPU saturates the network
      timeout: TIMEOUT,
      environment: {
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        REQUEST_BUCKET: props.requestBucket.bucketName,
        ...resultsEnvironment(props),
        BUCKET_OWNER: Stack.of(this).account,
        DELIVER_QUEUE_URL: props.delivery.queue.queueUrl,
        ...props.openAi.environment(),
        COMPLETION_WINDOW: props.completionWindow,
        BATCH_LIMITS: props.batchLimits,
        ...(props.webhooks && { WEBHOOKS: 'on' }),
      } satisfies SubmitEnv,
    });
    grantReadRequests(this.worker, props.requestBucket, props.requestPrefix);
    grantReadRowTables(this.worker, props.resultsBucket, props.resultsPrefix); // they contain the rows of an attempt
    props.ledger.grantRecord(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.openAi.grantUse(this.worker);
    props.delivery.grantSend(this.worker);
    // One part at a time, because it may take minutes.
    this.work.feed(this.worker, { batchSize: 1, maxConcurrency: props.maxConcurrency });
  }
}
