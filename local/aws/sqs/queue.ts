import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';

/** The dead-letter queue for a message that was received `maxReceiveCount` times and is due again. */
export interface Redrive {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

/** The settings of a queue. */
export interface QueueSettings {
  readonly visibilityTimeoutSeconds: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  /** The default waiting time of a receive call, always on the wall clock. */
  readonly receiveWaitSeconds: number;
  readonly maximumMessageBytes: number;
  readonly redrive?: Redrive;
  /** Attributes that are stored and returned, but do not change the queue itself (policy, encryption). */
  readonly inert: Readonly<Record<string, string>>;
}

/**
 * The clock for a queue's visibility time-outs, delays and retention: the runtime's virtual clock or the wall clock.
 */
export type QueueTime = 'clock' | 'wall';

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly time: QueueTime;
  readonly settings: QueueSettings;
  /** Milliseconds since the epoch, by the queue's own clock. */
  readonly createdAt: number;
  readonly modifiedAt: number;
}

export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** AWS's defaults. */
export const DEFAULT_SETTINGS: QueueSettings = {
  visibilityTimeoutSeconds: 30,
  delaySeconds: 0,
  retentionSeconds: 345_600,
  receiveWaitSeconds: 0,
  maximumMessageBytes: MAX_MESSAGE_BYTES,
  inert: {},
};

/** Returns the ARN of the queue `name`. */
export function queueArn(name: string): string {
  return `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
}

/** Returns the URL of the queue `name`. `origin` is the endpoint's, without a trailing slash. */
export function queueUrl(origin: string, name: string): string {
  return `${origin}/${LOCAL_ACCOUNT}/${name}`;
}

/** Returns the name in a queue's ARN. Undefined if it is not the ARN of a queue of this account. */
export function queueNameOfArn(arn: string): string | undefined {
  const prefix = queueArn('');
  return arn.startsWith(prefix) ? arn.slice(prefix.length) : undefined;
}
