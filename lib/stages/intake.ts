import { Duration, Size, Stack } from 'aws-cdk-lib';
import { type IEventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { IntakeEnv } from '../../functions/intake/env.ts';
import { grantReadRequests, grantWriteFindings } from '../resources/bucket-grants.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import { acknowledgeFinding } from '../resources/nag-findings.ts';
import { deadLetterQueue, grantRuleSend, WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';
import { SMALL_YOUNG_GENERATION } from './young-generation.ts';

const TIMEOUT = Duration.minutes(10); // a longer scan is resumed; the queue's visibility timeout is six times as long

// 110 MB for Node and code; 12 bytes per row, 60 MB at the limit of 5 million; 48 MB of row tables in memory; 200 MB
// for a row of 32 MiB as bytes, as text and parsed. 10 GB of ordinary rows take half of this, but memory also buys CPU:
// 0.29 vCPU check some 80 MB/s, as fast as S3 sends.
const MEMORY = Size.mebibytes(512);

interface IntakeProps {
  settings: WorkerSettings;
  /** How many messages it handles at a time; 0: no maximum. */
  maxConcurrency: number;
  encryptionKey: IKey | undefined;
  requestBucket: IBucket;
  /** The prefix of keys that are request files. */
  requestPrefix: string | undefined;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  /** In the format of `batchLimitsOf`. */
  batchLimits: string;
  /** As `holdEnvironment` writes it. */
  holds: Pick<IntakeEnv, 'APPROVE_ABOVE' | 'APPROVAL_EXPIRES_AFTER'>;
  submission: WorkQueue;
  prices: Pick<IntakeEnv, 'PRICES'>;
}

/** The path from "Object Created" to a planned job: the rule, the intake queue and INTAKE. */
export class Intake extends Construct {
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;
  /** Events of the bucket that EventBridge could not send to the intake queue. */
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: IntakeProps) {
    super(scope, id);
    this.work = new WorkQueue(this, 'Work', { timeout: TIMEOUT, encryptionKey: props.encryptionKey });
    this.undelivered = deadLetterQueue(this, 'Undelivered', props.encryptionKey);
    acknowledgeFinding(
      this.undelivered,
      'AwsSolutions-SQS3',
      'It is the dead-letter queue of an EventBridge target, which this check does not recognize.',
    );
    this.#subscribeToBucket(props);
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'intake',
      description: 'Validates a request file and plans its parts',
      memory: MEMORY,
      timeout: TIMEOUT,
      environment: {
        NODE_OPTIONS: SMALL_YOUNG_GENERATION,
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        REQUEST_BUCKET: props.requestBucket.bucketName,
        ...resultsEnvironment(props),
        SUBMIT_QUEUE_URL: props.submission.queue.queueUrl,
        BUCKET_OWNER: Stack.of(this).account,
        BATCH_LIMITS: props.batchLimits,
        ...props.holds,
        ...props.prices,
      } satisfies IntakeEnv & { NODE_OPTIONS: string },
    });
    grantReadRequests(this.worker, props.requestBucket, props.requestPrefix);
    grantWriteFindings(this.worker, props.resultsBucket, props.resultsPrefix);
    props.ledger.grantRecord(this.worker);
    props.ledger.grantListOfJob(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.submission.grantSend(this.worker);
    // One file at a time, because a large one would delay the others. Five in parallel, so that a thousand small files
    // take minutes and one function does not use up the ten concurrent executions of a new account.
    this.work.feed(this.worker, { batchSize: 1, maxConcurrency: props.maxConcurrency });
  }

  /**
   * In a bucket that Batchdrop creates, every key matches, so that a file with a wrong suffix is rejected with a
   * report. The owner of an imported bucket turns EventBridge on. The CDK could do so only with a custom resource,
   * which would overwrite the bucket's other notifications.
   */
  #subscribeToBucket({ requestBucket, requestPrefix }: IntakeProps): void {
    const rule = new Rule(this, 'ObjectCreated', {
      description: 'A request file was uploaded',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [requestBucket.bucketName] },
          ...(requestPrefix !== undefined && { object: { key: Match.prefix(requestPrefix) } }),
        },
      },
    });
    for (const queue of [this.work.queue, this.undelivered]) grantRuleSend(rule, queue);
    rule.addTarget({
      bind: () => ({
        arn: this.work.queue.queueArn,
        deadLetterConfig: { arn: this.undelivered.queueArn },
      }),
    });
  }
}
