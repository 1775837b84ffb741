import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import {
  dollarsOfIdle,
  freeOfIdle,
  idleDollars,
  idleQueueRequests,
  READERS,
  TIERS,
} from '../../../docs/cost-arithmetic.ts';
import counted from '../../bench/calls/counted-calls.json' with { type: 'json' };
import { synthesize } from '../synthesis.ts';
import { at, list, resources } from '../template-reading.ts';

/** Types that cost nothing while nothing happens, or whose cost docs/cost-arithmetic.ts counts. */
const PRICED = new Set([
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Scheduler::Schedule',
]);
const FREE_WHEN_IDLE = new Set([
  'AWS::DynamoDB::Table', // on demand; an empty table has no storage
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
]);

/** Returns the number of metrics that AWS bills for the alarms: one, or each that an expression uses. */
function alarmMetrics(template: Template): number {
  return resources(template, 'AWS::CloudWatch::Alarm').reduce((sum, { Properties }) => {
    const metrics = list(at(Properties, 'Metrics')).filter((one) => at(one, 'MetricStat') !== undefined);
    return sum + Math.max(1, metrics.length);
  }, 0);
}

describe.each(['none', 'basic', 'full'] as const)(
  'the cost of an idle stack with monitoring %s',
  (monitoring) => {
    const template = synthesize({
      monitoring,
      ...(monitoring !== 'none' && { alarmEmail: 'team@example.com' }),
    });

    it('counts the alarms and dashboards of the template', () => {
      expect(TIERS[monitoring]).toMatchObject({
        alarmMetrics: alarmMetrics(template),
        dashboards: resources(template, 'AWS::CloudWatch::Dashboard').length,
      });
    });

    it('counts everything else in the template that costs money while nothing happens', () => {
      const types = Object.values(template.toJSON().Resources).map((resource) =>
        String(at(resource, 'Type')),
      );
      expect(types.length).toBeGreaterThan(30);
      expect(types.filter((type) => !PRICED.has(type) && !FREE_WHEN_IDLE.has(type))).toEqual([]);
      const readers = resources(template, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) =>
        at(Properties, 'ScalingConfig') === undefined ? READERS.unlimited : READERS.limited,
      );
      expect(idleQueueRequests(TIERS[monitoring].limitedQueues)).toBe(
        readers.reduce((sum, one) => sum + one, 0) * 129_600,
      ); // a long poll takes 20 s
      const heartbeats = resources(template, 'AWS::Lambda::Function').filter(
        ({ Properties }) => at(Properties, 'Environment', 'Variables', 'HEARTBEAT') === 'on',
      );
      expect(TIERS[monitoring].idleMetrics).toBe(heartbeats.length);
      expect(resources(template, 'AWS::Scheduler::Schedule')).toHaveLength(1);
    });
  },
);

it('the tiers cost what docs/costs.md says: nothing for none, $0.80 for basic, $6.70 for full', () => {
  const [none, basic, full] = (['none', 'basic', 'full'] as const).map((tier) => ({
    monitoring: dollarsOfIdle(counted, tier).alarms + dollarsOfIdle(counted, tier).dashboard,
    total: idleDollars(counted, tier),
    unbilled: freeOfIdle(tier),
  }));
  expect(none?.monitoring).toBe(0);
  expect(basic?.monitoring).toBeCloseTo(0.8);
  expect(full?.monitoring).toBeCloseTo(6.7);
  expect([none, basic, full].map((tier) => tier?.total.toFixed(2))).toEqual(['1.00', '2.56', '8.46']);
  expect(none?.unbilled).toBeCloseTo(0.45, 3); // a million queue requests, and the runs and logs of POLL
});

it('webhooks add four metrics to the alarms of full, and a budget three', () => {
  const of = (props: Parameters<typeof synthesize>[0]) => alarmMetrics(synthesize(props));
  const full = TIERS.full.alarmMetrics;
  expect(of({ monitoring: 'full', webhook: {} })).toBe(full + 4);
  expect(of({ monitoring: 'full', budget: { perDay: 10 } })).toBe(full + 3);
  expect(of({ webhook: {}, budget: { perDay: 10 } })).toBe(TIERS.basic.alarmMetrics);
});
