import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { createEventBridgeBus } from '../../../functions/shared/adapters/eventbridge/bus.ts';
import { createSqsWorkQueues } from '../../../functions/shared/adapters/sqs/work-queues.ts';
import type { BatchdropEvent } from '../../../functions/shared/contract/events.ts';
import {
  approvalOutcomeExamples,
  batchStatusExamples,
  cancelOutcomeExamples,
  jobStatusExamples,
} from '../../../functions/shared/contract/examples.ts';
import { jobStatusPattern } from '../../../functions/shared/contract/patterns.ts';
import type { OutgoingEvent } from '../../../functions/shared/domain/outgoing-event.ts';
import type { WorkMessage } from '../../../functions/shared/ports/ports.ts';
import { EventsEngine } from '../../../local/aws/events/engine.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { createRecordingBus } from '../../fakes/recording-bus.ts';
import { createRecordingQueues } from '../../fakes/recording-queues.ts';
import { localAws } from '../ledger/local-dynamodb.ts';
import { NOON } from '../samples.ts';
import { describeBusContract } from './bus.contract.ts';
import { describeQueuesContract } from './queues.contract.ts';

describeBusContract('the fake', async () => {
  const bus = createRecordingBus();
  return { bus, arrived: async () => bus.published(), close: async () => {} };
});

describeBusContract('EventBridge', async () => {
  const { bus, arrived, close } = await startBus();
  return { bus, arrived: async () => (await arrived()).map(asItWas), close };
});

it('a target on EventBridge receives every published example unchanged, except for the fields that AWS assigns', async () => {
  const { bus, arrived, close } = await startBus();
  try {
    const examples: BatchdropEvent[] = [
      ...Object.values(batchStatusExamples),
      ...Object.values(jobStatusExamples),
      ...Object.values(cancelOutcomeExamples),
      ...Object.values(approvalOutcomeExamples),
    ];
    expect(await bus.publish(examples.map(asItWas))).toEqual({ refused: [] });
    const events = await arrived();
    expect(new Set(events.map(({ id }) => id)).size).toBe(24);
    const { id, account } = batchStatusExamples.completed;
    expect(events.map((event) => ({ ...event, id, account }))).toEqual(examples);
  } finally {
    await close();
  }
});

function asItWas({ 'detail-type': detailType, detail }: BatchdropEvent): OutgoingEvent {
  return { detailType, detail } as OutgoingEvent; // the one belongs to the other
}

async function startBus() {
  const aws = await startMessaging();
  const queue = aws.sqs.queues.createQueue('subscriber', { time: 'clock' });
  aws.events.rules.createBus('status');
  const [source] = jobStatusPattern().source;
  aws.events.rules.putRule({ bus: 'status', name: 'all', pattern: { source: [source] }, enabled: true });
  aws.events.rules.putTargets('status', 'all', [{ Id: 'subscriber', Arn: queue }]);
  const client = new EventBridgeClient(localAws(aws.url));
  return {
    bus: createEventBridgeBus({ client, busArn: 'arn:aws:events:us-east-1:000000000000:event-bus/status' }),
    async arrived(): Promise<BatchdropEvent[]> {
      aws.clock.advance(1_000);
      return bodiesIn(aws.sqs, queue).map((body) => JSON.parse(body) as BatchdropEvent);
    },
    async close() {
      client.destroy();
      await aws.close();
    },
  };
}

describeQueuesContract('the fake', async () => {
  const queues = createRecordingQueues();
  return { queues, waiting: async (to) => queues.take(to), close: async () => {} };
});

describeQueuesContract('SQS', async () => {
  const aws = await startMessaging();
  const arns: Partial<Record<WorkMessage['to'], string>> = {
    intake: aws.sqs.queues.createQueue('intake', { time: 'clock' }),
    submit: aws.sqs.queues.createQueue('submit', { time: 'clock' }),
  };
  const client = new SQSClient(localAws(aws.url));
  const urlOf = async (QueueName: string) =>
    (await client.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? '';
  const urls = { intake: await urlOf('intake'), submit: await urlOf('submit') };
  return {
    queues: createSqsWorkQueues({ client, urls }),
    waiting: async (to) => bodiesIn(aws.sqs, arns[to] ?? '').map((body) => JSON.parse(body) as WorkMessage),
    async close() {
      client.destroy();
      await aws.close();
    },
  };
});

async function startMessaging() {
  const clock = new ManualClock(NOON);
  const directory = await mkdtemp(join(tmpdir(), 'messaging-'));
  const sqs = new SqsEngine({ directory, clock });
  const events = new EventsEngine({
    directory,
    clock,
    sendToQueue: (arn, body, attributes) => void sqs.queues.send(arn, body, { attributes }),
    invokeLambda: () => Promise.reject(new Error('no function here')),
    report: (problem) => {
      throw new Error(problem);
    },
  });
  events.start();
  const endpoint = await startEndpoint({ services: [sqs, events], port: 0 });
  return {
    clock,
    sqs,
    events,
    url: endpoint.url,
    async close() {
      await endpoint.close();
      await events.close();
      await sqs.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function bodiesIn(sqs: SqsEngine, arn: string): string[] {
  const bodies: string[] = [];
  for (let some = sqs.queues.receive(arn, 10); some.length > 0; some = sqs.queues.receive(arn, 10)) {
    bodies.push(...some.map(({ body }) => body));
  }
  return bodies;
}
