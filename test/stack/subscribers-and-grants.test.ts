import { EventBus } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../lib/batchdrop.ts';
import { synthesize } from './synthesis.ts';
import { at, legible, list, permissionsIn, resources } from './template-reading.ts';

describe('a subscription matches', () => {
  const template = synthesize({}, (batchdrop, stack) => {
    const target = new SqsQueue(new Queue(stack, 'Mine'));
    batchdrop.onStatusChange('EveryBatch', { target });
    batchdrop.onStatusChange('EndedBatches', { target, status: ['completed', 'expired'] });
    batchdrop.onJobStatusChange('EveryJob', { target });
    batchdrop.onJobStatusChange('RejectedJobs', { target, status: ['rejected'] });
    batchdrop.onCompleted('Completed', { target });
    batchdrop.onFailed('Failed', { target });
    batchdrop.onRejected('Rejected', { target });
  });

  it.each([
    ['EveryBatch', 'OpenAI Batch Status Change', undefined],
    ['EndedBatches', 'OpenAI Batch Status Change', ['completed', 'expired']],
    ['EveryJob', 'OpenAI Batch Job Status Change', undefined],
    ['RejectedJobs', 'OpenAI Batch Job Status Change', ['rejected']],
    ['Completed', 'OpenAI Batch Job Status Change', ['completed']],
    ['Failed', 'OpenAI Batch Job Status Change', ['failed']],
    ['Rejected', 'OpenAI Batch Job Status Change', ['rejected']],
  ])('%s: %s, statuses %j', (id, detailType, status) => {
    const rule = resources(template, 'AWS::Events::Rule').find((candidate) => candidate.id === id);
    expect(legible(at(rule?.Properties, 'EventBusName'))).toBe('<StatusEventsBus>');
    expect(legible(at(rule?.Properties, 'Targets', 0, 'Arn'))).toBe('<Mine.Arn>');
    expect(at(rule?.Properties, 'EventPattern')).toEqual({
      source: ['batchdrop'],
      'detail-type': [detailType],
      detail: { ...(status && { data: { status } }), metadata: { instance: ['Example.Batchdrop'] } },
    });
  });
});

it('a subscription to an empty list of statuses fails, because it would match every status', () => {
  const subscribe = (use: (batchdrop: Batchdrop, target: SqsQueue) => unknown) => () =>
    synthesize({}, (batchdrop, stack) => use(batchdrop, new SqsQueue(new Queue(stack, 'Mine'))));
  const sentence = 'Example/Batchdrop/None: the list of statuses is empty';
  expect(subscribe((one, target) => one.onStatusChange('None', { target, status: [] }))).toThrow(sentence);
  expect(subscribe((one, target) => one.onJobStatusChange('None', { target, status: [] }))).toThrow(sentence);
});

it("events go to the user's own event bus if there is one", () => {
  const template = synthesize((stack) => ({
    eventBus: EventBus.fromEventBusName(stack, 'Mine', 'company-bus'),
  }));
  expect(resources(template, 'AWS::Events::EventBus')).toEqual([]);
  const functions = resources(template, 'AWS::Lambda::Function');
  const buses = functions.map(({ Properties }) =>
    legible(at(Properties, 'Environment', 'Variables', 'EVENT_BUS_ARN')),
  );
  expect(buses).toHaveLength(6);
  for (const arn of buses) expect(arn).toMatch(/^arn:<AWS::Partition>:events:.*:event-bus\/company-bus$/);
  const publishing = permissionsIn(template).filter(({ action }) => action === 'events:PutEvents');
  expect(publishing).toHaveLength(6);
  for (const { resource } of publishing) expect(resource).toMatch(/:event-bus\/company-bus$/);
});

it('with two Batchdrops on one bus, rules and events name the Batchdrop that they belong to', () => {
  const template = synthesize(
    (stack) => ({ eventBus: EventBus.fromEventBusName(stack, 'Mine', 'company-bus') }),
    (batchdrop, stack) => {
      const other = new Batchdrop(stack, 'Other', { eventBus: batchdrop.eventBus });
      const target = new SqsQueue(new Queue(stack, 'Inbox'));
      for (const each of [batchdrop, other]) each.onCompleted('Completed', { target });
    },
  );
  const wanted = resources(template, 'AWS::Events::Rule').flatMap(({ Properties }) =>
    list(at(Properties, 'EventPattern', 'detail', 'metadata', 'instance')),
  );
  expect(wanted.sort()).toEqual(['Example.Batchdrop', 'Example.Other']);
  const published = resources(template, 'AWS::Lambda::Function').map(({ Properties }) =>
    at(Properties, 'Environment', 'Variables', 'INSTANCE'),
  );
  expect(published).toHaveLength(12);
  expect(new Set(published)).toEqual(new Set(wanted));
});

describe('a grant allows', () => {
  const granted = (grant: (batchdrop: Batchdrop, role: Role) => void, own = false) => {
    const template = synthesize(
      (stack) =>
        own ? { requestBucket: Bucket.fromBucketName(stack, 'Mine', 'my-files'), requestPrefix: 'in/' } : {},
      (batchdrop, stack) =>
        grant(
          batchdrop,
          new Role(stack, 'User', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
        ),
    );
    return permissionsIn(template)
      .filter(({ role }) => role === '<User>')
      .map(({ action, resource }) => `${action} ${resource}`)
      .sort();
  };

  it('submitting: uploading files', () => {
    expect(granted((batchdrop, role) => batchdrop.grantSubmit(role))).toEqual([
      's3:AbortMultipartUpload <BucketsRequests.Arn>/*',
      's3:PutObject <BucketsRequests.Arn>/*',
    ]);
  });

  it("submitting to the user's own bucket: uploading files under the prefix", () => {
    expect(granted((batchdrop, role) => batchdrop.grantSubmit(role), true)).toEqual([
      's3:AbortMultipartUpload arn:<AWS::Partition>:s3:::my-files/in/*',
      's3:PutObject arn:<AWS::Partition>:s3:::my-files/in/*',
    ]);
  });

  it('cancelling: sending to the cancel queue', () => {
    expect(granted((batchdrop, role) => batchdrop.grantCancel(role))).toEqual([
      'sqs:GetQueueAttributes <CancellationWorkQueue.Arn>',
      'sqs:GetQueueUrl <CancellationWorkQueue.Arn>',
      'sqs:SendMessage <CancellationWorkQueue.Arn>',
    ]);
  });

  it('approving: sending to the approval queue', () => {
    expect(granted((batchdrop, role) => batchdrop.grantApprove(role))).toEqual([
      'sqs:GetQueueAttributes <ApprovalWorkQueue.Arn>',
      'sqs:GetQueueUrl <ApprovalWorkQueue.Arn>',
      'sqs:SendMessage <ApprovalWorkQueue.Arn>',
    ]);
  });

  it('reading results: listing and reading, not writing', () => {
    expect(granted((batchdrop, role) => batchdrop.grantReadResults(role))).toEqual([
      's3:GetObject <BucketsResults.Arn>/*',
      's3:ListBucket <BucketsResults.Arn>',
    ]);
  });
});

describe('a metric', () => {
  it.each([
    ['metricSubmitted', 'JobsSubmitted', 'Sum'],
    ['metricCompleted', 'JobsCompleted', 'Sum'],
    ['metricRejected', 'JobsRejected', 'Sum'],
    ['metricFailedRows', 'RowsFailed', 'Sum'],
    ['metricOpenBatches', 'OpenBatches', 'Maximum'],
    ['metricOldestOpenAge', 'OldestOpenAge', 'Maximum'],
    ['metricDetectionLatency', 'DetectionLatency', 'p90'],
    ['metricInputTokens', 'InputTokens', 'Sum'],
    ['metricOutputTokens', 'OutputTokens', 'Sum'],
  ] as const)('%s is %s of this Batchdrop, by default the %s', (method, metricName, statistic) => {
    synthesize({}, (batchdrop) => {
      expect(batchdrop[method]()).toMatchObject({
        namespace: 'Batchdrop',
        metricName,
        statistic,
        dimensions: { service: 'Example.Batchdrop' },
      });
      expect(batchdrop[method]({ statistic: 'Minimum' }).statistic).toBe('Minimum');
    });
  });
});
