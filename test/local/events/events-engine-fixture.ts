/** Runs EventBridge and its queues on their own endpoint, for the test file that imports this. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  type Target,
} from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll } from 'vitest';
import { EventsEngine } from '../../../local/aws/events/engine.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { SqsEngine } from '../../../local/aws/sqs/engine.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../endpoint/client-config.ts';

export const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:consumer';
export let clock: ManualClock;
export let sqs: SqsEngine;
export let events: EventsEngine;
export let reports: string[];
export let invocations: unknown[];
/** How many of the next invocations fail. */
export const functionFailures = { left: 0 };
let endpoint: Endpoint;
export let client: EventBridgeClient;
let counted = 0;

/** Runs the engine while the tests of a file run. */
export function runEventsEngine(): void {
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'batchdrop-events-'));
    clock = new ManualClock();
    sqs = new SqsEngine({ directory, clock });
    reports = [];
    invocations = [];
    events = eventsEngineIn(directory);
    events.rules.createBus('status');
    events.start();
    endpoint = await startEndpoint({ services: [events], port: 0 });
    client = new EventBridgeClient(clientConfig(endpoint.url));
  });
  afterAll(async () => {
    client.destroy();
    await endpoint.close();
    await events.close();
    await sqs.close();
    rmSync(directory, { recursive: true });
  });
}

function eventsEngineIn(directory: string): EventsEngine {
  return new EventsEngine({
    directory,
    clock,
    sendToQueue: (arn, body, attributes) => void sqs.queues.send(arn, body, { attributes }),
    invokeLambda: async (_arn, event) => {
      invocations.push(event);
      if (functionFailures.left > 0) {
        functionFailures.left -= 1;
        throw new Error('the function failed');
      }
    },
    report: (problem) => reports.push(problem),
  });
}

export const queue = () => sqs.queues.createQueue(`target-${++counted}`, { time: 'clock' });

/** Creates a rule for one test, on a source that no other test uses. */
export async function ruleFor(targets: readonly Partial<Target>[], EventBusName = 'default') {
  const source = `source-${++counted}`;
  const Rule = `rule-${counted}`;
  const EventPattern = JSON.stringify({ source: [source] });
  await client.send(new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }));
  const Targets = targets.map((target, index) => ({ Id: `t${index}`, Arn: undefined, ...target }));
  await client.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
  return { source, Rule };
}

export const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
export const event = (Source: string, detail: object = { a: 1 }): PutEventsRequestEntry => ({
  Source,
  DetailType: 'Thing Happened',
  Detail: JSON.stringify(detail),
});
export const bodies = (arn: string): unknown[] =>
  sqs.queues.receive(arn, 10).map(({ body }) => JSON.parse(body));
