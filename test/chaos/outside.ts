import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { clientConfig } from '../local/endpoint/client-config.ts';
import { subscribeQueue } from '../local/endpoint/queue-subscription.ts';

export type Stage = 'intake' | 'submission' | 'delivery';

/** A job or part, as the ledger's keys identify it. */
export interface LedgerItem {
  readonly jobId: string;
  /** Undefined for the job itself. */
  readonly part: { readonly planId: string; readonly number: number } | undefined;
  readonly isDue: boolean;
}

const PATIENCE_MS = 60_000; // of wall time: a restart of the runtime takes a few seconds

/** Another program with the unchanged AWS SDK, which keeps trying while the runtime is down. */
export class Outside {
  readonly #names: RuntimeEndpoints;
  readonly #s3: S3Client;
  readonly #sqs: SQSClient;
  readonly #events: EventBridgeClient;
  readonly #dynamoDb: DynamoDBClient;

  constructor(names: RuntimeEndpoints) {
    const config = { ...clientConfig(names.url), maxAttempts: 1 };
    this.#names = names;
    this.#s3 = new S3Client({ ...config, forcePathStyle: true });
    this.#sqs = new SQSClient(config);
    this.#events = new EventBridgeClient(config);
    this.#dynamoDb = new DynamoDBClient(config);
  }

  async put(key: string, body: string): Promise<string> {
    const Bucket = this.#names.requestBucket;
    const put = () => this.#s3.send(new PutObjectCommand({ Bucket, Key: key, Body: body }));
    const { VersionId = '' } = await persist(put);
    return VersionId;
  }

  /** Returns every version of every request file, including those whose PUT was repeated after a lost response. */
  async requestFiles(): Promise<{ key: string; versionId: string; body: string }[]> {
    const Bucket = this.#names.requestBucket;
    const { Versions = [], IsTruncated } = await persist(() =>
      this.#s3.send(new ListObjectVersionsCommand({ Bucket })),
    );
    if (IsTruncated) throw new Error('more request files than one page');
    const files = Versions.map(async ({ Key = '', VersionId = '' }) => {
      const body = await this.#read(Bucket, Key, VersionId);
      return { key: Key, versionId: VersionId, body: body ?? '' };
    });
    return await Promise.all(files);
  }

  /** Returns a result; undefined if there is no such result. */
  async result(key: string): Promise<string | undefined> {
    return await this.#read(this.#names.resultsBucket, key);
  }

  async cancel(body: object): Promise<void> {
    await this.#sendTo(this.#names.cancelQueueUrl, JSON.stringify(body));
  }

  async send(stage: Stage, body: string): Promise<void> {
    await this.#sendTo(await this.#queueOf(stage), body);
  }

  /** Returns how many messages wait or are in flight between the functions. */
  async messages(): Promise<number> {
    const counts = (['intake', 'submission', 'delivery'] as const).map(async (stage) => {
      const QueueUrl = await this.#queueOf(stage);
      const { Attributes = {} } = await persist(() =>
        this.#sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })),
      );
      const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } =
        Attributes;
      return Number(visible) + Number(hidden);
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Returns all jobs and parts in the ledger. */
  async ledger(): Promise<LedgerItem[]> {
    const { Items = [], LastEvaluatedKey } = await persist(() =>
      this.#dynamoDb.send(
        new ScanCommand({
          TableName: this.#names.ledgerTable,
          ProjectionExpression: 'pk, sk, dueAt',
          ConsistentRead: true,
        }),
      ),
    );
    if (LastEvaluatedKey !== undefined) throw new Error('more in the ledger than one page');
    return Items.flatMap(({ pk, sk, dueAt }) => {
      const jobId = /^JOB#(.+)$/.exec(pk?.S ?? '')?.[1];
      if (jobId === undefined) return [];
      const [, planId = '', number = ''] = /^PART#([^#]+)#(\d+)$/.exec(sk?.S ?? '') ?? [];
      const part = planId === '' ? undefined : { planId, number: Number(number) };
      return { jobId, part, isDue: dueAt !== undefined };
    });
  }

  /** Creates a queue and a rule for it. A message that is received and not deleted soon becomes visible again. */
  async subscribe(name: string, bus: string, pattern: object): Promise<string> {
    const clients = { sqs: this.#sqs, events: this.#events };
    return await subscribeQueue(clients, { name, bus, pattern, attributes: { VisibilityTimeout: '2' } });
  }

  /** Receives the messages in a queue, and deletes each after `take` has it. */
  async receive(QueueUrl: string, take: (body: string) => void): Promise<void> {
    const { Messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      take(Body);
      await this.#sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }

  close(): void {
    for (const client of [this.#s3, this.#sqs, this.#events, this.#dynamoDb]) client.destroy();
  }

  async #read(Bucket: string, Key: string, VersionId?: string): Promise<string | undefined> {
    return await persist(async () => {
      try {
        const version = VersionId === undefined ? {} : { VersionId };
        const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket, Key, ...version }));
        return await Body?.transformToString();
      } catch (cause) {
        if (cause instanceof Error && cause.name === 'NoSuchKey') return undefined;
        throw cause;
      }
    });
  }

  async #queueOf(stage: Stage): Promise<string> {
    const QueueNamePrefix = `batchdrop-${stage}-work-queue`;
    const { QueueUrls: [url] = [] } = await persist(() =>
      this.#sqs.send(new ListQueuesCommand({ QueueNamePrefix })),
    );
    if (url === undefined) throw new Error(`there is no queue ${QueueNamePrefix}`);
    return url;
  }

  async #sendTo(QueueUrl: string, MessageBody: string): Promise<void> {
    await persist(() => this.#sqs.send(new SendMessageCommand({ QueueUrl, MessageBody })));
  }
}

/** Repeats the attempt while there is no response. A response with an error is thrown. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (hasAnswered(cause) || performance.now() > giveUpAt) throw cause;
      await wait(100);
    }
  }
}

function hasAnswered(cause: unknown): boolean {
  return cause instanceof Error && '$response' in cause && cause.$response !== undefined;
}
