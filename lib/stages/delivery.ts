import { Duration, Size, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { DeliverEnv } from '../../functions/deliver/env.ts';
import { grantReadRequests, grantTagRequests, grantWriteResults } from '../resources/bucket-grants.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import type { OpenAiAccount } from '../resources/openai-account.ts';
import { WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from './worker-function.ts';
import { SMALL_YOUNG_GENERATION } from './young-generation.ts';

const TIMEOUT = Duration.minutes(10); // an output file of some GB; assembling the pieces can be resumed

// The disk for the result lines of one batch while they are sorted. 50,000 rows of 16 KB (4,000 output tokens) are 0.8
// GB; of 200 KB, the longest output of most models, 10 GB. It costs 0.0002 cents per GB and minute.
const SCRATCH = Size.gibibytes(10);

interface DeliveryProps {
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
  openAi: OpenAiAccount;
  keepOpenAiFiles: boolean;
  maxAttempts: number;
  rerunMissing: boolean;
  flatResults: boolean;
  prices: Pick<DeliverEnv, 'PRICES'>;
}

/** From an ended batch to stored results: the deliver queue (parts to deliver, jobs to finish) and DELIVER. */
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
      memory: Size.mebibytes(512), // bodies are streams; memory is for upload parts of 8 MiB and the table of a part's 50,000 rows
      scratch: SCRATCH,
      timeout: TIMEOUT,
      environment: {
        NODE_OPTIONS: SMALL_YOUNG_GENERATION,
        INSTANCE: props.settings.instance,
        LEDGER_TABLE: props.ledger.table.tableName,
        EVENT_BUS_ARN: props.eventBus.eventBusArn,
        ...resultsEnvironment(props),
        BUCKET_OWNER: Stack.of(this).account,
        ...props.openAi.environment(),
        KEEP_OPENAI_FILES: props.keepOpenAiFiles ? 'yes' : 'no',
        MAX_ATTEMPTS: String(props.maxAttempts),
        RERUN_MISSING: props.rerunMissing ? 'yes' : 'no',
        ...(props.flatResults && { FLAT_RESULTS: 'yes' }),
        ...props.prices,
      } satisfies DeliverEnv & { NODE_OPTIONS: string },
    });
    // The table of a job has the order of its request file, and the columns that its rows ask for.
    grantReadRequests(this.worker, props.requestBucket, props.requestPrefix);
    grantTagRequests(this.worker, props.requestBucket, props.requestPrefix);
    grantWriteResults(this.worker, props.resultsBucket, props.resultsPrefix);
    props.ledger.grantRecord(this.worker);
    props.ledger.grantListOfJob(this.worker);
    props.eventBus.grantPutEventsTo(this.worker);
    props.openAi.grantUse(this.worker);
    // One message at a time, because a download may take minutes. Five in parallel reach some 300 MB/s, and leave
    // concurrency of a small account for other functions.
    this.work.feed(this.worker, { batchSize: 1, maxConcurrency: props.maxConcurrency });
  }
}
