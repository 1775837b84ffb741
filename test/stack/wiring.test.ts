import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../lib/batchdrop.ts';
import { synthesize } from './synthesis.ts';
import { at, legible, resources } from './template-reading.ts';

const template = synthesize();
const STAGES = ['Intake', 'Submission', 'Delivery', 'Cancellation', 'Approval'];

describe('an uploaded file reaches INTAKE', () => {
  it('the request bucket has versions and sends events to EventBridge, without a custom resource', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    const buckets = resources(template, 'AWS::S3::Bucket');
    const sending = buckets.filter(
      ({ Properties }) => at(Properties, 'NotificationConfiguration') !== undefined,
    );
    expect(sending.map(({ id }) => id)).toEqual(['BucketsRequests']); // results can never trigger a job
    expect(resources(template, 'AWS::Lambda::Function')).toHaveLength(6);
    expect(JSON.stringify(template.toJSON())).not.toContain('Custom::');
  });

  it('every key matches, so that a file with a wrong suffix is rejected with a report', () => {
    const [rule, ...others] = resources(template, 'AWS::Events::Rule');
    expect(others).toEqual([]);
    expect(at(rule?.Properties, 'EventBusName')).toBeUndefined(); // S3 uses the default bus
    expect(at(rule?.Properties, 'EventPattern')).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: [{ Ref: expect.stringMatching(/^BatchdropBucketsRequests/) }] } },
    });
  });

  it('an event that cannot be delivered goes to a dead-letter queue', () => {
    const rule = resources(template, 'AWS::Events::Rule')[0];
    expect(legible(at(rule?.Properties, 'Targets', 0, 'Arn'))).toBe('<IntakeWorkQueue.Arn>');
    expect(legible(at(rule?.Properties, 'Targets', 0, 'DeadLetterConfig', 'Arn'))).toBe(
      '<IntakeUndelivered.Arn>',
    );
  });
});

describe('queues', () => {
  const queues = new Map(
    resources(template, 'AWS::SQS::Queue').map(({ id, Properties }) => [id, Properties]),
  );
  const timeouts = new Map(
    resources(template, 'AWS::Lambda::Function').map(({ id, Properties }) => [id, at(Properties, 'Timeout')]),
  );

  it.each(STAGES)(
    '%s: a message returns after six timeouts, five times, and then remains in the dead-letter queue',
    (stage) => {
      const queue = queues.get(`${stage}WorkQueue`);
      expect(at(queue, 'VisibilityTimeout')).toBe(6 * Number(timeouts.get(`${stage}WorkerFunction`)));
      expect(at(queue, 'RedrivePolicy', 'maxReceiveCount')).toBe(5);
      expect(legible(at(queue, 'RedrivePolicy', 'deadLetterTargetArn'))).toBe(
        `<${stage}WorkDeadLetters.Arn>`,
      );
      // The age of a dead letter counts from its first send, so its retention must exceed that of the work queue.
      const evidenceKept = Number(at(queues.get(`${stage}WorkDeadLetters`), 'MessageRetentionPeriod'));
      expect(evidenceKept).toBe(Duration.days(14).toSeconds());
      expect(Number(at(queue, 'MessageRetentionPeriod'))).toBeLessThan(evidenceKept);
    },
  );

  it('are encrypted by SQS, because EventBridge cannot send to a queue with the AWS managed key', () => {
    expect(queues.size).toBe(11);
    for (const [id, queue] of queues) {
      expect(at(queue, 'SqsManagedSseEnabled'), id).toBe(true);
      expect(at(queue, 'KmsMasterKeyId'), id).toBeUndefined();
    }
  });

  it.each([
    ['Intake', 1, { MaximumConcurrency: 5 }],
    ['Submission', 1, { MaximumConcurrency: 5 }],
    ['Delivery', 1, { MaximumConcurrency: 5 }],
    ['Cancellation', 10, undefined],
    ['Approval', 10, undefined],
  ])(
    '%s takes %i messages at a time, reports failures per message, and has a concurrency limit if it works on files: %j',
    (stage, size, limit) => {
      const mapping = resources(template, 'AWS::Lambda::EventSourceMapping').find(
        ({ Properties }) => legible(at(Properties, 'EventSourceArn')) === `<${stage}WorkQueue.Arn>`,
      );
      expect(legible(at(mapping?.Properties, 'FunctionName'))).toBe(`<${stage}WorkerFunction>`);
      expect(at(mapping?.Properties, 'BatchSize')).toBe(size);
      expect(at(mapping?.Properties, 'FunctionResponseTypes')).toEqual(['ReportBatchItemFailures']);
      expect(at(mapping?.Properties, 'ScalingConfig')).toEqual(limit);
    },
  );
});

describe('POLL', () => {
  it('is invoked every minute, without retries', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Target: Match.objectLike({
        RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
      }),
    });
    const schedule = resources(template, 'AWS::Scheduler::Schedule')[0];
    expect(legible(at(schedule?.Properties, 'Target', 'Arn'))).toBe('<PollingWorkerFunction.Arn>');
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumRetryAttempts: 0 });
    expect(resources(template, 'AWS::Lambda::EventInvokeConfig')).toHaveLength(1);
  });

  it('is invoked at the interval of the props', () => {
    const slower = synthesize({ pollInterval: Duration.minutes(5) });
    slower.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(5 minutes)' });
  });
});

describe('functions', () => {
  const functions = resources(template, 'AWS::Lambda::Function');

  it('run on Node 24 and arm64, with their own logs for 30 days and without reserved concurrency', () => {
    expect(functions).toHaveLength(6);
    for (const { id, Properties } of functions) {
      expect(Properties, id).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      });
      expect(legible(at(Properties, 'LoggingConfig', 'LogGroup'))).toBe(
        `<${id.replace('Function', 'Logs')}>`,
      );
      expect(at(Properties, 'ReservedConcurrentExecutions'), id).toBeUndefined();
    }
    const logs = resources(template, 'AWS::Logs::LogGroup');
    expect(logs.map(({ Properties }) => at(Properties, 'RetentionInDays'))).toEqual([30, 30, 30, 30, 30, 30]);
  });

  it.each([
    [
      'Intake',
      [
        'BATCH_LIMITS',
        'BUCKET_OWNER',
        'EVENT_BUS_ARN',
        'INSTANCE',
        'LEDGER_TABLE',
        'NODE_OPTIONS',
        'REQUEST_BUCKET',
        'RESULTS_BUCKET',
        'SUBMIT_QUEUE_URL',
      ],
    ],
    [
      'Submission',
      [
        'BATCH_LIMITS',
        'BUCKET_OWNER',
        'COMPLETION_WINDOW',
        'DELIVER_QUEUE_URL',
        'EVENT_BUS_ARN',
        'INSTANCE',
        'LEDGER_TABLE',
        'OPENAI_BASE_URL',
        'OPENAI_SECRET_ID',
        'REQUEST_BUCKET',
        'RESULTS_BUCKET',
      ],
    ],
    ['Approval', ['EVENT_BUS_ARN', 'INSTANCE', 'LEDGER_TABLE', 'RESULTS_BUCKET', 'SUBMIT_QUEUE_URL']],
  ])('%s gets exactly its environment variables', (stage, names) => {
    const found = functions.find(({ id }) => id === `${stage}WorkerFunction`);
    expect(Object.keys(Object(at(found?.Properties, 'Environment', 'Variables'))).sort()).toEqual(names);
  });

  it('each function sends to the queues of the right functions', () => {
    const urls = functions.flatMap(({ id, Properties }) =>
      Object.entries(Object(at(Properties, 'Environment', 'Variables')))
        .filter(([name]) => name.endsWith('_QUEUE_URL'))
        .map(([name, url]) => `${id} ${name} ${legible(url)}`),
    );
    expect(urls.sort()).toEqual([
      'ApprovalWorkerFunction SUBMIT_QUEUE_URL <SubmissionWorkQueue>',
      'IntakeWorkerFunction SUBMIT_QUEUE_URL <SubmissionWorkQueue>',
      'PollingWorkerFunction DELIVER_QUEUE_URL <DeliveryWorkQueue>',
      'PollingWorkerFunction INTAKE_QUEUE_URL <IntakeWorkQueue>',
      'PollingWorkerFunction SUBMIT_QUEUE_URL <SubmissionWorkQueue>',
      'SubmissionWorkerFunction DELIVER_QUEUE_URL <DeliveryWorkQueue>',
    ]);
  });
});

describe('the ledger', () => {
  it('has the keys pk and sk, a ttl, and indexes of due items, of jobs by time, and of job ids', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: Match.arrayWith([
        { AttributeName: 'dueShard', AttributeType: 'S' },
        { AttributeName: 'dueAt', AttributeType: 'N' },
        { AttributeName: 'jobShard', AttributeType: 'S' },
        { AttributeName: 'jobTime', AttributeType: 'S' },
        { AttributeName: 'jobIdPrefix', AttributeType: 'S' },
      ]),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'due',
          KeySchema: [
            { AttributeName: 'dueShard', KeyType: 'HASH' },
            { AttributeName: 'dueAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['openBatch', 'waits', 'stalled'] },
        },
        {
          IndexName: 'jobs',
          KeySchema: [
            { AttributeName: 'jobShard', KeyType: 'HASH' },
            { AttributeName: 'jobTime', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['summary'] },
        },
        {
          IndexName: 'job-ids',
          KeySchema: [
            { AttributeName: 'jobIdPrefix', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
  });
});

describe('resources with data', () => {
  it('are retained when the stack is deleted, unless its creation is rolled back', () => {
    for (const { id, all } of [
      ...resources(template, 'AWS::S3::Bucket'),
      ...resources(template, 'AWS::DynamoDB::Table'),
    ]) {
      expect(at(all, 'DeletionPolicy'), id).toBe('RetainExceptOnCreate');
      expect(at(all, 'UpdateReplacePolicy'), id).toBe('Retain');
    }
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it('have no fixed name, which would block the next stack', () => {
    for (const type of [
      'AWS::S3::Bucket',
      'AWS::DynamoDB::Table',
      'AWS::SQS::Queue',
      'AWS::Lambda::Function',
      'AWS::IAM::Role',
    ]) {
      for (const { id, Properties } of resources(template, type)) {
        const names = Object.keys(Object(Properties)).filter((key) =>
          /^(Bucket|Table|Queue|Function|Role)Name$/.test(key),
        );
        expect(names, id).toEqual([]);
      }
    }
  });

  it('are deleted with the stack if the removal policy says so', () => {
    const temporary = synthesize({ removalPolicy: RemovalPolicy.DESTROY });
    for (const { id, all } of resources(temporary, 'AWS::S3::Bucket'))
      expect(at(all, 'DeletionPolicy'), id).toBe('Delete');
    temporary.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: { DeletionProtectionEnabled: false },
    });
  });

  it('are not public, are encrypted, have access logs, and abort unfinished uploads', () => {
    for (const { id, Properties } of resources(template, 'AWS::S3::Bucket')) {
      expect(at(Properties, 'PublicAccessBlockConfiguration'), id).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
      expect(at(Properties, 'BucketEncryption'), id).toBeDefined();
      if (id === 'BucketsAccessLogs') continue;
      expect(legible(at(Properties, 'LoggingConfiguration', 'DestinationBucketName')), id).toBe(
        '<BucketsAccessLogs>',
      );
      expect(at(Properties, 'LifecycleConfiguration', 'Rules'), id).toContainEqual({
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        Status: 'Enabled',
      });
    }
  });
});

it('two in one stack do not interfere', () => {
  const two = synthesize({}, (_, stack) => new Batchdrop(stack, 'Second'));
  expect(resources(two, 'AWS::Lambda::Function')).toHaveLength(12);
  const buses = resources(two, 'AWS::Events::EventBus').map(({ Properties }) => at(Properties, 'Name'));
  expect(new Set(buses).size).toBe(2); // the only name that CloudFormation does not generate
  const listening = resources(two, 'AWS::Events::Rule').map(({ Properties }) =>
    legible(at(Properties, 'EventPattern', 'detail', 'bucket', 'name', 0)),
  );
  expect(listening.sort()).toEqual(['<BucketsRequests>', '<SecondBucketsRequests>']);
});
