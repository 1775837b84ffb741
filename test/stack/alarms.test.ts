import { Duration } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
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
      MetricName: 'Invocations',
      Period: 300,
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
      TreatMissingData: 'breaching',
    });
    expect(watching('Invocations')).toEqual(['<PollingWorkerFunction>']);
  });

  it('wait for a slow reconciler as long as it takes', () => {
    const slow = synthesize({ pollInterval: Duration.minutes(10) });
    slow.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'Invocations', Period: 1800 });
  });

  it('are quiet when nothing happens, the heartbeat excepted', () => {
    const loud = alarms.filter(({ Properties }) => at(Properties, 'TreatMissingData') !== 'notBreaching');
    expect(loud.map(({ id }) => id)).toEqual(['AlarmsPollHeartbeat']);
  });

  it('say whom they hurt', () => {
    expect(alarms).toHaveLength(20);
    for (const { id, Properties } of alarms)
      expect(at(Properties, 'AlarmDescription'), id).toMatch(/\busers?\b/);
  });
});
