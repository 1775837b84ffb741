import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { RuntimeEndpoints } from '../../../local/runtime/runtime-endpoints.ts';
import { clientConfig } from './client-config.ts';
import { subscribeQueue } from './queue-subscription.ts';

/** An event of Batchdrop as a subscriber reads it. */
export interface HeardEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: {
    readonly metadata: { readonly id: string; readonly sequence: number; readonly jobId?: string };
    readonly data: { readonly status?: string; readonly [name: string]: unknown };
  };
}

/** Somebody else's program: the stock AWS SDK, an endpoint and any credentials. */
export class Outsider {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  readonly #names: RuntimeEndpoints;

  constructor(names: RuntimeEndpoints) {
    const config = clientConfig(names.url);
    this.s3 = new S3Client(config);
    this.sqs = new SQSClient(config);
    this.events = new EventBridgeClient(config);
    this.#names = names;
  }

  /** Puts a request file; answers its version. */
  async put(key: string, body: string, metadata: Record<string, string> = {}): Promise<string> {
    const { VersionId } = await this.s3.send(
      new PutObjectCommand({ Bucket: this.#names.requestBucket, Key: key, Body: body, Metadata: metadata }),
    );
    if (VersionId === undefined) throw new Error('the request bucket has no versions');
    return VersionId;
  }

  /** A queue of one's own behind a rule of one's own, on that bus. */
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

/** Events as they come in; each is kept once, by its own id. */
export class Subscription {
  readonly #sqs: SQSClient;
  readonly #queueUrl: string;
  readonly heard: HeardEvent[] = [];
  readonly bodies: string[] = [];

  constructor(sqs: SQSClient, queueUrl: string) {
    this.#sqs = sqs;
    this.#queueUrl = queueUrl;
  }

  /** Listens until an event that `isIt` was heard, or throws after `seconds`. */
  async until(what: string, isIt: (event: HeardEvent) => boolean, seconds = 45): Promise<HeardEvent> {
    const giveUpAt = performance.now() + seconds * 1_000;
    while (performance.now() < giveUpAt) {
      const found = this.heard.find(isIt);
      if (found !== undefined) return found;
      await this.#receive();
    }
    throw new Error(`${what} was not heard of in ${seconds} s, but ${JSON.stringify(this.heard.map(brief))}`);
  }

  async untilJob(jobId: string, ...statuses: string[]): Promise<HeardEvent> {
    return await this.until(
      `job ${jobId} ${statuses}`,
      ({ detail, 'detail-type': type }) =>
        type === 'OpenAI Batch Job Status Change' &&
        detail.metadata.jobId === jobId &&
        statuses.includes(String(detail.data.status)),
    );
  }

  /** What was heard of a job, of one kind of event, by sequence. */
  of(jobId: string, detailType: string): HeardEvent[] {
    return this.heard
      .filter((event) => event.detail.metadata.jobId === jobId && event['detail-type'] === detailType)
      .toSorted((a, b) => a.detail.metadata.sequence - b.detail.metadata.sequence);
  }

  async #receive(): Promise<void> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ QueueUrl: this.#queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      this.bodies.push(Body);
      const event: HeardEvent = JSON.parse(Body);
      const id = event.detail.metadata?.id;
      if (id === undefined || !this.heard.some(({ detail }) => detail.metadata.id === id))
        this.heard.push(event);
      await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle }));
    }
  }
}

function brief({ detail }: HeardEvent): string {
  return `${detail.metadata?.jobId} ${detail.data?.status}`;
}

/** A request file of so many chat rows; `word` makes its bytes its own. */
export function chatRows(count: number, word: string): string {
  const rows = Array.from({ length: count }, (_, at) => ({
    custom_id: `row-${at}`,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Say ${word} ${at}` }] },
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** The `custom_id`s of a results file, sorted. */
export function idsIn(jsonl: string): string[] {
  return jsonl
    .split('\n')
    .filter(Boolean)
    .map((line): string => JSON.parse(line).custom_id)
    .toSorted();
}
