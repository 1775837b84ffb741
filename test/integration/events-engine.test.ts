import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateArchiveCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Endpoint, startEndpoint } from '../../local/aws/endpoint.ts';
import { EventsEngine } from '../../local/aws/events/engine.ts';
import { SqsEngine } from '../../local/aws/sqs/engine.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:consumer';
const directory = mkdtempSync(join(tmpdir(), 'batchdrop-events-'));
const clock = new ManualClock();
const sqs = new SqsEngine({ directory, clock });
const reports: string[] = [];
const invocations: unknown[] = [];
let failuresOfFunction = 0;
const events = new EventsEngine({
  directory,
  clock,
  sendToQueue: (arn, body, attributes) => void sqs.queues.send(arn, body, { attributes }),
  invokeLambda: async (_arn, event) => {
    invocations.push(event);
    if (failuresOfFunction > 0) {
      failuresOfFunction -= 1;
      throw new Error('the function failed');
    }
  },
  report: (problem) => reports.push(problem),
});
let endpoint: Endpoint;
let client: EventBridgeClient;
let counted = 0;

beforeAll(async () => {
  events.rules.createBus('status');
  events.start();
  endpoint = await startEndpoint({ services: [events], port: 0 });
  client = new EventBridgeClient({
    endpoint: endpoint.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});

afterAll(async () => {
  client.destroy();
  await endpoint.close();
  await events.close();
  await sqs.close();
  rmSync(directory, { recursive: true });
});

const queue = () => sqs.queues.createQueue(`target-${++counted}`, { time: 'clock' });

/** A rule of its own for each test: on a source that no other test uses. */
async function ruleFor(targets: readonly Partial<Target>[], EventBusName = 'default') {
  const source = `source-${++counted}`;
  const Rule = `rule-${counted}`;
  const EventPattern = JSON.stringify({ source: [source] });
  await client.send(new PutRuleCommand({ Name: Rule, EventBusName, EventPattern }));
  const Targets = targets.map((target, index) => ({ Id: `t${index}`, Arn: undefined, ...target }));
  await client.send(new PutTargetsCommand({ Rule, EventBusName, Targets }));
  return { source, Rule };
}

const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));
const event = (Source: string, detail: object = { a: 1 }): PutEventsRequestEntry => ({
  Source,
  DetailType: 'Thing Happened',
  Detail: JSON.stringify(detail),
});
const bodies = (arn: string): unknown[] => sqs.queues.receive(arn, 10).map(({ body }) => JSON.parse(body));

describe('an event', () => {
  it('reaches the queue of a matching rule in its envelope', async () => {
    const target = queue();
    const { source } = await ruleFor([{ Arn: target }]);
    const Time = new Date('2026-11-02T03:04:05.678Z');
    const answer = await put({ ...event(source), Time, Resources: ['arn:a'] });
    expect(answer.FailedEntryCount).toBe(0);
    expect(bodies(target)).toEqual([
      {
        version: '0',
        id: answer.Entries?.[0]?.EventId,
        'detail-type': 'Thing Happened',
        source,
        account: '000000000000',
        time: '2026-11-02T03:04:05Z',
        region: 'us-east-1',
        resources: ['arn:a'],
        detail: { a: 1 },
      },
    ]);
  });

  it('goes to every target of every matching rule, and to no other', async () => {
    const [first, second, third, other] = [queue(), queue(), queue(), queue()];
    const { source } = await ruleFor([{ Arn: first }, { Arn: second }]);
    await ruleFor([{ Arn: other }]);
    events.rules.putRule({
      bus: 'default',
      name: 'second-rule',
      pattern: { source: [{ prefix: source }] },
      enabled: true,
    });
    events.rules.putTargets('default', 'second-rule', [{ Id: 'x', Arn: third }]);
    await put(event(source));
    expect([first, second, third, other].map((arn) => bodies(arn).length)).toEqual([1, 1, 1, 0]);
  });

  it('stays on its bus', async () => {
    const [onDefault, onStatus] = [queue(), queue()];
    const { source } = await ruleFor([{ Arn: onStatus }], 'status');
    events.rules.putRule({
      bus: 'default',
      name: 'same-source',
      pattern: { source: [source] },
      enabled: true,
    });
    events.rules.putTargets('default', 'same-source', [{ Id: 'x', Arn: onDefault }]);
    const { Arn } = await client.send(new DescribeEventBusCommand({ Name: 'status' }));
    await put({ ...event(source), EventBusName: 'status' }, { ...event(source), EventBusName: Arn });
    expect([bodies(onStatus).length, bodies(onDefault).length]).toEqual([2, 0]);
  });

  it('of an AWS service is taken from within, and refused from outside', async () => {
    const target = queue();
    events.rules.putRule({
      bus: 'default',
      name: 'uploads',
      pattern: { source: ['aws.s3'], detail: { object: { key: [{ suffix: '.jsonl' }] } } },
      enabled: true,
    });
    events.rules.putTargets('default', 'uploads', [{ Id: 'x', Arn: target }]);
    const detail = { bucket: { name: 'b' }, object: { key: 'in/a.jsonl' } };
    events.accept({ source: 'aws.s3', detailType: 'Object Created', detail, time: clock.now() });
    events.accept({ source: 'aws.s3', detailType: 'Object Created', detail: {}, time: clock.now() });
    const forged = await put({ ...event('aws.s3'), Detail: JSON.stringify(detail) });
    expect(forged.Entries).toMatchObject([{ ErrorCode: 'NotAuthorizedForSource' }]);
    expect(bodies(target)).toMatchObject([{ source: 'aws.s3', detail }]);
  });

  it('is not sent by a disabled rule', async () => {
    const target = queue();
    const { source, Rule: Name } = await ruleFor([{ Arn: target }]);
    await client.send(new DisableRuleCommand({ Name }));
    await put(event(source));
    expect(bodies(target)).toEqual([]);
    await client.send(new EnableRuleCommand({ Name }));
    await put(event(source));
    expect(bodies(target)).toHaveLength(1);
  });

  it('is cut or replaced as the target asks', async () => {
    const [part, nowhere, constant] = [queue(), queue(), queue()];
    const { source } = await ruleFor([
      { Arn: part, InputPath: '$.detail.deep' },
      { Arn: nowhere, InputPath: '$.detail.missing.more' },
      { Arn: constant, Input: '{"fixed":true}' },
    ]);
    await put(event(source, { deep: { x: [1] } }));
    expect([part, nowhere, constant].map(bodies)).toEqual([[{ x: [1] }], [null], [{ fixed: true }]]);
  });
});

describe('PutEvents', () => {
  it('answers each entry in its place, the good ones delivered', async () => {
    const target = queue();
    const { source } = await ruleFor([{ Arn: target }]);
    const answer = await put(
      event(source),
      { ...event(source), Detail: undefined },
      { ...event(source), DetailType: '' },
      { ...event(source), Source: undefined },
      { ...event(source), Detail: '[1]' },
      { ...event(source), Detail: '{"a":' },
      { ...event(source), EventBusName: 'nowhere' },
      event(source),
    );
    expect(answer.FailedEntryCount).toBe(6);
    expect(answer.Entries?.map((entry) => entry.ErrorCode)).toEqual([
      undefined,
      'InvalidArgument',
      'InvalidArgument',
      'InvalidArgument',
      'MalformedDetail',
      'MalformedDetail',
      'ResourceNotFoundException',
      undefined,
    ]);
    expect(bodies(target)).toHaveLength(2);
  });

  it('takes ten entries, refuses eleven and none', async () => {
    const { source } = await ruleFor([]);
    const many = (count: number) => put(...Array.from({ length: count }, () => event(source)));
    expect((await many(10)).Entries).toHaveLength(10);
    await expect(many(11)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
    await expect(many(0)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
  });

  it('takes what is just below 1 MiB together, and refuses the call at it', async () => {
    const entry = (detailBytes: number) => ({
      Source: 's',
      DetailType: 't',
      Detail: `"${'x'.repeat(detailBytes - 2)}"`,
    });
    const half = 1024 * 512;
    // Two bytes of each entry are its source and type; the details are no objects, which is said by entry.
    expect((await put(entry(half - 2), entry(half - 3))).FailedEntryCount).toBe(2);
    await expect(put(entry(half - 2), entry(half - 2))).rejects.toThrow(/over the limit/);
  });
});

describe('a function as target', () => {
  it('is invoked with the event', async () => {
    const { source } = await ruleFor([{ Arn: FUNCTION }]);
    await put(event(source, { for: 'function' }));
    await vi.waitUntil(() => invocations.length > 0);
    expect(invocations).toMatchObject([{ source, detail: { for: 'function' } }]);
  });

  it('is tried again after a minute and then two, and the event ends in the dead-letter queue', async () => {
    const dead = queue();
    const { source } = await ruleFor([{ Arn: FUNCTION, DeadLetterConfig: { Arn: dead } }]);
    invocations.length = 0;
    failuresOfFunction = 3;
    await put(event(source));
    await vi.waitUntil(() => failuresOfFunction === 2);
    await advanceUntil(60_000, () => failuresOfFunction === 1);
    await advanceUntil(120_000, () => failuresOfFunction === 0);
    let message = sqs.queues.receive(dead, 1)[0];
    await vi.waitUntil(() => {
      message ??= sqs.queues.receive(dead, 1)[0];
      return message !== undefined;
    });
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ source });
    expect(message?.messageAttributes).toMatchObject({
      TARGET_ARN: { StringValue: FUNCTION },
      ERROR_MESSAGE: { StringValue: 'the function failed' },
    });
    expect(invocations).toHaveLength(3);
  });

  it('is tried once when the target allows no retry; without a dead-letter queue the loss is reported', async () => {
    const { source } = await ruleFor([{ Arn: FUNCTION, RetryPolicy: { MaximumRetryAttempts: 0 } }]);
    failuresOfFunction = 1;
    reports.length = 0;
    await put(event(source));
    await vi.waitUntil(() => reports.length > 0);
    expect(reports).toEqual([expect.stringContaining('the function failed')]);
  });

  /** The retry is armed a moment after the failure; time goes on only once it is. */
  async function advanceUntil(milliseconds: number, isDone: () => boolean) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(milliseconds - 1);
    expect(isDone()).toBe(false);
    clock.advance(1);
    await vi.waitUntil(isDone);
  }
});

describe('a queue that does not exist as target', () => {
  const nowhere = 'arn:aws:sqs:us-east-1:000000000000:nowhere';

  it('leaves the event to the dead-letter queue, with the reason', async () => {
    const dead = queue();
    const { source } = await ruleFor([{ Arn: nowhere, DeadLetterConfig: { Arn: dead } }]);
    await put(event(source));
    await vi.waitUntil(() => sqs.queues.counts(sqs.queues.byArn(dead)).visible === 1);
    const [message] = sqs.queues.receive(dead, 1);
    expect(message?.messageAttributes).toMatchObject({
      ERROR_CODE: { StringValue: 'QueueDoesNotExist' },
      RULE_ARN: { StringValue: expect.stringContaining(':rule/') },
    });
  });

  it('does not keep the event from the other targets', async () => {
    const target = queue();
    const { source } = await ruleFor([{ Arn: nowhere }, { Arn: target }]);
    await put(event(source));
    expect(bodies(target)).toHaveLength(1);
  });
});

describe('rules', () => {
  it('are described and listed, their targets too', async () => {
    const target = queue();
    const { Rule } = await ruleFor([{ Arn: target, InputPath: '$.detail' }], 'status');
    const EventBusName = 'status';
    const described = await client.send(new DescribeRuleCommand({ Name: Rule, EventBusName }));
    expect(described).toMatchObject({
      Name: Rule,
      Arn: `arn:aws:events:us-east-1:000000000000:rule/status/${Rule}`,
      State: 'ENABLED',
    });
    const { Rules } = await client.send(new ListRulesCommand({ NamePrefix: Rule, EventBusName }));
    expect(Rules?.map((rule) => rule.Name)).toEqual([Rule]);
    const { Targets } = await client.send(new ListTargetsByRuleCommand({ Rule, EventBusName }));
    expect(Targets).toMatchObject([{ Id: 't0', Arn: target, InputPath: '$.detail' }]);
    const { EventBuses } = await client.send(new ListEventBusesCommand({}));
    expect(EventBuses?.map((bus) => bus.Name)).toEqual(['default', 'status']);
  });

  it('are deleted only when their targets are removed', async () => {
    const target = queue();
    const { source, Rule } = await ruleFor([{ Arn: target }]);
    await expect(client.send(new DeleteRuleCommand({ Name: Rule }))).rejects.toThrow(/has targets/);
    await client.send(new RemoveTargetsCommand({ Rule, Ids: ['t0'] }));
    await client.send(new DeleteRuleCommand({ Name: Rule }));
    await put(event(source));
    expect(bodies(target)).toEqual([]);
    await expect(client.send(new DescribeRuleCommand({ Name: Rule }))).rejects.toThrow(
      expect.objectContaining({ name: 'ResourceNotFoundException' }),
    );
  });

  it.each([
    [
      'an operator that is not here',
      { EventPattern: '{"source":[{"cidr":"10.0.0.0/8"}]}' },
      'ValidationException',
    ],
    ['an invalid pattern', { EventPattern: '{"source":"x"}' }, 'InvalidEventPatternException'],
    ['a schedule', { ScheduleExpression: 'rate(1 minute)' }, 'ValidationException'],
    ['neither pattern nor schedule', {}, 'ValidationException'],
    [
      'an unknown bus',
      { EventPattern: '{"source":["x"]}', EventBusName: 'nowhere' },
      'ResourceNotFoundException',
    ],
  ])('are refused with %s', async (_, fields, name) => {
    await expect(client.send(new PutRuleCommand({ Name: 'refused', ...fields }))).rejects.toThrow(
      expect.objectContaining({ name }),
    );
    await expect(client.send(new DescribeRuleCommand({ Name: 'refused' }))).rejects.toThrow();
  });

  it.each<[string, Partial<Target>]>([
    ['InputTransformer', { InputTransformer: { InputTemplate: '"x"' } }],
    ['HttpParameters', { HttpParameters: {} }],
    ['arn:aws:sns', { Arn: 'arn:aws:sns:us-east-1:000000000000:topic' }],
    ['InputPath', { InputPath: '$.detail[0]' }],
    ['Input is not JSON', { Input: 'x' }],
  ])('refuse a target by the name of what is not here: %s', async (named, fields) => {
    const { Rule } = await ruleFor([]);
    const Targets = [{ Id: 'x', Arn: FUNCTION, ...fields }];
    await expect(client.send(new PutTargetsCommand({ Rule, Targets }))).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException', message: expect.stringContaining(named) }),
    );
  });

  it('take five targets and no sixth', async () => {
    const { Rule } = await ruleFor(Array.from({ length: 5 }, () => ({ Arn: FUNCTION })));
    const Targets = [{ Id: 'sixth', Arn: FUNCTION }];
    await expect(client.send(new PutTargetsCommand({ Rule, Targets }))).rejects.toThrow(
      expect.objectContaining({ name: 'LimitExceededException' }),
    );
  });
});

it('TestEventPattern says whether an event would match', async () => {
  const Event = JSON.stringify({
    id: '1',
    'detail-type': 't',
    source: 's',
    account: '0',
    time: '2026-11-01T00:00:00Z',
    region: 'r',
    resources: [],
    detail: { status: 'completed' },
  });
  const test = async (status: string) => {
    const EventPattern = JSON.stringify({ detail: { status: [status] } });
    return (await client.send(new TestEventPatternCommand({ Event, EventPattern }))).Result;
  };
  expect([await test('completed'), await test('failed')]).toEqual([true, false]);
});

it('an operation that is not here is refused by its name', async () => {
  await expect(
    client.send(new CreateArchiveCommand({ ArchiveName: 'x', EventSourceArn: 'y' })),
  ).rejects.toThrow(
    expect.objectContaining({ name: 'NotImplemented', message: expect.stringContaining('CreateArchive') }),
  );
});
