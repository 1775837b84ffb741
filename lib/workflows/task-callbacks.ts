import { ArnFormat, Duration, Size, Stack } from 'aws-cdk-lib';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { AnswerEnv } from '../../functions/answer/env.ts';
import { jobStatusPattern, ofInstance } from '../../functions/shared/contract/patterns.ts';
import type { StartEnv } from '../../functions/start/env.ts';
import { grantCopyRequests } from '../resources/bucket-grants.ts';
import { resultsEnvironment } from '../resources/buckets.ts';
import type { LedgerTable } from '../resources/ledger-table.ts';
import { acknowledgeFinding, nagResource } from '../resources/nag-findings.ts';
import { grantRuleSend, WorkQueue } from '../resources/work-queue.ts';
import { WorkerFunction, type WorkerSettings } from '../stages/worker-function.ts';

const COPY_TIMEOUT = Duration.minutes(15); // 50 GB take some minutes, in parts; this is Lambda's maximum
const ANSWER_TIMEOUT = Duration.minutes(1); // ten messages, each a few short calls per task

interface TaskCallbacksProps {
  settings: WorkerSettings;
  encryptionKey: IKey | undefined;
  requestBucket: IBucket;
  /** The prefix of keys that are request files. */
  requestPrefix: string | undefined;
  resultsBucket: IBucket;
  /** The start of all keys in the results bucket. */
  resultsPrefix: string | undefined;
  ledger: LedgerTable;
  eventBus: IEventBus;
  /** How long the batches of a job may take. */
  longestRun: Duration;
}

/**
 * What tasks of Step Functions need: START, which copies a file and stores the token of its task, and ANSWER, which tells the
 * task how the job ended. Only a Batchdrop with a `startAndWait` has them.
 */
export class TaskCallbacks extends Construct {
  /** START. */
  readonly starter: WorkerFunction;
  /** ANSWER, and the queue of ends that feeds it. */
  readonly work: WorkQueue;
  readonly worker: WorkerFunction;
  readonly longestRun: Duration;
  readonly requestBucket: IBucket;

  constructor(scope: Construct, id: string, props: TaskCallbacksProps) {
    super(scope, id);
    this.longestRun = props.longestRun;
    this.requestBucket = props.requestBucket;
    this.starter = this.#starter(props);
    this.work = new WorkQueue(this, 'Work', {
      timeout: ANSWER_TIMEOUT,
      encryptionKey: props.encryptionKey,
    });
    this.worker = this.#answerer(props);
    this.work.feed(this.worker, { batchSize: 10 }); // as CANCEL: messages are small and may be many
    this.#subscribeToEnds(props);
  }

  #starter(props: TaskCallbacksProps): WorkerFunction {
    const { requestBucket, requestPrefix, ledger } = props;
    const starter = new WorkerFunction(this, 'Starter', {
      settings: props.settings,
      bundle: 'start',
      description: 'Copies the file of a Step Functions task into the request bucket',
      memory: Size.mebibytes(256), // S3 moves the bytes; less memory would make cold starts slow
      timeout: COPY_TIMEOUT,
      environment: {
        LEDGER_TABLE: ledger.table.tableName,
        REQUEST_BUCKET: requestBucket.bucketName,
        ...(requestPrefix === undefined ? {} : { REQUEST_PREFIX: requestPrefix }),
        BUCKET_OWNER: Stack.of(this).account,
      } satisfies StartEnv,
    });
    ledger.grantWriteItems(starter);
    grantCopyRequests(starter, requestBucket, requestPrefix);
    return starter;
  }

  #answerer(props: TaskCallbacksProps): WorkerFunction {
    const { settings, ledger } = props;
    const answerer = new WorkerFunction(this, 'Worker', {
      settings,
      bundle: 'answer',
      description: 'Tells Step Functions tasks how their jobs ended',
      memory: Size.mebibytes(256), // less memory would make cold starts slow
      timeout: ANSWER_TIMEOUT,
      environment: {
        INSTANCE: settings.instance,
        LEDGER_TABLE: ledger.table.tableName,
        ...resultsEnvironment(props), // only named in what tasks are told
      } satisfies AnswerEnv,
    });
    ledger.grantRecord(answerer);
    ledger.grantListOfJob(answerer);
    this.#grantAnswer(answerer);
    return answerer;
  }

  /**
   * Step Functions authorizes an answer by the ARN of the state machine whose task the token names. The ARNs cannot be named
   * here: the state machine depends on this construct, and may be in another stack. A token is a secret of one task, and
   * ANSWER has only those that START was given.
   */
  #grantAnswer(answerer: WorkerFunction): void {
    const stack = Stack.of(this);
    const stateMachines = stack.formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    Grant.addToPrincipal({
      grantee: answerer,
      actions: ['states:SendTaskSuccess', 'states:SendTaskFailure'],
      resourceArns: [stateMachines],
    });
    acknowledgeFinding(
      answerer.role,
      `AwsSolutions-IAM5[Resource::${nagResource(stack.resolve(stateMachines))}]`,
      'The state machines depend on this function, so their names are not known here. A task can be answered only with its token.',
    );
  }

  /** By a queue, so that an end that cannot be told is kept and retried. Events that EventBridge cannot send are kept with it. */
  #subscribeToEnds({ eventBus, settings: { instance } }: TaskCallbacksProps): void {
    const { queue, deadLetters } = this.work;
    const rule = new Rule(this, 'JobEnded', {
      description: 'A job ended, or joined another one',
      eventBus,
      eventPattern: ofInstance(
        instance,
        jobStatusPattern('rejected', 'joined', 'completed', 'failed', 'expired', 'cancelled'),
      ),
    });
    for (const each of [queue, deadLetters]) grantRuleSend(rule, each);
    rule.addTarget({
      bind: () => ({ arn: queue.queueArn, deadLetterConfig: { arn: deadLetters.queueArn } }),
    });
  }
}
