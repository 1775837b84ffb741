import { Duration, Size } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { CancelEnv } from '../../functions/cancel/env.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import type { OpenAiAccount } from '../resources/openai-account.ts';
import { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

const TIMEOUT = Duration.minutes(1); // ten requests, each a few short calls

interface CancellationProps {
  settings: WorkerSettings;
  encryptionKey: IKey | undefined;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  openAi: OpenAiAccount;
}

/** The cancel queue, which users send to, and CANCEL. */
export class Cancellation extends Construct {
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;

  constructor(scope: Construct, id: string, props: CancellationProps) {
    super(scope, id);
    this.work = new WorkQueue(this, 'Work', { timeout: TIMEOUT, encryptionKey: props.encryptionKey });
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'cancel',
      description: 'Records a cancel request and sends it to the API',
      memory: Size.mebibytes(256), // small responses only; less memory would make cold starts slow
      timeout: TIMEOUT,
      environment: {
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        ...resultsEnvironment(props), // only named in events, not read
        ...props.openAi.environment(),
      } satisfies CancelEnv,
    });
    props.ledger.grantRecord(this.worker);
    props.ledger.grantListOfJob(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.openAi.grantUse(this.worker);
    // Ten is the maximum without a batching window; messages are small and may be many.
    this.work.feed(this.worker, { batchSize: 10 });
  }
}
