import { Duration, Size, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { DeliverEnv } from '../../functions/deliver/env.ts';
import { grantWriteResults } from '../resources/bucket-grants.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import type { OpenAiAccount } from '../resources/openai-account.ts';
import { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';

const TIMEOUT = Duration.minutes(10); // an output file of some GB; putting the pieces together is resumed

// The lines of one batch lie here while they are put in order. 50,000 rows at 16 KB, an answer of 4,000 tokens, are 0.8 GB;
// all of them at 200 KB, the longest answers of most models, are 10 GB. It costs a ten-thousandth of a cent a minute and GB.
const SCRATCH = Size.gibibytes(10);

interface DeliveryProps {
  settings: WorkerSettings;
  encryptionKey: IKey | undefined;
  resultsBucket: IBucket;
  ledger: LedgerTable;
  eventBus: IEventBus;
  openAi: OpenAiAccount;
  keepOpenAiFiles: boolean;
  maxAttempts: number;
  rerunMissing: boolean;
}

/** From an ended batch to readable results: the deliver queue (parts to deliver, jobs to finish) and DELIVER. */
export class Delivery extends Construct {
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;

  constructor(scope: Construct, id: string, props: DeliveryProps) {
    super(scope, id);
    this.work = new WorkQueue(this, 'Work', { timeout: TIMEOUT, encryptionKey: props.encryptionKey });
    this.worker = new WorkerFunction(this, 'Worker', {
      settings: props.settings,
      bundle: 'deliver',
      description: 'Stores the results of an ended batch and accounts for its rows',
      memory: Size.mebibytes(512), // bodies are streams; 8 MiB upload parts and the table of one part's 50,000 rows
      scratch: SCRATCH,
      timeout: TIMEOUT,
      environment: {
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        RESULTS_BUCKET: props.resultsBucket.bucketName,
        BUCKET_OWNER: Stack.of(this).account,
        ...props.openAi.environment(),
        KEEP_OPENAI_FILES: props.keepOpenAiFiles ? 'yes' : 'no',
        MAX_ATTEMPTS: String(props.maxAttempts),
        RERUN_MISSING: props.rerunMissing ? 'yes' : 'no',
      } satisfies DeliverEnv,
    });
    grantWriteResults(this.worker, props.resultsBucket);
    props.ledger.grantRecord(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.openAi.grantUse(this.worker);
    // One each: a download may take minutes. Five side by side are some 300 MB/s, and leave a small account its quota.
    this.work.feed(this.worker, { batchSize: 1, maxConcurrency: 5 });
  }
}
