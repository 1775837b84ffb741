import { randomUUID } from 'node:crypto';
import { type Clock, VirtualClock } from '../../clock.ts';
import { LOCAL_ACCOUNT } from '../protocol/aws-service.ts';
import { ArrivalBell } from './arrivals.ts';
import {
  invalidMessageContents,
  invalidParameter,
  invalidReceiptHandle,
  messageNotInFlight,
  missingParameter,
  queueDoesNotExist,
} from './errors.ts';
import { attributeBytes, type MessageAttributes } from './message-attributes.ts';
import {
  DEFAULT_SETTINGS,
  type Queue,
  type QueueSettings,
  type QueueTime,
  queueArn,
  queueNameOfArn,
} from './queue.ts';
import type { QueueCounts } from './queue-attributes.ts';
import { QueueStore, type Receipt, type StoredMessage } from './store.ts';

/** A received message, in flight until its visibility time-out ends. */
export interface ReceivedMessage {
  readonly messageId: string;
  /** The handle of this receipt. It has no effect once the message is received again. */
  readonly receiptHandle: string;
  readonly body: string;
  readonly messageAttributes: MessageAttributes;
  /** SentTimestamp, ApproximateReceiveCount, …: by their API names. Times are in milliseconds. */
  readonly systemAttributes: Readonly<Record<string, string>>;
}

const QUEUE_NAME = /^[A-Za-z0-9_-]{1,80}$/;
const MAX_DELAY_SECONDS = 900;
const MAX_VISIBILITY_SECONDS = 43_200;
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/**
 * Standard queues on disk, with at-least-once delivery. A message is (1) stored when `send` returns, (2) hidden for the
 * visibility time-out by each receipt, (3) deleted with the handle of its newest receipt, or (4) moved to the
 * dead-letter queue when it is due again after `maxReceiveCount` receipts, or (5) deleted when its retention ends.
 * Known gap: AWS sometimes delivers a message twice without a reason. This implementation never does.
 */
export class Queues {
  readonly #store: QueueStore;
  readonly #clock: Clock;
  readonly #wall = new VirtualClock();
  readonly #queues = new Map<string, Queue>();
  readonly #bells = new Map<string, ArrivalBell>();

  constructor(options: { directory: string; clock: Clock }) {
    this.#store = new QueueStore(options.directory);
    this.#clock = options.clock;
    for (const queue of this.#store.queues()) this.#queues.set(queue.name, queue);
  }

  close(): void {
    for (const bell of this.#bells.values()) bell.silence();
    this.#wall.close();
    this.#store.close();
  }

  /** Creates the queue, or changes the settings of an existing one and keeps its messages. Returns the ARN. */
  createQueue(name: string, settings: Partial<QueueSettings> & { readonly time: QueueTime }): string {
    if (!QUEUE_NAME.test(name)) {
      throw invalidParameter('A queue name has 1 to 80 letters, digits, hyphens and underscores.');
    }
    const { time, ...given } = settings;
    const existing = this.#queues.get(name);
    const now = this.#clockFor(time).now();
    const queue: Queue = {
      name,
      arn: queueArn(name),
      time,
      settings: { ...DEFAULT_SETTINGS, ...given },
      createdAt: existing?.createdAt ?? now,
      modifiedAt: now,
    };
    this.#save(queue);
    return queue.arn;
  }

  changeSettings(queue: Queue, settings: QueueSettings): void {
    this.#save({ ...queue, settings, modifiedAt: this.#clockFor(queue.time).now() });
  }

  deleteQueue(queue: Queue): void {
    this.#store.deleteQueue(queue.name);
    this.#queues.delete(queue.name);
    this.#bells.get(queue.name)?.silence();
    this.#bells.delete(queue.name);
  }

  purge(queue: Queue): void {
    this.#store.purge(queue.name);
  }

  names(): string[] {
    return [...this.#queues.keys()].toSorted();
  }

  find(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /** Returns the queue with that ARN. Throws QueueDoesNotExist. */
  byArn(arn: string): Queue {
    const name = queueNameOfArn(arn);
    const queue = name === undefined ? undefined : this.#queues.get(name);
    if (queue === undefined) throw queueDoesNotExist(arn);
    return queue;
  }

  /** Returns the policy JSON that a program set on the queue of that ARN, if any. */
  policyOf(arn: string): string | undefined {
    return this.#queues.get(queueNameOfArn(arn) ?? '')?.settings.inert.Policy;
  }

  counts(queue: Queue): QueueCounts {
    const now = this.#clockFor(queue.time).now();
    this.#dropExpired(queue, now);
    return this.#store.counts(queue.name, now);
  }

  /** Stores a message and returns its id. Throws QueueDoesNotExist, or SQS's error for an invalid message. */
  send(
    arn: string,
    body: string,
    options: { attributes?: MessageAttributes; delaySeconds?: number | undefined } = {},
  ): string {
    const queue = this.byArn(arn);
    const attributes = options.attributes ?? {};
    const delaySeconds = options.delaySeconds ?? queue.settings.delaySeconds;
    checkMessage(queue, body, attributes, delaySeconds);
    const messageId = randomUUID();
    const sentAt = this.#clockFor(queue.time).now();
    const visibleAt = sentAt + delaySeconds * 1000;
    this.#store.add(queue.name, { messageId, body, attributes, sentAt, visibleAt });
    if (delaySeconds === 0) this.#bells.get(queue.name)?.ring();
    else this.#bells.get(queue.name)?.rearm();
    return messageId;
  }

  /** Receives up to `max` messages that are due, without waiting. */
  receive(arn: string, max: number, visibilitySeconds?: number): ReceivedMessage[] {
    const queue = this.byArn(arn);
    const now = this.#clockFor(queue.time).now();
    const hiddenSeconds = visibilitySeconds ?? queue.settings.visibilityTimeoutSeconds;
    checkVisibility(hiddenSeconds);
    const { taken, redrivenTo } = this.#store.atomically(() =>
      this.#take(queue, max, now, now + hiddenSeconds * 1000),
    );
    this.#bells.get(queue.name)?.rearm();
    if (redrivenTo !== undefined) this.#bells.get(redrivenTo.name)?.ring();
    return taken.map((message) => receivedMessage(queue, message, now));
  }

  /** Deletes a message by its handle. As on AWS, a handle of an earlier receipt deletes nothing and is not an error. */
  delete(arn: string, receiptHandle: string): void {
    const queue = this.byArn(arn);
    this.#store.delete(queue.name, parseReceipt(queue, receiptHandle));
    this.#bells.get(queue.name)?.rearm();
  }

  /** Hides the message for `seconds` from now. 0 makes it visible at once. Throws MessageNotInflight. */
  changeVisibility(arn: string, receiptHandle: string, seconds: number): void {
    const queue = this.byArn(arn);
    checkVisibility(seconds);
    const receipt = parseReceipt(queue, receiptHandle);
    const now = this.#clockFor(queue.time).now();
    if (!this.#store.setVisibleAt(queue.name, receipt, now, now + seconds * 1000)) throw messageNotInFlight();
    const bell = this.#bells.get(queue.name);
    bell?.rearm();
    if (seconds === 0) bell?.ring();
  }

  /**
   * Calls `listener` each time a message may have become receivable (sent, visible again, redriven), but not for
   * messages that are already there. The listener runs during the sender's work, so it must be short and must not
   * throw.
   */
  onArrival(arn: string, listener: () => void): () => void {
    const queue = this.byArn(arn);
    let bell = this.#bells.get(queue.name);
    if (bell === undefined) {
      const clock = this.#clockFor(queue.time);
      bell = new ArrivalBell({
        clock,
        nextVisibleAt: () => this.#store.nextVisibleAt(queue.name, clock.now()),
      });
      this.#bells.set(queue.name, bell);
    }
    return bell.listen(listener);
  }

  #take(queue: Queue, max: number, now: number, visibleAt: number) {
    this.#dropExpired(queue, now);
    const taken: StoredMessage[] = [];
    const deadLetters = this.#deadLetterQueue(queue);
    let redrivenTo: Queue | undefined;
    while (taken.length < max) {
      const due = this.#store.due(queue.name, now, max - taken.length);
      for (const message of due) {
        if (deadLetters !== undefined && message.receiveCount >= deadLetters.maxReceiveCount) {
          this.#redrive(queue, deadLetters.queue, message);
          redrivenTo = deadLetters.queue;
        } else {
          this.#store.markReceived(message.seq, now, visibleAt);
          taken.push(message);
        }
      }
      // With a visibility time-out of 0, the received messages remain due. Another round would receive them twice.
      if (due.length === 0 || visibleAt <= now) break;
    }
    return { taken, redrivenTo };
  }

  /** Returns the dead-letter queue. As on AWS, messages are not moved if it does not exist. */
  #deadLetterQueue(queue: Queue): { queue: Queue; maxReceiveCount: number } | undefined {
    const { redrive } = queue.settings;
    const target = redrive && this.#queues.get(queueNameOfArn(redrive.deadLetterTargetArn) ?? '');
    return redrive && target && { queue: target, maxReceiveCount: redrive.maxReceiveCount };
  }

  #redrive(source: Queue, target: Queue, message: StoredMessage): void {
    const now = this.#clockFor(target.time).now();
    // AWS keeps the send time, but that has no meaning between queues with different clocks.
    const sentAt = source.time === target.time ? message.sentAt : now;
    this.#store.moveToDeadLetters(message.seq, source, target, { sentAt, now });
  }

  #dropExpired(queue: Queue, now: number): void {
    this.#store.deleteSentBefore(queue.name, now - queue.settings.retentionSeconds * 1000);
  }

  #save(queue: Queue): void {
    this.#store.saveQueue(queue);
    this.#queues.set(queue.name, queue);
  }

  #clockFor(time: QueueTime): Clock {
    return time === 'clock' ? this.#clock : this.#wall;
  }
}

function checkMessage(queue: Queue, body: string, attributes: MessageAttributes, delaySeconds: number): void {
  if (body === '') throw missingParameter('MessageBody');
  if (FORBIDDEN_CHARACTER.test(body)) throw invalidMessageContents();
  const most = queue.settings.maximumMessageBytes;
  if (Buffer.byteLength(body) + attributeBytes(attributes) > most) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${most} bytes.`,
    );
  }
  if (delaySeconds < 0 || delaySeconds > MAX_DELAY_SECONDS) {
    throw invalidParameter(`DelaySeconds must be from 0 to ${MAX_DELAY_SECONDS}.`);
  }
}

function checkVisibility(seconds: number): void {
  if (seconds < 0 || seconds > MAX_VISIBILITY_SECONDS) {
    throw invalidParameter(`VisibilityTimeout must be from 0 to ${MAX_VISIBILITY_SECONDS}.`);
  }
}

function receivedMessage(queue: Queue, message: StoredMessage, now: number): ReceivedMessage {
  const receiveCount = message.receiveCount + 1;
  return {
    messageId: message.messageId,
    receiptHandle: receiptHandle(queue, { seq: message.seq, receiveCount }),
    body: message.body,
    messageAttributes: message.attributes,
    systemAttributes: {
      SenderId: LOCAL_ACCOUNT,
      SentTimestamp: String(message.sentAt),
      ApproximateReceiveCount: String(receiveCount),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? now),
      ...(message.sourceArn !== undefined && { DeadLetterQueueSourceArn: message.sourceArn }),
    },
  };
}

function receiptHandle(queue: Queue, receipt: Receipt): string {
  return Buffer.from(JSON.stringify([queue.name, receipt.seq, receipt.receiveCount])).toString('base64');
}

function parseReceipt(queue: Queue, handle: string): Receipt {
  const fields = /^\["([A-Za-z0-9_-]+)",(\d+),(\d+)\]$/.exec(Buffer.from(handle, 'base64').toString());
  if (fields?.[1] !== queue.name) throw invalidReceiptHandle();
  return { seq: Number(fields[2]), receiveCount: Number(fields[3]) };
}
