import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AnyPrincipal, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../../lib/batchdrop-props.ts';
import { exampleApp, synthesize } from '../synthesis.ts';
import { at, legible, list, resources } from '../template-reading.ts';

const EVERYTHING: BatchdropProps = { webhook: {}, budget: { perDay: 10 } };

const alarmsOf = (template: Template) =>
  resources(template, 'AWS::CloudWatch::Alarm').map(({ id, Properties }) => ({
    id: id.replace(/^Alarms/, ''),
    severity: /Severity: (\w+)\./.exec(String(at(Properties, 'AlarmDescription')))?.[1],
    actions: list(at(Properties, 'AlarmActions')).map(legible),
  }));
const dashboardsOf = (template: Template) => resources(template, 'AWS::CloudWatch::Dashboard').length;

describe('monitoring', () => {
  it('is basic by default: at most eight alarms, whatever else is used, and no dashboard', () => {
    const least = synthesize();
    const most = synthesize(EVERYTHING);
    const ids = alarmsOf(least).map(({ id }) => id);
    expect(ids.sort()).toEqual([
      'AccountRefused',
      'CreateUncertain',
      'IntakeDeadLetters',
      'KeyRefused',
      'PollHeartbeat',
      'SecondBatch',
      'Stalled',
      'Undelivered',
    ]);
    expect(
      alarmsOf(most)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    expect(dashboardsOf(most)).toBe(0);
    expect(alarmsOf(synthesize({ monitoring: 'basic' }))).toEqual(alarmsOf(least));
  });

  it('is every alarm and the dashboard with full', () => {
    const template = synthesize({ ...EVERYTHING, monitoring: 'full' });
    expect(alarmsOf(template)).toHaveLength(37 + 3 + 3);
    expect(dashboardsOf(template)).toBe(1);
  });

  it('is nothing with none, while the functions are the same, except that POLL reports no heartbeat', () => {
    const none = synthesize({ monitoring: 'none' }, (batchdrop) => expect(batchdrop.alarms).toEqual([]));
    const types = Object.values(none.toJSON().Resources).map((resource) => String(at(resource, 'Type')));
    expect(types.length).toBeGreaterThan(30);
    expect(types.filter((type) => /CloudWatch|SNS/.test(type))).toEqual([]);
    const functions = (template: Template) =>
      resources(template, 'AWS::Lambda::Function').map(({ Properties }) => ({
        ...(Properties as object),
        Environment: Object.entries(at(Properties, 'Environment', 'Variables') ?? {}),
      }));
    const heartbeat = ['HEARTBEAT', 'on'];
    const watched = functions(synthesize({ monitoring: 'full' }));
    expect(watched.flatMap(({ Environment }) => Environment)).toContainEqual(heartbeat);
    expect(functions(none)).toEqual(
      watched.map((each) => ({
        ...each,
        Environment: each.Environment.filter(([name]) => name !== heartbeat[0]),
      })),
    );
  });

  it('gives an alarm the same id in each tier, so that a change of the tier replaces none', () => {
    const full = alarmsOf(synthesize({ monitoring: 'full' }));
    expect(full).toEqual(expect.arrayContaining(alarmsOf(synthesize())));
  });
});

describe('the recipients of alarms', () => {
  it('are none by default', () => {
    expect(alarmsOf(synthesize({ monitoring: 'full' })).flatMap(({ actions }) => actions)).toEqual([]);
    expect(resources(synthesize(), 'AWS::SNS::Topic')).toEqual([]);
  });

  it('get every alarm, or those of one severity', () => {
    const template = synthesize((stack) => {
      const [all, pages, tickets] = ['All', 'Pages', 'Tickets'].map(
        (id) => new SnsAction(new Topic(stack, id)),
      );
      return {
        monitoring: 'full',
        alarmAction: all,
        pageAction: pages,
        ticketAction: tickets,
        alarmEmail: 'team@example.com',
      };
    });
    const alarms = alarmsOf(template);
    const [pages, tickets] = ['page', 'ticket'].map((one) =>
      alarms.filter(({ severity }) => severity === one),
    );
    expect(pages?.map(({ id }) => id).sort()).toEqual([
      'AccountRefused',
      'CreateUncertain',
      'KeyRefused',
      'PollHeartbeat',
      'PublishFailures',
      'SecondBatch',
      'Undelivered',
    ]);
    expect(tickets).toHaveLength(alarms.length - 7);
    for (const { actions } of pages ?? []) expect(actions).toEqual(['<AlarmMail>', '<All>', '<Pages>']);
    for (const { actions } of tickets ?? []) expect(actions).toEqual(['<AlarmMail>', '<All>', '<Tickets>']);
  });
});

describe('a topic of the app that receives alarms', () => {
  /** Returns the warnings about a topic that is the action of every alarm. */
  function warningsFor(
    topicOf: (stack: Stack) => ITopic,
    later: (topic: ITopic) => unknown = () => {},
  ): string[] {
    const stack = new Stack(exampleApp(), 'Example');
    const topic = topicOf(stack);
    new Batchdrop(stack, 'Batchdrop', {
      alarmAction: new SnsAction(topic),
      pageAction: new SnsAction(topic),
    });
    later(topic);
    const warnings = Annotations.fromStack(stack).findWarning(
      '*',
      Match.stringLikeRegexp('alarms cannot publish'),
    );
    return warnings.map(({ entry }) => String(entry.data));
  }
  const withTls = (stack: Stack) => new Topic(stack, 'OnCall', { enforceSSL: true });
  const toAlarms = (topic: ITopic) => topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com'));

  it('is warned of if its policy admits no alarm', () => {
    expect(warningsFor(withTls)).toEqual([
      expect.stringMatching(
        /^alarms cannot publish to Example\/OnCall\/Resource, because .*; call grantPublish\(new ServicePrincipal\('cloudwatch\.amazonaws\.com'\)\) of the topic\./,
      ),
    ]);
    const other = (topic: ITopic) => topic.grantPublish(new ServicePrincipal('events.amazonaws.com'));
    expect(warningsFor(withTls, other)).toHaveLength(1);
  });

  it.each<[string, (stack: Stack) => ITopic, ((topic: ITopic) => unknown)?]>([
    ['has no policy', (stack) => new Topic(stack, 'OnCall')],
    ['admits alarms', withTls, toAlarms],
    ['admits all of the account', withTls, (topic) => topic.grantPublish(new AnyPrincipal())],
    [
      'is imported',
      (stack) => Topic.fromTopicArn(stack, 'OnCall', 'arn:aws:sns:us-east-1:111111111111:on-call'),
    ],
  ])('is not warned of if it %s', (_, topicOf, later) => {
    expect(warningsFor(topicOf, later)).toEqual([]);
  });
});

describe('alarmEmail', () => {
  const template = synthesize({ alarmEmail: 'team@example.com' });

  it('subscribes the address to a topic that every alarm sends to', () => {
    const [subscription, ...others] = resources(template, 'AWS::SNS::Subscription');
    expect(others).toEqual([]);
    expect(subscription?.Properties).toMatchObject({ Protocol: 'email', Endpoint: 'team@example.com' });
    const alarms = alarmsOf(template);
    expect(alarms).toHaveLength(8);
    for (const { actions } of alarms) expect(actions).toEqual(['<AlarmMail>']);
    expect(legible(at(subscription?.Properties, 'TopicArn'))).toBe('<AlarmMail>');
  });

  it('lets the alarms of this account publish, and nobody without TLS', () => {
    const [policy] = resources(template, 'AWS::SNS::TopicPolicy');
    const statements = list(at(policy?.Properties, 'PolicyDocument', 'Statement'));
    expect(statements).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 'sns:Publish',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: {
          StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
          ArnLike: { 'aws:SourceArn': expect.anything() },
        },
      }),
    ]);
    expect(legible(at(statements[1], 'Condition', 'ArnLike', 'aws:SourceArn'))).toBe(
      'arn:<AWS::Partition>:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*',
    );
  });

  it('may be a parameter of the stack', () => {
    const token = synthesize((stack) => ({ alarmEmail: new CfnParameter(stack, 'Mail').valueAsString }));
    const [subscription] = resources(token, 'AWS::SNS::Subscription');
    expect(legible(at(subscription?.Properties, 'Endpoint'))).toBe('<Mail>');
  });

  it.each(['team.on-call+batchdrop@mail.example.co.uk', "o'neill@example.com", 'ops@xn--bcher-kva.example'])(
    'may be %s',
    (alarmEmail) => {
      expect(() => synthesize({ alarmEmail })).not.toThrow();
    },
  );

  it.each([
    '',
    'team',
    'team@example',
    '@example.com',
    'team@',
    'team@example..com',
    'team@-example.com',
    'team@example.com ',
    'team@example.com,other@example.com',
    'Team <team@example.com>',
    'mailto:team@example.com',
    'team@@example.com',
    'team@example.com\nother@example.com',
  ])('must be one mail address, and not %j', (alarmEmail) => {
    expect(() => synthesize({ alarmEmail })).toThrow(
      `Example/Batchdrop: alarmEmail is ${JSON.stringify(alarmEmail)}; set one mail address, such as team@example.com.`,
    );
  });
});
