/** Readers of Lambda functions and of what belongs to one. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { queueNameOfArn } from '../../aws/sqs/queue.ts';
import type { AsynchronousPolicy } from '../../lambda/function-spec.ts';
import type { Properties } from './properties.ts';
import { defined, functionArnOf, type ResourceNames } from './resource-readers.ts';
import type { FunctionPlan, MappingPlan, OfFunction, UrlPlan } from './stack-plan.ts';

// CloudFormation's and Lambda's defaults for absent properties.
const DEFAULT_MEMORY_MB = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;
const DEFAULT_BATCH_SIZE = 10;
const DEFAULT_ASYNCHRONOUS_RETRIES = 2;
const DEFAULT_EVENT_AGE_SECONDS = 21_600;

/** Lambda allows 1,000, but one machine has only a few cores. */
const CONCURRENCY_WITHOUT_LIMIT = 5;

/** Where the code of functions is. */
interface Code {
  readonly assetDirectory: (objectKey: string) => string;
  /** The folder for code that the template contains as text. */
  readonly inlineDirectory: string;
}

export function readFunction(
  properties: Properties,
  { logicalId, name, arn, place, stack }: ResourceNames & { readonly place: string },
  code: Code,
): FunctionPlan {
  // It uses the disk, the processor and the network of this machine, whatever the template sets.
  properties.ignore(
    'FunctionName',
    'Architectures',
    'Description',
    'EphemeralStorage',
    'KmsKeyArn',
    'RecursiveLoop',
    'RuntimeManagementConfig',
    'Tags',
    'TracingConfig',
    'VpcConfig',
  );
  if (properties.optionalText('PackageType') === 'Image')
    throw new Error(
      'its code is a container image, and only Node.js functions with code in a folder run here',
    );
  const runtime = properties.text('Runtime');
  if (!runtime.startsWith('nodejs'))
    throw new Error(`its runtime is ${runtime}, and only Node.js functions run here`);
  return {
    name,
    arn,
    place,
    accessKeyId: `LOCAL-${stack}-${logicalId}`,
    roleArn: properties.text('Role'),
    logGroup: properties.optionalObject('LoggingConfig')?.optionalText('LogGroup') ?? `/aws/lambda/${name}`,
    ...readCode(properties.object('Code'), code),
    handler: properties.text('Handler'),
    memoryMb: properties.optionalNumber('MemorySize') ?? DEFAULT_MEMORY_MB,
    timeoutSeconds: properties.optionalNumber('Timeout') ?? DEFAULT_TIMEOUT_SECONDS,
    environment: properties.optionalObject('Environment')?.textsByName('Variables') ?? {},
    ...defined('reservedConcurrency', properties.optionalNumber('ReservedConcurrentExecutions')),
  };
}

/** Code that the template contains as text becomes the file `index.js`, as on AWS. */
function readCode(
  properties: Properties,
  { assetDirectory, inlineDirectory }: Code,
): Pick<FunctionPlan, 'codeDirectory' | 'inlineCode'> {
  const inlineCode = properties.optionalText('ZipFile');
  if (inlineCode === undefined) return { codeDirectory: assetDirectory(properties.text('S3Key')) };
  const hash = createHash('sha256').update(inlineCode).digest('hex').slice(0, 32);
  return { codeDirectory: join(inlineDirectory, hash), inlineCode };
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

/** Returns undefined for a disabled mapping. */
export function readMapping(properties: Properties, id: string): MappingPlan {
  // Records are handed out as soon as they arrive: a batching window only saves invocations.
  properties.ignore('MaximumBatchingWindowInSeconds', 'MetricsConfig', 'Tags');
  const responses = properties.texts('FunctionResponseTypes');
  const scaling = properties.optionalObject('ScalingConfig');
  const queueArn = properties.text('EventSourceArn');
  const enabled = properties.optionalFlag('Enabled') ?? true;
  if (enabled && queueNameOfArn(queueArn) === undefined)
    throw new Error(`its source is ${queueArn}, and only SQS queues invoke functions here`);
  return {
    id,
    enabled,
    functionName: functionNameOf(properties),
    queueArn,
    batchSize: properties.optionalNumber('BatchSize') ?? DEFAULT_BATCH_SIZE,
    maximumConcurrency: scaling?.optionalNumber('MaximumConcurrency') ?? CONCURRENCY_WITHOUT_LIMIT,
    reportsItemFailures: responses.includes('ReportBatchItemFailures'),
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
