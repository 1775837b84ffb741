import { DescribeEventBusCommand, DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it, vi } from 'vitest';
import {
  bodies,
  client,
  clock,
  event,
  events,
  FUNCTION,
  functionFailures,
  invocations,
  put,
  queue,
  reports,
  ruleFor,
  runEventsEngine,
  sqs,
} from './events-engine-fixture.ts';

runEventsEngine();

const HANGS_AFTER_MS = 60_000;

describe('an event', () => {
  it('reaches the queue of a matching rule with its envelope', async () => {
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

  it('of an AWS service is accepted from the runtime and refused from a client', async () => {
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

  it('is reduced or replaced as the target requests', async () => {
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
  it('returns a result per entry in order, and delivers the valid ones', async () => {
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

  it('accepts ten entries, and fails for eleven and for none', async () => {
    const { source } = await ruleFor([]);
    const many = (count: number) => put(...Array.from({ length: count }, () => event(source)));
    expect((await many(10)).Entries).toHaveLength(10);
    await expect(many(11)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
    await expect(many(0)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
  });

  it('accepts entries just below 1 MiB in total, and fails at 1 MiB', async () => {
    const entry = (detailBytes: number) => ({
      Source: 's',
      DetailType: 't',
      Detail: `"${'x'.repeat(detailBytes - 2)}"`,
    });
    const half = 1024 * 512;
    // Two bytes of each entry are its source and type. The details are not objects, which causes an error per entry.
    expect((await put(entry(half - 2), entry(half - 3))).FailedEntryCount).toBe(2);
    await expect(put(entry(half - 2), entry(half - 2))).rejects.toThrow(/over the limit/);
  });
});

describe('a function as target', () => {
  it('is invoked with the event', async () => {
    const { source } = await ruleFor([{ Arn: FUNCTION }]);
    await put(event(source, { for: 'function' }));
    await vi.waitUntil(() => invocations.length > 0, HANGS_AFTER_MS);
    expect(invocations).toMatchObject([{ source, detail: { for: 'function' } }]);
  });

  it('is retried after one minute and two more, and then the event moves to the dead-letter queue', async () => {
    const dead = queue();
    const { source } = await ruleFor([{ Arn: FUNCTION, DeadLetterConfig: { Arn: dead } }]);
    invocations.length = 0;
    functionFailures.left = 3;
    await put(event(source));
    await vi.waitUntil(() => functionFailures.left === 2, HANGS_AFTER_MS);
    await advanceUntil(60_000, () => functionFailures.left === 1);
    await advanceUntil(120_000, () => functionFailures.left === 0);
    let message = sqs.queues.receive(dead, 1)[0];
    await vi.waitUntil(() => {
      message ??= sqs.queues.receive(dead, 1)[0];
      return message !== undefined;
    }, HANGS_AFTER_MS);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ source });
    expect(message?.messageAttributes).toMatchObject({
      TARGET_ARN: { StringValue: FUNCTION },
      ERROR_MESSAGE: { StringValue: 'the function failed' },
    });
    expect(invocations).toHaveLength(3);
  });

  it('is invoked once if the target allows no retry, and without a dead-letter queue the loss is reported', async () => {
    const { source } = await ruleFor([{ Arn: FUNCTION, RetryPolicy: { MaximumRetryAttempts: 0 } }]);
    functionFailures.left = 1;
    reports.length = 0;
    await put(event(source));
    await vi.waitUntil(() => reports.length > 0, HANGS_AFTER_MS);
    expect(reports).toEqual([expect.stringContaining('the function failed')]);
  });

  /** The retry is scheduled shortly after the failure. The clock advances only after that. */
  async function advanceUntil(milliseconds: number, isDone: () => boolean) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(milliseconds - 1);
    expect(isDone()).toBe(false);
    clock.advance(1);
    await vi.waitUntil(isDone, HANGS_AFTER_MS);
  }
});

describe('a queue that does not exist as target', () => {
  const nowhere = 'arn:aws:sqs:us-east-1:000000000000:nowhere';

  it('moves the event to the dead-letter queue, with the reason', async () => {
    const dead = queue();
    const { source } = await ruleFor([{ Arn: nowhere, DeadLetterConfig: { Arn: dead } }]);
    await put(event(source));
    await vi.waitUntil(() => sqs.queues.counts(sqs.queues.byArn(dead)).visible === 1, HANGS_AFTER_MS);
    const [message] = sqs.queues.receive(dead, 1);
    expect(message?.messageAttributes).toMatchObject({
      ERROR_CODE: { StringValue: 'QueueDoesNotExist' },
      RULE_ARN: { StringValue: expect.stringContaining(':rule/') },
    });
  });

  it('does not affect the other targets', async () => {
    const target = queue();
    const { source } = await ruleFor([{ Arn: nowhere }, { Arn: target }]);
    await put(event(source));
    expect(bodies(target)).toHaveLength(1);
  });
});
