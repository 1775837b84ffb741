import { randomUUID } from 'node:crypto';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { EVENT_SOURCE } from '../../functions/shared/contract/events.ts';
import type { ReceivedEvent } from '../terminal/event-line.ts';
import type { Connection } from './connection.ts';
import { clientConfigAt } from './target.ts';

const LONG_POLL_SECONDS = 20; // the maximum of SQS
const KEPT_SECONDS = '300'; // if the process is killed, the queue remains and must not fill up
const TARGET_ID = 'watcher';

/** A rule on the event bus and a queue, both deleted by `close`. */
export class TemporarySubscription {
  readonly name = `batchdrop-watch-${randomUUID().slice(0, 8)}`;
  readonly #connection: Connection;
  readonly #events: EventBridgeClient;
  /** The resources created so far, and how to delete them. The last one is deleted first. */
  readonly #created: { what: string; remove: () => Promise<unknown> }[] = [];
  #queueUrl = '';

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#events = new EventBridgeClient(clientConfigAt(connection.target));
  }

  /** Creates both. If that fails, deletes what it created. */
  static async open(connection: Connection): Promise<TemporarySubscription> {
    const subscription = new TemporarySubscription(connection);
    try {
      await subscription.#create();
      return subscription;
    } catch (cause) {
      await subscription.close();
      throw cause;
    }
  }

  /** Yields events as they arrive, until `signal`. AWS may deliver an event twice. */
  async *events(signal: AbortSignal): AsyncGenerator<ReceivedEvent> {
    const { sqs } = this.#connection;
    while (!signal.aborted) {
      const { Messages = [] } = await sqs
        .send(
          new ReceiveMessageCommand({
            QueueUrl: this.#queueUrl,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: LONG_POLL_SECONDS,
          }),
          { abortSignal: signal },
        )
        .catch((error: unknown) => {
          if (signal.aborted) return { Messages: [] };
          throw error;
        });
      for (const { Body = '' } of Messages) yield JSON.parse(Body);
      if (Messages.length === 0) continue;
      await sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl: this.#queueUrl,
          Entries: Messages.map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle })),
        }),
      );
    }
  }

  /** Deletes what was created. Returns one sentence per resource that could not be deleted. */
  async close(): Promise<string[]> {
    const remaining: string[] = [];
    for (const { what, remove } of this.#created.splice(0).reverse()) {
      await remove().catch((error: Error) =>
        remaining.push(`The ${what} could not be deleted: ${error.message}`),
      );
    }
    this.#events.destroy();
    return remaining;
  }

  async #create(): Promise<void> {
    const { sqs, names } = this.#connection;
    const [QueueName, EventBusName] = [this.name, names.eventBus];
    const { QueueUrl = '' } = await sqs.send(
      new CreateQueueCommand({ QueueName, Attributes: { MessageRetentionPeriod: KEPT_SECONDS } }),
    );
    this.#queueUrl = QueueUrl;
    this.#created.push({
      what: `queue ${QueueName}`,
      remove: () => sqs.send(new DeleteQueueCommand({ QueueUrl })),
    });
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    const queueArn = Attributes?.QueueArn ?? '';

    const EventPattern = JSON.stringify({
      source: [EVENT_SOURCE],
      detail: { metadata: { instance: [names.instance] } },
    });
    const { RuleArn = '' } = await this.#events.send(
      new PutRuleCommand({
        Name: this.name,
        EventBusName,
        EventPattern,
        Description: 'Created by batchdrop watch, which deletes it at the end',
      }),
    );
    this.#created.push({
      what: `rule ${this.name} of the bus ${EventBusName}`,
      remove: () => this.#events.send(new DeleteRuleCommand({ Name: this.name, EventBusName })),
    });
    await sqs.send(
      new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: sendingBy(RuleArn, queueArn) } }),
    );
    const targets = await this.#events.send(
      new PutTargetsCommand({
        Rule: this.name,
        EventBusName,
        Targets: [{ Id: TARGET_ID, Arn: queueArn }],
      }),
    );
    const [refused] = targets.FailedEntries ?? [];
    if (refused !== undefined)
      throw new Error(`The rule ${this.name} cannot send to its queue: ${refused.ErrorMessage}`);
    this.#created.push({
      what: `target of the rule ${this.name}`,
      remove: () =>
        this.#events.send(new RemoveTargetsCommand({ Rule: this.name, EventBusName, Ids: [TARGET_ID] })),
    });
  }
}

/** The queue policy that lets the rule send to the queue. */
function sendingBy(ruleArn: string, queueArn: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
      },
    ],
  });
}
