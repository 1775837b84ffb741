import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, it } from 'vitest';
import type { ImpactAlarmProps } from '../../../lib/monitoring/impact-alarm.ts';
import { synthesize } from '../synthesis.ts';
import { at, legible, resources } from '../template-reading.ts';

const template = synthesize({ monitoring: 'full' });
const alarms = resources(template, 'AWS::CloudWatch::Alarm');

const watching = (metric: string) =>
  alarms
    .filter(({ Properties }) => at(Properties, 'MetricName') === metric)
    .map(({ Properties }) => legible(at(Properties, 'Dimensions', 0, 'Value')))
    .sort();

describe('alarms', () => {
  it('watch every dead-letter queue', () => {
    const deadLetters = resources(template, 'AWS::SQS::Queue')
      .filter(({ Properties }) => at(Properties, 'RedrivePolicy') === undefined)
      .map(({ id }) => `<${id}.QueueName>`);
    expect(deadLetters).toHaveLength(6);
    expect(watching('ApproximateNumberOfMessagesVisible')).toEqual(deadLetters.sort());
  });

  it('watch the age of the oldest message in every work queue', () => {
    const queues = resources(template, 'AWS::SQS::Queue')
      .filter(({ Properties }) => at(Properties, 'RedrivePolicy') !== undefined)
      .map(({ id }) => `<${id}.QueueName>`);
    expect(queues).toHaveLength(5);
    expect(watching('ApproximateAgeOfOldestMessage')).toEqual(queues.sort());
  });

  it('allow a message the time for a second delivery', () => {
    for (const { Properties } of alarms) {
      if (at(Properties, 'MetricName') !== 'ApproximateAgeOfOldestMessage') continue;
      const watched = legible(at(Properties, 'Dimensions', 0, 'Value'));
      const queue = resources(template, 'AWS::SQS::Queue').find(({ id }) => `<${id}.QueueName>` === watched);
      expect(at(Properties, 'Threshold')).toBeGreaterThan(Number(at(queue?.Properties, 'VisibilityTimeout')));
    }
  });

  it.each(['Errors', 'Throttles'])('watch the %s of every function', (metric) => {
    const functions = resources(template, 'AWS::Lambda::Function').map(({ id }) => `<${id}>`);
    expect(functions).toHaveLength(6);
    expect(watching(metric)).toEqual(functions.sort());
  });

  it('go off when POLL stops', () => {
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

  it('allow a longer poll interval', () => {
    const slow = synthesize({ pollInterval: Duration.minutes(10) });
    slow.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Ticks', Period: 1800 });
  });

  it('do not go off when there is no data, except for the heartbeat', () => {
    const noisy = alarms.filter(({ Properties }) => at(Properties, 'TreatMissingData') !== 'notBreaching');
    expect(noisy.map(({ id }) => id)).toEqual(['AlarmsPollHeartbeat']);
  });

  it('say how users are affected', () => {
    expect(alarms).toHaveLength(37);
    for (const { id, Properties } of alarms)
      expect(at(Properties, 'AlarmDescription'), id).toMatch(/\busers?\b/);
  });

  it('have a name that a person can read, which begins with the name of the Batchdrop', () => {
    for (const { id, Properties } of alarms)
      expect(at(Properties, 'AlarmName')).toBe(`Example.Batchdrop-${id.replace('Alarms', '')}`);
  });

  it('do not compile without their impact', () => {
    // @ts-expect-error: `impact` is missing
    const props: ImpactAlarmProps = {
      instance: 'Example.Batchdrop',
      metric: new Metric({ namespace: 'n', metricName: 'm' }),
      threshold: 1,
      actions: [],
    };
    expect(props).not.toHaveProperty('impact');
  });

  it.each([
    ['24h', 26],
    ['7d', 7 * 24 + 2],
  ])('give a batch with a window of %s %i hours', (completionWindow, hours) => {
    const baseUrl = 'https://api.groq.com/openai/v1'; // OpenAI has no other window than a day
    synthesize({ baseUrl, completionWindow, monitoring: 'full' }).hasResourceProperties(
      'AWS::CloudWatch::Alarm',
      {
        MetricName: 'OldestOpenAge',
        Statistic: 'Maximum',
        Threshold: hours * 3600,
        TreatMissingData: 'notBreaching',
      },
    );
  });

  it.each([
    'KeyRefused',
    'AccountRefused',
    'PublishFailures',
    'SecondBatches',
    'Stalled',
    'TriesUsedUp',
    'ApprovalsExpired',
    'RefusedAlone',
    'CreateUncertain',
    'ResultsWaiting',
    'ResultsExpiring',
    'RowsMissing',
  ])('watch %s of this Batchdrop', (metric) => {
    expect(watching(metric)).toEqual(['Example.Batchdrop']);
  });

  it('stay on while a step is stalled, which is counted every half hour', () => {
    const stalled = alarms.find(({ id }) => id === 'AlarmsStalled');
    expect(Number(at(stalled?.Properties, 'Period'))).toBeGreaterThanOrEqual(2 * 1800);
  });

  it.each([5, 60])('stay on while a part waits for a release, with a tick every %i minutes', (minutes) => {
    const template = synthesize({ pollInterval: Duration.minutes(minutes), monitoring: 'full' });
    const uncertain = resources(template, 'AWS::CloudWatch::Alarm').find(
      ({ id }) => id === 'AlarmsCreateUncertain',
    );
    // It is reported every half hour, or at the first tick after that.
    expect(Number(at(uncertain?.Properties, 'Period'))).toBeGreaterThanOrEqual((30 + minutes) * 60);
  });

  it.each([5, 60])(
    'stay on while results are checked every hour, with a tick every %i minutes',
    (minutes) => {
      const template = synthesize({ pollInterval: Duration.minutes(minutes), monitoring: 'full' });
      const waiting = resources(template, 'AWS::CloudWatch::Alarm').find(
        ({ id }) => id === 'AlarmsResultsWaiting',
      );
      // A check is due one hour after the previous one, and begins at the next tick.
      expect(Number(at(waiting?.Properties, 'Period'))).toBeGreaterThanOrEqual((60 + minutes) * 60);
    },
  );
});
