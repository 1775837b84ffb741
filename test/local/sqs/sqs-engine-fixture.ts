/** Runs SQS on its own endpoint with a manual clock, for the test file that imports this. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll } from 'vitest';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { queueUrl } from '../../../local/aws/sqs/queue.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../endpoint/client-config.ts';

export let clock: ManualClock;
export let engine: SqsEngine;
export let endpoint: Endpoint;
export let sqs: SQSClient;
let created = 0;

/** Runs the engine while the tests of a file run. */
export function runSqsEngine(): void {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'batchdrop-sqs-'));
    clock = new ManualClock();
    engine = new SqsEngine({ directory, clock });
    endpoint = await startEndpoint({ services: [engine], port: 0 });
    sqs = new SQSClient(clientConfig(endpoint.url));
  });
  afterAll(async () => {
    sqs.destroy();
    await endpoint.close();
    await engine.close();
    rmSync(directory, { recursive: true });
  });
}

/** Creates a queue as the template does, on the manual clock. */
export function templateQueue(settings: Omit<Parameters<typeof engine.queues.createQueue>[1], 'time'> = {}) {
  created += 1;
  const name = `queue-${created}`;
  const arn = engine.queues.createQueue(name, { time: 'clock', ...settings });
  return { name, arn, QueueUrl: queueUrl(endpoint.url, name) };
}

export async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}) {
  const answer = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }));
  return answer.Messages ?? [];
}

export async function bodies(QueueUrl: string) {
  return (await receive(QueueUrl)).map((message) => message.Body);
}

export const send = (QueueUrl: string, MessageBody: string, DelaySeconds?: number) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, DelaySeconds }));
