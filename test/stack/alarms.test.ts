import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import type { ImpactAlarmProps } from '../../lib/monitoring/impact-alarm.ts';
import { synthesize } from './synthesis.ts';
import { at, legible, resources } from './template-reading.ts';

const template = synthesize();
const alarms = resources(template, 'AWS::CloudWatch::Alarm');

const watching = (metric: string) =>
  alarms
    .filter(({ Properties }) => at(Properties, 'MetricName') === metric)
    .map(({ Properties }) => legible(at(Properties, 'Dimensions', 0, 'Value')))
    .sort();

describe('alarms', () => {
  it('watch every queue in which nothing should be left', () => {
    const deadLetters = resources(template, 'AWS::SQS::Queue')
      .filter(({ Properties }) => at(Properties, 'RedrivePolicy') === undefined)
      .map(({ id }) => `<${id}.QueueName>`);
    expect(deadLetters).toHaveLength(5);
    expect(watching('ApproximateNumberOfMessagesVisible')).toEqual(deadLetters.sort());
  });

  it('watch the oldest message of every queue that is worked off', () => {
    const queues = resources(template, 'AWS::SQS::Queue')
      .filter(({ Properties }) => at(Properties, 'RedrivePolicy') !== undefined)
      .map(({ id }) => `<${id}.QueueName>`);
    expect(queues).toHaveLength(4);
    expect(watching('ApproximateAgeOfOldestMessage')).toEqual(queues.sort());
  });

  it('leave a message the time of a second delivery before they call it late', () => {
    for (const { Properties } of alarms) {
      if (at(Properties, 'MetricName') !== 'ApproximateAgeOfOldestMessage') continue;
      const watched = legible(at(Properties, 'Dimensions', 0, 'Value'));
      const queue = resources(template, 'AWS::SQS::Queue').find(({ id }) => `<${id}.QueueName>` === watched);
      expect(at(Properties, 'Threshold')).toBeGreaterThan(Number(at(queue?.Properties, 'VisibilityTimeout')));
    }
  });

  it.each(['Errors', 'Throttles'])('watch the %s of every function', (metric) => {
    const functions = resources(template, 'AWS::Lambda::Function').map(({ id }) => `<${id}>`);
    expect(functions).toHaveLength(5);
    expect(watching(metric)).toEqual(functions.sort());
  });

  it('go off when the reconciler falls silent', () => {
    const heartbeat = alarms.find(({ id }) => id === 'AlarmsPollHeartbeat');
    expect(heartbeat?.Properties).toMatchObject({
      Namespace: 'Batchdrop',
      MetricName: 'Ticks',
      Dimensions: [{ Name: 'service', Value: 'Example.Batchdrop' }],
      Period: 300,
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
    });
  });

  it('wait for a slow reconciler as long as it takes', () => {
    const slow = synthesize({ pollInterval: Duration.minutes(10) });
    slow.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Ticks', Period: 1800 });
  });

  it('are quiet when nothing happens, the heartbeat excepted', () => {
    const loud = alarms.filter(({ Properties }) => at(Properties, 'TreatMissingData') !== 'notBreaching');
    expect(loud.map(({ id }) => id)).toEqual(['AlarmsPollHeartbeat']);
  });

  it('say whom they hurt', () => {
    expect(alarms).toHaveLength(27);
    for (const { id, Properties } of alarms)
      expect(at(Properties, 'AlarmDescription'), id).toMatch(/\busers?\b/);
  });

  it('without whom it hurts do not compile', () => {
    // @ts-expect-error: `impact` is missing
    const props: ImpactAlarmProps = {
      metric: new Metric({ namespace: 'n', metricName: 'm' }),
      threshold: 1,
      action: undefined,
    };
    expect(props).not.toHaveProperty('impact');
  });

  it.each([
    ['24h', 26],
    ['7d', 7 * 24 + 2],
  ])('let a batch of %s have %i hours', (completionWindow, hours) => {
    synthesize({ completionWindow }).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'OldestOpenAge',
      Statistic: 'Maximum',
      Threshold: hours * 3600,
      TreatMissingData: 'notBreaching',
    });
  });

  it.each(['KeyRefused', 'PublishFailures', 'SecondBatches', 'Stalled', 'TriesUsedUp', 'RefusedAlone'])(
    'watch %s of this Batchdrop',
    (metric) => {
      expect(watching(metric)).toEqual(['Example.Batchdrop']);
    },
  );

  it('stay on while something is held, which is counted every half hour', () => {
    const held = alarms.find(({ id }) => id === 'AlarmsStalled');
    expect(Number(at(held?.Properties, 'Period'))).toBeGreaterThanOrEqual(2 * 1800);
  });

  it('tell whom they are told to tell, and nobody otherwise', () => {
    expect(alarms.filter(({ Properties }) => at(Properties, 'AlarmActions') !== undefined)).toEqual([]);
    const told = resources(
      synthesize((stack) => ({ alarmAction: new SnsAction(new Topic(stack, 'Night')) })),
      'AWS::CloudWatch::Alarm',
    );
    expect(told).toHaveLength(27);
    for (const { id, Properties } of told)
      expect(legible(at(Properties, 'AlarmActions', 0)), id).toBe('<Night>');
  });
});
