import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Credentials } from '../../../local/aws/iam/signature.ts';
import type { RuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { clientConfig } from './client-config.ts';
import { subscribeQueue } from './queue-subscription.ts';

/** An event of Batchdrop as a subscriber reads it. */
export interface ReceivedEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: {
    readonly metadata: { readonly id: string; readonly sequence: number; readonly jobId?: string };
    readonly data: { readonly status?: string; readonly [name: string]: unknown };
  };
}

/**
 * A user's program: the unchanged AWS SDK with the local endpoint. It uses any credentials, unless only certain ones
 * work.
 */
export class UserProgram {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  readonly #names: RuntimeEndpoints;

  constructor(names: RuntimeEndpoints, credentials?: Credentials) {
    const config = { ...clientConfig(names.url), ...(credentials !== undefined && { credentials }) };
    this.s3 = new S3Client(config);
    this.sqs = new SQSClient(config);
    this.events = new EventBridgeClient(config);
    this.#names = names;
  }

  /** Uploads a request file. Returns its version id. */
  async put(key: string, body: string, metadata: Record<string, string> = {}): Promise<string> {
    const { VersionId } = await this.s3.send(
      new PutObjectCommand({ Bucket: this.#names.requestBucket, Key: key, Body: body, Metadata: metadata }),
    );
    if (VersionId === undefined) throw new Error('the request bucket has no versions');
    return VersionId;
  }

  /** Creates a queue and a rule that sends it the matching events of a bus. */
  async subscribe(name: string, bus: string, pattern: object): Promise<Subscription> {
    return new Subscription(this.sqs, await subscribeQueue(this, { name, bus, pattern }));
  }

  async read(bucket: string, key: string): Promise<string> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  }

  async keys(bucket: string, prefix: string): Promise<string[]> {
    const { Contents = [] } = await this.s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }),
    );
    return Contents.flatMap(({ Key }) => Key ?? []);
  }

  close(): void {
    for (const client of [this.s3, this.sqs, this.events]) client.destroy();
  }
}

/** The events that arrive in a queue. A repeated event is kept once, by its `metadata.id`. */
export class Subscription {
  readonly #sqs: SQSClient;
  readonly #queueUrl: string;
  readonly received: ReceivedEvent[] = [];
  readonly bodies: string[] = [];

  constructor(sqs: SQSClient, queueUrl: string) {
    this.#sqs = sqs;
    this.#queueUrl = queueUrl;
  }

  /** Waits for an event for which `isIt` is true. Throws after `seconds`, which only ends a hung test. */
  async until(what: string, isIt: (event: ReceivedEvent) => boolean, seconds = 150): Promise<ReceivedEvent> {
    const giveUpAt = performance.now() + seconds * 1_000;
    while (performance.now() < giveUpAt) {
      const found = this.received.find(isIt);
      if (found !== undefined) return found;
      await this.#receive();
    }
    throw new Error(
      `${what} was not received in ${seconds} s, but ${JSON.stringify(this.received.map(brief))}`,
    );
  }

  async untilJob(jobId: string, ...statuses: string[]): Promise<ReceivedEvent> {
    return await this.until(
      `job ${jobId} ${statuses}`,
      ({ detail, 'detail-type': type }) =>
        type === 'OpenAI Batch Job Status Change' &&
        detail.metadata.jobId === jobId &&
        statuses.includes(String(detail.data.status)),
    );
  }

  /** Returns the received events of a job and a detail type, sorted by sequence. */
  of(jobId: string, detailType: string): ReceivedEvent[] {
    return this.received
      .filter((event) => event.detail.metadata.jobId === jobId && event['detail-type'] === detailType)
      .toSorted((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence);
  }

  async #receive(): Promise<void> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      this.bodies.push(Body);
      const event: ReceivedEvent = JSON.parse(Body);
      const id = event.detail.metadata?.id;
      if (id === undefined || !this.received.some(({ detail }) => detail.metadata.id === id))
        this.received.push(event);
      await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle }));
    }
  }
}

function brief({ detail }: ReceivedEvent): string {
  return `${detail.metadata?.jobId} ${detail.data?.status}`;
}
