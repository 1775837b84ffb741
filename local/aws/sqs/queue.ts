import { LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';

/** Where a message goes that was received `maxReceiveCount` times and is due again. */
export interface Redrive {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

/** How a queue treats its messages. */
export interface QueueSettings {
  readonly visibilityTimeoutSeconds: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  /** How long a receive waits when it does not say itself; always by the wall clock. */
  readonly receiveWaitSeconds: number;
  readonly maximumMessageBytes: number;
  readonly redrive?: Redrive;
  /** Attributes that are kept and shown, and change nothing in the queue itself (policy, encryption). */
  readonly inert: Readonly<Record<string, string>>;
}

/** By what a queue's visibility, delay and retention run: the runtime's virtual clock, or the wall's. */
export type QueueTime = 'clock' | 'wall';

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly time: QueueTime;
  readonly settings: QueueSettings;
  /** Milliseconds since the epoch, by the queue's own time. */
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

/** The ARN of the queue called `name` on this machine. */
export function queueArn(name: string): string {
  return `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
}

/** The URL of the queue called `name`; `origin` is the endpoint's, without a trailing slash. */
export function queueUrl(origin: string, name: string): string {
  return `${origin}/${LOCAL_ACCOUNT}/${name}`;
}

/** The name in a queue's ARN, or undefined when it is none of this machine. */
export function queueNameOfArn(arn: string): string | undefined {
  const prefix = queueArn('');
  return arn.startsWith(prefix) ? arn.slice(prefix.length) : undefined;
}
