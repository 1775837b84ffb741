import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import {
  IntegrationPattern,
  JitterType,
  JsonPath,
  QueryLanguage,
  TaskInput,
  type TaskStateBase,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { type StartRequest, TASK_ERRORS } from '../../functions/shared/contract/messages/start-request.ts';
import { BUCKET } from '../guards/prop-shapes.ts';
import { refuse } from '../guards/refuse.ts';
import { JUDGED, listOf, objectWith, type Shape, shapeProblems, textLike } from '../guards/shape.ts';
import { isDuration } from '../guards/shown.ts';
import { acknowledgeFinding, nagResource } from '../resources/nag-findings.ts';
import type { TaskCallbacks } from './task-callbacks.ts';

/**
 * How a state of Step Functions starts a job and waits for its end.
 * @example { sourceBuckets: [inbox], timeout: Duration.days(4), resultPath: '$.job' }
 */
export interface StartAndWaitProps {
  /**
   * For how long the state waits: whole seconds, at most 365 days. Then it fails with `States.Timeout`, and its job goes on. A
   * warning tells if it is shorter than the job's batches may take.
   * @example Duration.days(4)
   */
  readonly timeout: Duration;
  /**
   * Buckets that the files come from, at least one. Batchdrop may then list and read them, and use the keys that encrypt them.
   * @example [inbox]
   */
  readonly sourceBuckets: IBucket[];
  /**
   * Bucket of the file: a name, or an expression of the query language.
   * @default - the field `bucket` of the state's input
   * @example JsonPath.stringAt('$.detail.bucket.name')
   */
  readonly bucket?: string | undefined;
  /**
   * Key of the file: a key, or an expression of the query language.
   * @default - the field `key` of the state's input
   * @example JsonPath.stringAt('$.detail.object.key')
   */
  readonly key?: string | undefined;
  /**
   * Query language of the state. All states of a JSONata state machine use JSONata.
   * @default QueryLanguage.JSON_PATH
   * @example QueryLanguage.JSONATA
   */
  readonly queryLanguage?: QueryLanguage | undefined;
  /**
   * Where the output goes in the state's input, with JSONPath, such as `$.job`.
   * @default - the output replaces the input
   * @example '$.job'
   */
  readonly resultPath?: string | undefined;
  /**
   * Output of the state, with JSONata, such as `{% $merge([$states.input, {"job": $states.result}]) %}`.
   * @default - the event of the job's end
   * @example '{% $states.result.data.results %}'
   */
  readonly outputs?: string | undefined;
  /**
   * Comment of the state.
   * @default 'Starts a job of Batchdrop and waits for its end'
   * @example 'Classifies the reviews of a day'
   */
  readonly comment?: string | undefined;
  /**
   * Name of the state.
   * @default - the construct's id
   * @example 'Classify reviews'
   */
  readonly stateName?: string | undefined;
}

const EXPRESSION = textLike("a text, such as JsonPath.stringAt('$.key')");

const TASK = objectWith(
  {
    timeout: { fits: isDuration, instead: 'a Duration such as Duration.days(4)' },
    sourceBuckets: { ...listOf(BUCKET), instead: `a list of buckets; each is ${BUCKET.instead}` },
    bucket: EXPRESSION,
    key: EXPRESSION,
    queryLanguage: JUDGED,
    resultPath: EXPRESSION,
    outputs: EXPRESSION,
    comment: EXPRESSION,
    stateName: EXPRESSION,
  } satisfies Record<keyof StartAndWaitProps, Shape>,
  'an object such as { sourceBuckets: [inbox], timeout: Duration.days(4) }',
);

const MAX_TIMEOUT = Duration.days(365); // an execution lasts no longer
const COMMENT = 'Starts a job of Batchdrop and waits for its end';

/** What another try of the task may cure. A task that is tried again has its job joined, not run again. */
const RETRIED = [TASK_ERRORS.notStarted, TASK_ERRORS.sourceChanged, 'Lambda.TooManyRequestsException'];

/** Creates the state. Errors: an Error with what is wrong with the props. */
export function startAndWait(
  scope: Construct,
  id: string,
  props: StartAndWaitProps,
  callbacks: TaskCallbacks,
): TaskStateBase {
  const unfit = [...shapeProblems('props', props ?? null, TASK)];
  refuse(scope, unfit.length > 0 ? unfit : propProblems(props), id);
  const state = invokeStart(scope, id, props, callbacks);
  state.addRetry({
    errors: [...RETRIED],
    interval: Duration.seconds(5),
    maxAttempts: 6,
    backoffRate: 2,
    jitterStrategy: JitterType.FULL,
  });
  grantReadSources(state, props.sourceBuckets, callbacks);
  warnOfShortTimeout(state, props.timeout, callbacks.longestRun);
  warnOfLoop(state, props.sourceBuckets, callbacks.requestBucket);
  return state;
}

function invokeStart(
  scope: Construct,
  id: string,
  props: StartAndWaitProps,
  callbacks: TaskCallbacks,
): LambdaInvoke {
  const { timeout, comment = COMMENT, stateName, resultPath, outputs } = props;
  const usesJsonata = props.queryLanguage === QueryLanguage.JSONATA;
  const { bucket, key, taskToken } = usesJsonata ? JSONATA : JSON_PATH;
  const payload = {
    bucket: props.bucket ?? bucket,
    key: props.key ?? key,
    taskToken,
    timeoutSeconds: timeout.toSeconds(),
  } satisfies StartRequest;
  const common = {
    lambdaFunction: callbacks.starter.lambda,
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: TaskInput.fromObject(payload),
    taskTimeout: Timeout.duration(timeout),
    comment,
    ...(stateName !== undefined && { stateName }),
  };
  return usesJsonata
    ? LambdaInvoke.jsonata(scope, id, { ...common, ...(outputs !== undefined && { outputs }) })
    : LambdaInvoke.jsonPath(scope, id, { ...common, ...(resultPath !== undefined && { resultPath }) });
}

const JSON_PATH = {
  bucket: JsonPath.stringAt('$.bucket'),
  key: JsonPath.stringAt('$.key'),
  taskToken: JsonPath.taskToken,
};

const JSONATA = {
  bucket: '{% $states.input.bucket %}',
  key: '{% $states.input.key %}',
  taskToken: '{% $states.context.Task.Token %}',
};

function* propProblems(props: StartAndWaitProps): Generator<string> {
  const { timeout, sourceBuckets = [], queryLanguage = QueryLanguage.JSON_PATH, resultPath, outputs } = props;
  if (timeout === undefined) {
    yield 'timeout is missing; set how long the state waits, because a token without a timeout may wait for a year.';
  } else if (!timeout.isUnresolved()) {
    const seconds = timeout.toSeconds({ integral: false });
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_TIMEOUT.toSeconds())
      yield `timeout is ${timeout.toHumanString()}; set whole seconds, at least one and at most 365 days.`;
  }
  if (sourceBuckets.length === 0)
    yield 'sourceBuckets is empty; name each bucket that the files come from, or Batchdrop may not read them.';
  const usesJsonata = queryLanguage === QueryLanguage.JSONATA;
  if (usesJsonata && resultPath !== undefined)
    yield 'resultPath is set with QueryLanguage.JSONATA; set outputs instead.';
  if (!usesJsonata && outputs !== undefined)
    yield 'outputs is set with QueryLanguage.JSON_PATH; set resultPath instead, or QueryLanguage.JSONATA.';
}

/**
 * In the stack of the state, which may also contain the buckets: START's own stack must not depend on theirs, because the state
 * depends on START.
 */
function grantReadSources(state: Construct, buckets: readonly IBucket[], { starter }: TaskCallbacks): void {
  const policy = new Policy(state, 'ReadSources', { roles: [starter.role] });
  for (const bucket of buckets) {
    const objects = bucket.arnForObjects('*');
    policy.addStatements(
      new PolicyStatement({ actions: ['s3:GetObject'], resources: [objects] }),
      // Without it, S3 returns 403 for a missing object.
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
    );
    if (bucket.encryptionKey)
      policy.addStatements(
        new PolicyStatement({ actions: ['kms:Decrypt'], resources: [bucket.encryptionKey.keyArn] }),
      );
    acknowledgeFinding(
      policy,
      `AwsSolutions-IAM5[Resource::${nagResource(Stack.of(state).resolve(objects))}]`,
      'The input of the state names the file. The bucket is one of those in sourceBuckets.',
    );
  }
}

function warnOfShortTimeout(state: Construct, timeout: Duration, longestRun: Duration): void {
  if (timeout.isUnresolved() || timeout.toSeconds() >= longestRun.toSeconds()) return;
  Annotations.of(state).addWarningV2(
    'batchdrop:startAndWaitTimeout',
    `timeout is ${timeout.toHumanString()}, but the batches of a job may take ${longestRun.toHumanString()}: completionWindow for each of maxAttempts. The state may fail while its job goes on, and costs.`,
  );
}

/** A copy onto the file itself is a new version, with an event that may start the state machine again. */
function warnOfLoop(state: Construct, sources: readonly IBucket[], requestBucket: IBucket): void {
  const nameOf = ({ bucketName }: IBucket) => JSON.stringify(Stack.of(state).resolve(bucketName));
  if (!sources.some((each) => each === requestBucket || nameOf(each) === nameOf(requestBucket))) return;
  Annotations.of(state).addWarningV2(
    'batchdrop:startAndWaitLoop',
    'sourceBuckets names the request bucket. Each copy is an event of that bucket, so do not start the state machine by its events: it would start itself again and again.',
  );
}
