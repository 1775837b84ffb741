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

const LONG_POLL_SECONDS = 20; // SQS's longest
const KEPT_SECONDS = '300'; // what was left behind by a watcher that was killed is not kept long
const TARGET_ID = 'watcher';

/** A rule and a queue of one's own behind the bus, until closed. */
export class TemporarySubscription {
  readonly name = `batchdrop-watch-${randomUUID().slice(0, 8)}`;
  readonly #connection: Connection;
  readonly #events: EventBridgeClient;
  /** What has been made, with its removal; the last is removed first. */
  readonly #made: { what: string; remove: () => Promise<unknown> }[] = [];
  #queueUrl = '';

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#events = new EventBridgeClient(clientConfigAt(connection.target));
  }

  /** Makes both; on a failure what was made is removed again. */
  static async open(connection: Connection): Promise<TemporarySubscription> {
    const subscription = new TemporarySubscription(connection);
    try {
      await subscription.#make();
      return subscription;
    } catch (cause) {
      await subscription.close();
      throw cause;
    }
  }

  /** Events as they come, each once more or less: AWS repeats some. Ends with `signal`. */
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

  /** Removes what was made; answers a sentence for each thing that stayed. */
  async close(): Promise<string[]> {
    const stayed: string[] = [];
    for (const { what, remove } of this.#made.splice(0).reverse()) {
      await remove().catch((error: Error) => stayed.push(`The ${what} stayed: ${error.message}`));
    }
    this.#events.destroy();
    return stayed;
  }

  async #make(): Promise<void> {
    const { sqs, names } = this.#connection;
    const [QueueName, EventBusName] = [this.name, names.eventBus];
    const { QueueUrl = '' } = await sqs.send(
      new CreateQueueCommand({ QueueName, Attributes: { MessageRetentionPeriod: KEPT_SECONDS } }),
    );
    this.#queueUrl = QueueUrl;
    this.#made.push({
      what: `queue ${QueueName}`,
      remove: () => sqs.send(new DeleteQueueCommand({ QueueUrl })),
    });
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    const queueArn = Attributes?.QueueArn ?? '';

    const EventPattern = JSON.stringify({ source: [EVENT_SOURCE] });
    const { RuleArn = '' } = await this.#events.send(
      new PutRuleCommand({
        Name: this.name,
        EventBusName,
        EventPattern,
        Description: 'batchdrop watch, which removes it at its end',
      }),
    );
    this.#made.push({
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
    if (refused !== undefined) throw new Error(`The rule cannot send to the queue: ${refused.ErrorMessage}`);
    this.#made.push({
      what: `target of the rule ${this.name}`,
      remove: () =>
        this.#events.send(new RemoveTargetsCommand({ Rule: this.name, EventBusName, Ids: [TARGET_ID] })),
    });
  }
}

/** Without it EventBridge may not send to the queue. */
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
