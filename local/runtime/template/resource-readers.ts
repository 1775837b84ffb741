import { randomBytes } from 'node:crypto';
import type { TableDefinition } from '../../aws/dynamodb/engine.ts';
import { compilePattern } from '../../aws/events/patterns/pattern.ts';
import { parseTarget } from '../../aws/events/target.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../aws/protocol/aws-service.ts';
import { Input } from '../../aws/protocol/input.ts';
import { intervalMs } from '../../aws/scheduler/interval.ts';
import { type Properties, UnsupportedProperties } from './properties.ts';
import type { BucketPlan, QueuePlan, RulePlan, SchedulePlan, SecretPlan } from './stack-plan.ts';

/** The local names of resources. */
export interface ResourceNames {
  readonly stack: string;
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
}

export function readBucket(properties: Properties, { name }: ResourceNames): BucketPlan {
  properties.ignore(
    'BucketName',
    'AccelerateConfiguration',
    'AnalyticsConfigurations',
    'BucketEncryption',
    'CorsConfiguration', // no browser may call this endpoint
    'IntelligentTieringConfigurations',
    'InventoryConfigurations',
    'LifecycleConfiguration',
    'MetricsConfigurations',
    'OwnershipControls',
    'PublicAccessBlockConfiguration',
    'Tags',
  );
  const acceptsLogs = properties.optionalText('AccessControl') === 'LogDeliveryWrite';
  const versioning = properties.optionalObject('VersioningConfiguration');
  const notifications = properties.optionalObject('NotificationConfiguration');
  const eventBridge = notifications?.optionalObject('EventBridgeConfiguration');
  const logging = properties.optionalObject('LoggingConfiguration');
  const plan = {
    name,
    ...(logging && { accessLogs: readAccessLogs(logging, name) }),
    ...(acceptsLogs && { acceptsLogs }),
    versioned: versioning?.text('Status') === 'Enabled',
    eventBridge: eventBridge !== undefined && (eventBridge.optionalFlag('EventBridgeEnabled') ?? true),
  };
  notifications?.done(); // queues and topics as notification targets would be silently ignored
  return plan;
}

/**
 * Returns the name of a bucket whose events go to EventBridge. The CDK writes `eventBridgeEnabled` as a custom resource. Throws
 * for other targets.
 */
export function readBucketNotifications(properties: Properties): string {
  properties.ignore('ServiceToken', 'Managed', 'SkipDestinationValidation');
  const { EventBridgeConfiguration, ...others } = Object(properties.json('NotificationConfiguration'));
  const [target] = Object.keys(others);
  if (target !== undefined || EventBridgeConfiguration === undefined)
    throw new UnsupportedProperties([`NotificationConfiguration.${target}`]);
  return properties.text('BucketName');
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
  properties.ignore(
    'QueueName',
    'KmsDataKeyReusePeriodSeconds',
    'KmsMasterKeyId',
    'SqsManagedSseEnabled',
    'RedriveAllowPolicy',
    'Tags',
  );
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
  if (properties.optionalText('ScheduleExpression') !== undefined)
    throw new UnsupportedProperties(['ScheduleExpression']);
  const rule = {
    bus: (properties.optionalText('EventBusName') ?? 'default').split('/').at(-1) ?? 'default',
    name,
    arn,
    pattern: Object(properties.json('EventPattern')),
    enabled: (properties.optionalText('State') ?? 'ENABLED') === 'ENABLED',
    targets: [properties.json('Targets') ?? []].flat().map(Object),
  };
  compilePattern(JSON.stringify(rule.pattern)); // it throws for what is not supported
  for (const target of rule.targets) parseTarget(Input.of(target, 'ValidationException'));
  return rule;
}

export function readTable(properties: Properties, { name }: ResourceNames): TableDefinition {
  properties.ignore(
    'TableName',
    'BillingMode',
    'ContributorInsightsSpecification',
    'DeletionProtectionEnabled',
    'OnDemandThroughput',
    'PointInTimeRecoverySpecification',
    'ProvisionedThroughput', // this machine has no limit
    'SSESpecification',
    'TableClass',
    'TimeToLiveSpecification',
    'Tags',
    'WarmThroughput',
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

export function readSchedule(properties: Properties, { name }: ResourceNames): SchedulePlan {
  properties.ignore('Name', 'Description', 'FlexibleTimeWindow', 'ScheduleExpressionTimezone', 'GroupName');
  const target = properties.object('Target');
  const expression = properties.text('ScheduleExpression');
  intervalMs(expression); // it throws for what is not a rate
  const targetArn = target.text('Arn');
  if (!targetArn.startsWith('arn:aws:lambda:'))
    throw new Error(`its target is ${targetArn}, and only functions can be targets of a schedule here`);
  return {
    name,
    expression,
    enabled: (properties.optionalText('State') ?? 'ENABLED') === 'ENABLED',
    targetArn,
    roleArn: target.text('RoleArn'),
    input: target.optionalText('Input') ?? '{}',
  };
}

/**
 * Returns a secret of the app. A generated value is random. It is made anew at each start, because values are never written
 * to disk.
 */
export function readSecret(properties: Properties, { name }: ResourceNames): SecretPlan {
  properties.ignore('Name', 'Description', 'KmsKeyId', 'ReplicaRegions', 'Tags');
  const value = properties.optionalText('SecretString');
  const generate = properties.optionalObject('GenerateSecretString');
  if (value !== undefined) return { name, value };
  const key = generate?.optionalText('GenerateStringKey');
  const template = generate?.optionalText('SecretStringTemplate');
  const generated = randomBytes(24).toString('base64url');
  if (key === undefined) return { name, value: generated };
  return { name, value: JSON.stringify({ ...JSON.parse(template ?? '{}'), [key]: generated }) };
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

export function defined<Name extends string>(
  name: Name,
  value: number | undefined,
): { [name in Name]?: number } {
  const settings: { [name in Name]?: number } = {};
  if (value !== undefined) settings[name] = value;
  return settings;
}
