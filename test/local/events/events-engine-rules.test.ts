import {
  CreateArchiveCommand,
  DeleteRuleCommand,
  DescribeRuleCommand,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import {
  bodies,
  client,
  event,
  FUNCTION,
  put,
  queue,
  ruleFor,
  runEventsEngine,
} from './events-engine-fixture.ts';

runEventsEngine();

describe('rules', () => {
  it('are described and listed with their targets', async () => {
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

  it('can be deleted only after their targets', async () => {
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
      'an unknown operator',
      { EventPattern: '{"source":[{"starts-with":"x"}]}' },
      'InvalidEventPatternException',
    ],
    ['an invalid pattern', { EventPattern: '{"source":"x"}' }, 'InvalidEventPatternException'],
    ['a schedule', { ScheduleExpression: 'rate(1 minute)' }, 'ValidationException'],
    ['neither pattern nor schedule', {}, 'ValidationException'],
    [
      'an unknown bus',
      { EventPattern: '{"source":["x"]}', EventBusName: 'nowhere' },
      'ResourceNotFoundException',
    ],
  ])('fail with %s', async (_, fields, name) => {
    await expect(client.send(new PutRuleCommand({ Name: 'refused', ...fields }))).rejects.toThrow(
      expect.objectContaining({ name }),
    );
    await expect(client.send(new DescribeRuleCommand({ Name: 'refused' }))).rejects.toThrow();
  });

  it.each<[string, Partial<Target>]>([
    ['HttpParameters', { HttpParameters: {} }],
    ['arn:aws:sns', { Arn: 'arn:aws:sns:us-east-1:000000000000:topic' }],
    ['InputPath', { InputPath: '$.detail[*]' }],
    ['Only one of Input', { InputPath: '$.detail', Input: '{}' }],
    ['a dead-letter queue must be an SQS queue', { DeadLetterConfig: { Arn: FUNCTION } }],
    ['MaximumRetryAttempts must be from 0 to 185', { RetryPolicy: { MaximumRetryAttempts: 186 } }],
    ['MaximumEventAgeInSeconds must be from 60', { RetryPolicy: { MaximumEventAgeInSeconds: 59 } }],
    ['invalid placeholder nobody', { InputTransformer: { InputTemplate: '{"a":<nobody>}' } }],
    ['invalid placeholder nobody', { InputTransformer: { InputTemplate: '"a <nobody>"' } }],
    ['the filled template is not JSON', { InputTransformer: { InputTemplate: 'plain text' } }],
    ['the filled template is not JSON', { InputTransformer: { InputTemplate: '{"a": <>}' } }],
    ['path "$.detail.*"', { InputTransformer: { InputTemplate: '<a>', InputPathsMap: { a: '$.detail.*' } } }],
    [
      'not a valid variable name',
      { InputTransformer: { InputTemplate: '"x"', InputPathsMap: { 'aws.x': '$' } } },
    ],
    ['Input is not JSON', { Input: 'x' }],
  ])('reject a target with a message: %s', async (named, fields) => {
    const { Rule } = await ruleFor([]);
    const Targets = [{ Id: 'x', Arn: FUNCTION, ...fields }];
    await expect(client.send(new PutTargetsCommand({ Rule, Targets }))).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException', message: expect.stringContaining(named) }),
    );
  });

  it('accept five targets and no sixth', async () => {
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

it('an operation that is not implemented fails with its name', async () => {
  await expect(
    client.send(new CreateArchiveCommand({ ArchiveName: 'x', EventSourceArn: 'y' })),
  ).rejects.toThrow(
    expect.objectContaining({ name: 'NotImplemented', message: expect.stringContaining('CreateArchive') }),
  );
});
