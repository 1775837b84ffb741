import { invalidAttributeName, invalidAttributeValue } from './errors.ts';
import {
  DEFAULT_SETTINGS,
  MAX_MESSAGE_BYTES,
  type Queue,
  type QueueSettings,
  queueNameOfArn,
  type Redrive,
} from './queue.ts';

type NumberSetting = Exclude<keyof QueueSettings, 'redrive' | 'inert'>;

interface NumberAttribute {
  readonly setting: NumberSetting;
  readonly least: number;
  readonly most: number;
}

/** The API's names of the numeric settings of a queue, with AWS's limits. */
const NUMBERS = new Map<string, NumberAttribute>([
  ['VisibilityTimeout', { setting: 'visibilityTimeoutSeconds', least: 0, most: 43_200 }],
  ['DelaySeconds', { setting: 'delaySeconds', least: 0, most: 900 }],
  ['MessageRetentionPeriod', { setting: 'retentionSeconds', least: 60, most: 1_209_600 }],
  ['ReceiveMessageWaitTimeSeconds', { setting: 'receiveWaitSeconds', least: 0, most: 20 }],
  ['MaximumMessageSize', { setting: 'maximumMessageBytes', least: 1024, most: MAX_MESSAGE_BYTES }],
]);

const INERT = new Set([
  'Policy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'RedriveAllowPolicy',
]);

/** Returns `settings` with the attributes applied. Throws for unknown names and values outside the limits. */
export function withAttributes(
  settings: QueueSettings,
  attributes: Readonly<Record<string, string>>,
): QueueSettings {
  let changed = settings;
  for (const [name, value] of Object.entries(attributes)) changed = withAttribute(changed, name, value);
  return changed;
}

function withAttribute(settings: QueueSettings, name: string, value: string): QueueSettings {
  const number = NUMBERS.get(name);
  if (number !== undefined) return { ...settings, [number.setting]: boundedNumber(name, value, number) };
  if (name === 'RedrivePolicy') {
    const { redrive: _before, ...others } = settings;
    return value === '' ? others : { ...others, redrive: parseRedrive(value) };
  }
  if (INERT.has(name)) return { ...settings, inert: { ...settings.inert, [name]: value } };
  if (name === 'FifoQueue') throw invalidAttributeValue('FIFO queues are not implemented here.');
  throw invalidAttributeName(name);
}

function boundedNumber(name: string, value: string, { least, most }: NumberAttribute): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && number <= most) return number;
  throw invalidAttributeValue(
    `Invalid value for the parameter ${name}: it must be from ${least} to ${most}.`,
  );
}

function parseRedrive(value: string): Redrive {
  const policy = parseJson(value);
  if (typeof policy === 'object' && policy !== null) {
    const arn = 'deadLetterTargetArn' in policy ? policy.deadLetterTargetArn : undefined;
    // CloudFormation and the console send a number, the CLI's examples a string. AWS accepts both.
    const count = 'maxReceiveCount' in policy ? Number(policy.maxReceiveCount) : Number.NaN;
    if (typeof arn === 'string' && queueNameOfArn(arn) !== undefined && isReceiveCount(count)) {
      return { deadLetterTargetArn: arn, maxReceiveCount: count };
    }
  }
  throw invalidAttributeValue(
    'RedrivePolicy must be JSON with deadLetterTargetArn (a queue of this account) and maxReceiveCount (1 to 1000).',
  );
}

function isReceiveCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= 1000;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidAttributeValue(
      `RedrivePolicy is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** The number of messages in a queue, by whether they can be received now. */
export interface QueueCounts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** Returns every attribute of `queue`, by the API's names. */
export function allAttributes(queue: Queue, counts: QueueCounts): Record<string, string> {
  const attributes: Record<string, string> = {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
  };
  for (const [name, { setting }] of NUMBERS) attributes[name] = String(queue.settings[setting]);
  if (queue.settings.redrive !== undefined) {
    const { deadLetterTargetArn, maxReceiveCount } = queue.settings.redrive;
    attributes.RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
  }
  return { SqsManagedSseEnabled: 'true', ...attributes, ...queue.settings.inert };
}

/** Returns the named attributes; throws for names that no queue has. */
export function pickAttributes(
  attributes: Readonly<Record<string, string>>,
  names: readonly string[],
): Record<string, string> {
  if (names.includes('All')) return attributes;
  const known = new Set([...Object.keys(attributes), ...INERT, 'RedrivePolicy']);
  const picked: Record<string, string> = {};
  for (const name of names) {
    if (!known.has(name)) throw invalidAttributeName(name);
    const value = attributes[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

/** Returns the first requested attribute in which an existing queue differs; undefined if there is none. */
export function differingAttribute(
  queue: Queue,
  attributes: Readonly<Record<string, string>>,
): string | undefined {
  const none = { visible: 0, inFlight: 0, delayed: 0 };
  const asked = allAttributes({ ...queue, settings: withAttributes(DEFAULT_SETTINGS, attributes) }, none);
  const existing = allAttributes(queue, none);
  return Object.keys(attributes).find((name) => asked[name] !== existing[name]);
}
