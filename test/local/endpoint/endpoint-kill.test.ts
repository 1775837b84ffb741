import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DynamoDBClient, PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clientConfig } from './client-config.ts';

const PROGRAM = join(import.meta.dirname, 'endpoint-process.ts');

interface Machine {
  readonly process: ChildProcess;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  readonly dynamodb: DynamoDBClient;
}

let directory: string;
let machine: Machine | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-kill-'));
});

afterEach(async () => {
  await kill();
  rmSync(directory, { recursive: true });
});

async function start(delivery: 'deliver' | 'record' = 'deliver'): Promise<Machine> {
  const child = spawn(process.execPath, [PROGRAM, directory, delivery], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [endpoint] = await once(createInterface({ input: child.stdout }), 'line');
  const options = { ...clientConfig(String(endpoint)), maxAttempts: 1 };
  machine = {
    process: child,
    sqs: new SQSClient(options),
    events: new EventBridgeClient(options),
    dynamodb: new DynamoDBClient(options),
  };
  return machine;
}

async function kill() {
  if (machine === undefined) return;
  const { process: child, sqs, events, dynamodb } = machine;
  machine = undefined;
  for (const client of [sqs, events, dynamodb]) client.destroy();
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const createQueue = async ({ sqs }: Machine, QueueName: string, Attributes?: Record<string, string>) =>
  (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl;

/** Returns the queue's URL, which changes with the port. */
const urlOf = async ({ sqs }: Machine, QueueName: string) =>
  (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;

async function receiveAll({ sqs }: Machine, QueueUrl: string | undefined) {
  const messages = [];
  for (;;) {
    const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (!answer.Messages?.length) return messages;
    messages.push(...answer.Messages);
  }
}

/** Repeats a call, each started before the previous response, until the kill. Returns the acknowledged calls. */
async function killedInTheMidstOf(
  enough: number,
  act: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const acknowledged: number[] = [];
  let index = 0;
  let killing: Promise<void> | undefined;
  const worker = async () => {
    while (killing === undefined) {
      const mine = index;
      index += 1;
      try {
        await act(mine);
        acknowledged.push(mine);
        if (acknowledged.length >= enough) killing ??= kill();
      } catch (error) {
        if (killing === undefined) throw error; // only calls that the kill interrupts may fail
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  await killing;
  return acknowledged;
}

it('after a kill, acknowledged messages exist and deleted ones do not', async () => {
  const first = await start();
  const QueueUrl = await createQueue(first, 'durable');
  await first.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'deleted' }));
  const [deleted] = await receiveAll(first, QueueUrl);
  await first.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: deleted?.ReceiptHandle }));
  const acknowledged = await killedInTheMidstOf(200, (index) =>
    first.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `m${index}` })),
  );
  const second = await start();
  const bodies = (await receiveAll(second, await urlOf(second, 'durable'))).map((message) => message.Body);
  expect(acknowledged.length).toBeGreaterThanOrEqual(200);
  expect(bodies).toEqual(expect.arrayContaining(acknowledged.map((index) => `m${index}`)));
  expect(bodies).not.toContain('deleted');
});

it('a message in flight at a kill remains hidden, and can be deleted with its earlier handle', async () => {
  const first = await start();
  const QueueUrl = await createQueue(first, 'in-flight', { VisibilityTimeout: '3600' });
  await first.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'held' }));
  const [held] = await receiveAll(first, QueueUrl);
  await kill();
  const second = await start();
  const url = await urlOf(second, 'in-flight');
  expect(held?.Body).toBe('held');
  expect(await receiveAll(second, url)).toEqual([]);
  await second.sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: held?.ReceiptHandle }));
});

it('an event that was accepted but not delivered is delivered at the next start, with the earlier rules', async () => {
  const first = await start('record');
  await createQueue(first, 'subscriber', { VisibilityTimeout: '3600' });
  const rule = { Name: 'all', EventPattern: '{"source":["app"]}' };
  await first.events.send(new PutRuleCommand(rule));
  const Arn = 'arn:aws:sqs:us-east-1:000000000000:subscriber';
  await first.events.send(new PutTargetsCommand({ Rule: 'all', Targets: [{ Id: 'q', Arn }] }));
  const acknowledged = await killedInTheMidstOf(100, (index) =>
    first.events.send(
      new PutEventsCommand({
        Entries: [{ Source: 'app', DetailType: 't', Detail: JSON.stringify({ index }) }],
      }),
    ),
  );
  const second = await start('deliver');
  const url = await urlOf(second, 'subscriber');
  const received = (await receiveAll(second, url)).map(
    ({ Body = '' }): number => JSON.parse(Body).detail.index,
  );
  expect(acknowledged.length).toBeGreaterThanOrEqual(100);
  expect(new Set(received).size).toBe(received.length);
  expect(received).toEqual(expect.arrayContaining(acknowledged));
  // The rule itself also exists.
  const Entries = [{ Source: 'app', DetailType: 't', Detail: '{"index":"after the kill"}' }];
  await second.events.send(new PutEventsCommand({ Entries }));
  expect(await receiveAll(second, url)).toMatchObject([{ Body: expect.stringContaining('after the kill') }]);
  await kill();
  // Nothing is delivered twice: the earlier messages are still in flight, and there are no others.
  const third = await start('deliver');
  expect(await receiveAll(third, await urlOf(third, 'subscriber'))).toEqual([]);
});

it('after a kill, acknowledged items exist, and the index has every item', async () => {
  const first = await start();
  const acknowledged = await killedInTheMidstOf(200, (index) =>
    first.dynamodb.send(
      new PutItemCommand({
        TableName: 'ledger',
        // Every item is written about three times, each time with another index key.
        Item: {
          pk: { S: `item ${Math.floor(index / 3)}` },
          sk: { S: 'META' },
          dueShard: { N: '0' },
          dueAt: { N: String(index) },
        },
      }),
    ),
  );
  const { dynamodb } = await start();
  const { Items: items = [] } = await dynamodb.send(new ScanCommand({ TableName: 'ledger' }));
  const { Items: due = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: 'ledger',
      IndexName: 'due',
      KeyConditionExpression: 'dueShard = :shard',
      ExpressionAttributeValues: { ':shard': { N: '0' } },
    }),
  );
  const names = items.map((item) => item.pk?.S);
  expect(names).toEqual(expect.arrayContaining(acknowledged.map((index) => `item ${Math.floor(index / 3)}`)));
  const place = (item: (typeof items)[number]) => `${item.pk?.S} at ${item.dueAt?.N}`;
  expect(due.map(place).toSorted()).toEqual(items.map(place).toSorted());
});
