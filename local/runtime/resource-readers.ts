import type { TableDefinition } from '../aws/dynamodb/engine.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/protocol/aws-service.ts';
import type { AsynchronousPolicy } from '../lambda/function-spec.ts';
import type { Properties } from './properties.ts';
import type {
  BucketPlan,
  FunctionPlan,
  MappingPlan,
  OfFunction,
  QueuePlan,
  RulePlan,
  SchedulePlan,
  UrlPlan,
} from './stack-plan.ts';

// CloudFormation's and Lambda's defaults for absent properties.
const DEFAULT_MEMORY_MB = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;
const DEFAULT_BATCH_SIZE = 10;
const DEFAULT_ASYNCHRONOUS_RETRIES = 2;
const DEFAULT_EVENT_AGE_SECONDS = 21_600;

/** Lambda allows 1,000, but one machine has only a few cores. */
const CONCURRENCY_WITHOUT_LIMIT = 5;

/** The local names of resources. */
export interface ResourceNames {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
}

export function readBucket(properties: Properties, { name }: ResourceNames): BucketPlan {
  properties.ignore(
    'BucketName',
    'AccessControl',
    'BucketEncryption',
    'LifecycleConfiguration',
    'OwnershipControls',
    'PublicAccessBlockConfiguration',
    'Tags',
  );
  const versioning = properties.optionalObject('VersioningConfiguration');
  const notifications = properties.optionalObject('NotificationConfiguration');
  const eventBridge = notifications?.optionalObject('EventBridgeConfiguration');
  const logging = properties.optionalObject('LoggingConfiguration');
  const plan = {
    name,
    ...(logging && { accessLogs: readAccessLogs(logging, name) }),
    versioned: versioning?.text('Status') === 'Enabled',
    eventBridge: eventBridge !== undefined && (eventBridge.optionalFlag('EventBridgeEnabled') ?? true),
  };
  notifications?.done(); // queues and topics as notification targets would be silently ignored
  return plan;
}

/** A bucket without a separate log bucket writes its logs into itself. */
function readAccessLogs(logging: Properties, self: string): { bucket: string; prefix: string } {
  logging.ignore('TargetObjectKeyFormat');
  return {
    bucket: logging.optionalText('DestinationBucketName') ?? self,
    prefix: logging.optionalText('LogFilePrefix') ?? '',
  };
}

export function readQueue(properties: Properties, { name }: ResourceNames): QueuePlan {
  properties.ignore('QueueName', 'SqsManagedSseEnabled', 'RedriveAllowPolicy', 'Tags');
  const redrive = properties.optionalObject('RedrivePolicy');
  return {
    name,
    settings: {
      ...defined('visibilityTimeoutSeconds', properties.optionalNumber('VisibilityTimeout')),
      ...defined('delaySeconds', properties.optionalNumber('DelaySeconds')),
      ...defined('retentionSeconds', properties.optionalNumber('MessageRetentionPeriod')),
      ...defined('receiveWaitSeconds', properties.optionalNumber('ReceiveMessageWaitTimeSeconds')),
      ...defined('maximumMessageBytes', properties.optionalNumber('MaximumMessageSize')),
      ...(redrive && {
        redrive: {
          deadLetterTargetArn: redrive.text('deadLetterTargetArn'),
          maxReceiveCount: redrive.number('maxReceiveCount'),
        },
      }),
    },
  };
}

export function readBus(properties: Properties, { name }: ResourceNames): string {
  properties.ignore('Name', 'Description', 'Tags', 'LogConfig');
  return name;
}

export function readRule(properties: Properties, { name, arn }: ResourceNames): RulePlan {
  properties.ignore('Name', 'Description', 'RoleArn', 'Tags');
  return {
    bus: (properties.optionalText('EventBusName') ?? 'default').split('/').at(-1) ?? 'default',
    name,
    arn,
    pattern: Object(properties.json('EventPattern')),
    enabled: (properties.optionalText('State') ?? 'ENABLED') === 'ENABLED',
    targets: [properties.json('Targets') ?? []].flat().map(Object),
  };
}

export function readTable(properties: Properties, { name }: ResourceNames): TableDefinition {
  properties.ignore(
    'TableName',
    'BillingMode',
    'DeletionProtectionEnabled',
    'PointInTimeRecoverySpecification',
    'SSESpecification',
    'TimeToLiveSpecification',
    'Tags',
  );
  const indexes = properties.objects('GlobalSecondaryIndexes').map((index) => ({
    IndexName: index.text('IndexName'),
    KeySchema: readKeys(index),
    Projection: readProjection(index.object('Projection')),
  }));
  return {
    TableName: name,
    AttributeDefinitions: properties.objects('AttributeDefinitions').map((attribute) => ({
      AttributeName: attribute.text('AttributeName'),
      AttributeType: attribute.choice('AttributeType', ['S', 'N', 'B']),
    })),
    KeySchema: readKeys(properties),
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
  };
}

function readKeys(properties: Properties) {
  return properties.objects('KeySchema').map((key) => ({
    AttributeName: key.text('AttributeName'),
    KeyType: key.choice('KeyType', ['HASH', 'RANGE']),
  }));
}

function readProjection(properties: Properties) {
  const ProjectionType = properties.choice('ProjectionType', ['ALL', 'KEYS_ONLY', 'INCLUDE']);
  const NonKeyAttributes = properties.texts('NonKeyAttributes');
  return { ProjectionType, ...(NonKeyAttributes.length > 0 && { NonKeyAttributes }) };
}

export function readFunction(
  properties: Properties,
  { logicalId, name, arn }: ResourceNames,
  assetDirectory: (objectKey: string) => string,
): FunctionPlan {
  // The function uses this machine's disk, whatever size the template sets.
  properties.ignore(
    'FunctionName',
    'Architectures',
    'Description',
    'EphemeralStorage',
    'Tags',
    'TracingConfig',
  );
  const runtime = properties.text('Runtime');
  if (!runtime.startsWith('nodejs'))
    throw new Error(`${logicalId}: the local runtime supports Node only, not ${runtime}`);
  const code = properties.object('Code');
  return {
    name,
    arn,
    accessKeyId: `LOCAL${logicalId}`,
    roleArn: properties.text('Role'),
    logGroup: properties.optionalObject('LoggingConfig')?.optionalText('LogGroup') ?? `/aws/lambda/${name}`,
    codeDirectory: assetDirectory(code.text('S3Key')),
    handler: properties.text('Handler'),
    memoryMb: properties.optionalNumber('MemorySize') ?? DEFAULT_MEMORY_MB,
    timeoutSeconds: properties.optionalNumber('Timeout') ?? DEFAULT_TIMEOUT_SECONDS,
    environment: properties.optionalObject('Environment')?.textsByName('Variables') ?? {},
    ...defined('reservedConcurrency', properties.optionalNumber('ReservedConcurrentExecutions')),
  };
}

/** Only a public URL with buffered responses, because nothing here signs calls for IAM or streams responses. */
export function readUrl(properties: Properties, url: string): UrlPlan {
  properties.choice('AuthType', ['NONE']);
  const invokeMode = properties.optionalText('InvokeMode') ?? 'BUFFERED';
  if (invokeMode !== 'BUFFERED')
    throw new Error(`the local runtime does not support the InvokeMode ${invokeMode} of a function's URL`);
  return { functionArn: functionArnOf(properties.text('TargetFunctionArn')), url };
}

export function readInvokeConfig(properties: Properties): OfFunction<AsynchronousPolicy> {
  properties.ignore('Qualifier');
  return {
    functionName: functionNameOf(properties),
    retries: properties.optionalNumber('MaximumRetryAttempts') ?? DEFAULT_ASYNCHRONOUS_RETRIES,
    maxEventAgeSeconds: properties.optionalNumber('MaximumEventAgeInSeconds') ?? DEFAULT_EVENT_AGE_SECONDS,
  };
}

export function readMapping(properties: Properties, id: string): MappingPlan {
  const responses = properties.texts('FunctionResponseTypes');
  const scaling = properties.optionalObject('ScalingConfig');
  return {
    id,
    enabled: properties.optionalFlag('Enabled') ?? true,
    functionName: functionNameOf(properties),
    queueArn: properties.text('EventSourceArn'),
    batchSize: properties.optionalNumber('BatchSize') ?? DEFAULT_BATCH_SIZE,
    maximumConcurrency: scaling?.optionalNumber('MaximumConcurrency') ?? CONCURRENCY_WITHOUT_LIMIT,
    reportsItemFailures: responses.includes('ReportBatchItemFailures'),
  };
}

export function readSchedule(properties: Properties, { name }: ResourceNames): SchedulePlan {
  properties.ignore('Name', 'Description', 'FlexibleTimeWindow', 'ScheduleExpressionTimezone', 'GroupName');
  const target = properties.object('Target');
  return {
    name,
    expression: properties.text('ScheduleExpression'),
    enabled: (properties.optionalText('State') ?? 'ENABLED') === 'ENABLED',
    targetArn: target.text('Arn'),
    roleArn: target.text('RoleArn'),
    input: target.optionalText('Input') ?? '{}',
  };
}

/** The retries of a function without EventInvokeConfig. */
export const DEFAULT_ASYNCHRONOUS_POLICY: AsynchronousPolicy = {
  retries: DEFAULT_ASYNCHRONOUS_RETRIES,
  maxEventAgeSeconds: DEFAULT_EVENT_AGE_SECONDS,
};

/** Returns the name of a function that is given by name or by ARN. */
function functionNameOf(properties: Properties): string {
  const given = properties.text('FunctionName');
  return given.slice(given.lastIndexOf(':') + 1);
}

/** Returns the ARN of a function that is given by name or by ARN. */
export function functionArnOf(given: string): string {
  return given.startsWith('arn:')
    ? given
    : `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${given}`;
}

/** Returns the ARN of a bus that is given by name or by ARN. */
export function busArnOf(given: string): string {
  return given.startsWith('arn:')
    ? given
    : `arn:aws:events:${LOCAL_REGION}:${LOCAL_ACCOUNT}:event-bus/${given}`;
}

function defined<Name extends string>(name: Name, value: number | undefined): { [name in Name]?: number } {
  const settings: { [name in Name]?: number } = {};
  if (value !== undefined) settings[name] = value;
  return settings;
}
