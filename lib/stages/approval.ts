import { Duration, Size } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { ApproveEnv } from '../../functions/approve/env.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

const TIMEOUT = Duration.minutes(1); // ten requests, each a few short calls; POLL sends the parts that are left

interface ApprovalProps {
  settings: WorkerSettings;
  encryptionKey: IKey | undefined;
  resultsBucket: IBucket;
  /** Before all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  submission: WorkQueue;
}

/** The approval queue, which users send to, and APPROVE. */
export class Approval extends Construct {
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;

  constructor(scope: Construct, id: string, props: ApprovalProps) {
    super(scope, id);
    this.work = new WorkQueue(this, 'Work', { timeout: TIMEOUT, encryptionKey: props.encryptionKey });
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'approve',
      description: 'Records an approval and sends the parts of the job',
      memory: Size.mebibytes(256), // less memory would make cold starts slow
      timeout: TIMEOUT,
      environment: {
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        ...resultsEnvironment(props), // named in events, not read
        SUBMIT_QUEUE_URL: props.submission.queue.queueUrl,
      } satisfies ApproveEnv,
    });
    props.ledger.grantRecord(this.worker);
    props.ledger.grantListOfJob(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.submission.grantSend(this.worker);
    this.work.feed(this.worker, { batchSize: 10 }); // as CANCEL: messages are small and may be many
  }
}
