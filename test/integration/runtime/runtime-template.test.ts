import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_VALUE, resolve, type Scope } from '../../../local/runtime/template/intrinsics.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import { physicalNames } from '../../../local/runtime/template/physical-names.ts';
import { writtenAssembly } from '../../local/template/written-assembly.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-template-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Returns the runtime's plan for an app with one stack of these resources. */
function planOf(resources: Record<string, object>, rest: Record<string, object> = {}) {
  const assembly = writtenAssembly(directory, { Reports: { Resources: resources, ...rest } });
  return parseTemplate(assembly, 'http://127.0.0.1:4566');
}

const ROLE = { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { Statement: [] } } };
const QUEUE = { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 60 } };
const FUNCTION = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: { 'Fn::Sub': `assets-\${AWS::AccountId}` }, S3Key: 'abc.zip' },
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Role: { 'Fn::GetAtt': ['Role1A2B3C4D', 'Arn'] },
    Environment: { Variables: { QUEUE_URL: { Ref: 'WorkQueue1A2B3C4D' }, OWNER: { Ref: 'AWS::AccountId' } } },
  },
};

/** One of each kind, and a disabled mapping. */
const ONE_OF_EACH = {
  Requests1A2B3C4D: {
    Type: 'AWS::S3::Bucket',
    Properties: {
      BucketName: { 'Fn::Join': ['-', ['requests', { Ref: 'AWS::Region' }]] },
      VersioningConfiguration: { Status: 'Enabled' },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    },
  },
  Bus1A2B3C4D: { Type: 'AWS::Events::EventBus', Properties: { Name: 'status' } },
  WorkQueue1A2B3C4D: QUEUE,
  Rule1A2B3C4D: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventBusName: { Ref: 'Bus1A2B3C4D' },
      EventPattern: { source: ['batchdrop'] },
      State: 'DISABLED',
      Targets: [{ Id: 'T', Arn: { 'Fn::GetAtt': ['WorkQueue1A2B3C4D', 'Arn'] } }],
    },
  },
  Role1A2B3C4D: ROLE,
  Worker1A2B3C4D: FUNCTION,
  Mapping1A2B3C4D: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      FunctionName: { Ref: 'Worker1A2B3C4D' },
      EventSourceArn: { 'Fn::GetAtt': ['WorkQueue1A2B3C4D', 'Arn'] },
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 2 },
    },
  },
  Off1A2B3C4D: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { FunctionName: 'x', EventSourceArn: 'y', Enabled: false },
  },
  Tick1A2B3C4D: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { 'Fn::GetAtt': ['Worker1A2B3C4D', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['Role1A2B3C4D', 'Arn'] },
      },
    },
  },
};

describe('a template', () => {
  it('sets the bundle, the limits and an environment with local names of a function', () => {
    const { functions } = planOf({
      WorkQueue1A2B3C4D: QUEUE,
      Role1A2B3C4D: ROLE,
      Worker1A2B3C4D: FUNCTION,
    });
    expect(functions).toEqual([
      {
        name: 'reports-worker',
        arn: 'arn:aws:lambda:us-east-1:000000000000:function:reports-worker',
        place: 'Reports/Worker1A2B3C4D',
        accessKeyId: 'LOCAL-Reports-Worker1A2B3C4D',
        roleArn: 'arn:aws:iam::000000000000:role/reports-role',
        logGroup: '/aws/lambda/reports-worker',
        codeDirectory: join(directory, 'asset.abc'),
        handler: 'index.handler',
        memoryMb: 128,
        timeoutSeconds: 3,
        environment: {
          QUEUE_URL: 'http://127.0.0.1:4566/000000000000/reports-work-queue',
          OWNER: '000000000000',
        },
      },
    ]);
  });

  it('sets the time-outs and the dead-letter queue of a queue', () => {
    const { queues } = planOf({
      Dead1A2B3C4D: { Type: 'AWS::SQS::Queue' },
      Work1A2B3C4D: {
        Type: 'AWS::SQS::Queue',
        Properties: {
          VisibilityTimeout: '360',
          MessageRetentionPeriod: 345600,
          RedrivePolicy: {
            deadLetterTargetArn: { 'Fn::GetAtt': ['Dead1A2B3C4D', 'Arn'] },
            maxReceiveCount: 5,
          },
        },
      },
    });
    expect(queues).toEqual([
      { name: 'reports-dead', settings: {} },
      {
        name: 'reports-work',
        settings: {
          visibilityTimeoutSeconds: 360,
          retentionSeconds: 345600,
          redrive: {
            deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:reports-dead',
            maxReceiveCount: 5,
          },
        },
      },
    ]);
  });

  it('sets buckets, rules, tables, mappings and schedules as written', () => {
    const plan = planOf(ONE_OF_EACH);
    const workQueueArn = 'arn:aws:sqs:us-east-1:000000000000:reports-work-queue';
    expect(plan.buckets).toEqual([{ name: 'requests-us-east-1', versioned: true, eventBridge: true }]);
    expect(plan.buses).toEqual(['status']);
    expect(plan.rules).toEqual([
      {
        bus: 'status',
        name: 'reports-rule',
        arn: 'arn:aws:events:us-east-1:000000000000:rule/status/reports-rule',
        pattern: { source: ['batchdrop'] },
        enabled: false,
        targets: [{ Id: 'T', Arn: workQueueArn }],
      },
    ]);
    expect(plan.mappings).toEqual([
      {
        id: 'reports-mapping',
        enabled: true,
        functionName: 'reports-worker',
        queueArn: workQueueArn,
        batchSize: 1,
        maximumConcurrency: 2,
        reportsItemFailures: true,
      },
      expect.objectContaining({ id: 'reports-off', enabled: false, functionName: 'x', queueArn: 'y' }),
    ]);
    expect(plan.schedules).toEqual([
      {
        name: 'reports-tick',
        expression: 'rate(1 minute)',
        enabled: true,
        targetArn: 'arn:aws:lambda:us-east-1:000000000000:function:reports-worker',
        roleArn: 'arn:aws:iam::000000000000:role/reports-role',
        input: '{}',
      },
    ]);
  });

  it('omits a resource whose condition is false', () => {
    const conditions = {
      Never: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'nowhere'] },
      Always: { 'Fn::Not': [{ Condition: 'Never' }] },
    };
    const plan = planOf(
      { A1A2B3C4D: { ...QUEUE, Condition: 'Never' }, B1A2B3C4D: { ...QUEUE, Condition: 'Always' } },
      { Conditions: conditions },
    );
    expect(plan.queues.map(({ name }) => name)).toEqual(['reports-b']);
  });

  it('leaves out log groups and alarms, and says why', () => {
    const plan = planOf({
      Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { Anything: { 'Fn::Odd': 1 } } },
      Logs: { Type: 'AWS::Logs::LogGroup', Metadata: { 'aws:cdk:path': 'Reports/Logs/Resource' } },
    });
    const { policies: _, stacks: __, leftOut, ...created } = plan;
    expect(Object.values(created).flat()).toEqual([]);
    expect(leftOut).toEqual([
      { type: 'AWS::CloudWatch::Alarm', reason: 'nothing is measured here', places: ['Reports/Alarm'] },
      {
        type: 'AWS::Logs::LogGroup',
        reason: 'logs are files of the data directory',
        places: ['Reports/Logs'],
      },
    ]);
  });

  const ALARM = { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmActions: [{ Ref: 'Mail' }] } };
  const MAIL = {
    Mail: { Type: 'AWS::SNS::Topic' },
    Inbox: { Type: 'AWS::SNS::Subscription', Properties: { Protocol: 'email', TopicArn: { Ref: 'Mail' } } },
    Policy: { Type: 'AWS::SNS::TopicPolicy', Properties: { Topics: [{ Ref: 'Mail' }] } },
  };

  it('ignores topics that receive only alarms', () => {
    const { policies: _, stacks: __, leftOut, ...created } = planOf({ ...MAIL, Alarm: ALARM });
    expect(Object.values(created).flat()).toEqual([]);
    expect(leftOut.map(({ type }) => type)).toEqual([
      'AWS::SNS::Topic',
      'AWS::SNS::Subscription',
      'AWS::SNS::TopicPolicy',
      'AWS::CloudWatch::Alarm',
    ]);
  });

  it.each([
    [
      'that a rule sends to as well',
      { Rule: { Type: 'AWS::Events::Rule', Properties: { Targets: [{ Arn: { Ref: 'Mail' } }] } } },
    ],
    [
      'that invokes a function',
      { Permit: { Type: 'AWS::Lambda::Permission', Properties: { SourceArn: { Ref: 'Mail' } } } },
    ],
    [
      'that a function publishes to',
      {
        F1: {
          ...FUNCTION,
          Properties: { Environment: { Variables: { TOPIC: { 'Fn::GetAtt': ['Mail', 'TopicArn'] } } } },
        },
      },
    ],
    [
      'that a policy names',
      { Policy1: { Type: 'AWS::IAM::Policy', Properties: { Resource: { 'Fn::Sub': `\${Mail}` } } } },
    ],
    [
      'that a function names by its attribute, in a text',
      { F1: { ...FUNCTION, Properties: { Description: { 'Fn::Sub': [`to \${Mail.TopicName}`, {}] } } } },
    ],
  ])('does not ignore a topic of alarms %s', (_, user) => {
    expect(() => planOf({ ...MAIL, Alarm: ALARM, ...user })).toThrow(
      'Reports/Mail (AWS::SNS::Topic): resources of this type are not supported; topics run only for alarms',
    );
  });
});

describe('an intrinsic function', () => {
  const scope: Scope = {
    ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : `<${name}>`),
    attribute: (id, attribute) => `<${id}.${attribute}>`,
    condition: (name) => name === 'Yes',
    mapping: (...names) => `<${names.join('.')}>`,
    exported: (name) => `<export ${name}>`,
    output: (stack, name) => `<output ${stack}.${name}>`,
  };

  it.each([
    [{ Ref: 'A' }, '<A>'],
    [{ 'Fn::GetAtt': ['A', 'Arn'] }, '<A.Arn>'],
    [{ 'Fn::GetAtt': 'A.B.C' }, '<A.B.C>'],
    [{ 'Fn::Sub': `x-\${A}-\${A.Arn}-\${!Literal}` }, `x-<A>-<A.Arn>-\${Literal}`],
    [{ 'Fn::Sub': [`\${own}/\${A}`, { own: { Ref: 'B' } }] }, '<B>/<A>'],
    [{ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3']] }, 'arn:<AWS::Partition>:s3'],
    [{ 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    [{ 'Fn::If': ['Yes', 'then', 'else'] }, 'then'],
    [{ 'Fn::If': ['No', 'then', { Ref: 'E' }] }, '<E>'],
    [{ 'Fn::FindInMap': ['Nodes', { Ref: 'A' }, 'value'] }, '<Nodes.<A>.value>'],
    [{ 'Fn::Base64': 'abc' }, 'YWJj'],
    [{ 'Fn::ImportValue': 'Shared:Bus' }, '<export Shared:Bus>'],
    [{ 'Fn::GetStackOutput': { StackName: 'Shared', OutputName: 'Bus' } }, '<output Shared.Bus>'],
    [{ kept: 1, gone: { Ref: 'AWS::NoValue' } }, { kept: 1 }],
    [['kept', { 'Fn::If': ['No', 'then', { Ref: 'AWS::NoValue' }] }], ['kept']],
    [
      { Ref: 'A', Other: 'two names make it no function' },
      { Ref: 'A', Other: 'two names make it no function' },
    ],
  ])('%j is %j', (value, resolved) => {
    expect(resolve(value, scope)).toEqual(resolved);
  });
});

describe('names of resources', () => {
  const namesOf = (...ids: [stack: string, logicalId: string][]) => [
    ...physicalNames(ids.map(([stack, logicalId]) => ({ stack, logicalId }))).values(),
  ];

  it('are readable, name the stack once, and depend on the ids only', () => {
    const names = namesOf(
      ['Batchdrop', 'BatchdropIntakeWorkQueue2C452681'],
      ['Reports', 'BatchdropStatusSQSQueue00112233'],
      ['Reports', 'Plain'],
    );
    expect(names).toEqual([
      'batchdrop-intake-work-queue',
      'reports-batchdrop-status-sqs-queue',
      'reports-plain',
    ]);
  });

  it('are distinct if only the hashes differ, if only the stacks differ, and if they are long', () => {
    const long = `Batchdrop${'VeryLong'.repeat(10)}`;
    const names = namesOf(
      ['App', 'Queue00000001'],
      ['App', 'Queue00000002'],
      ['App', `${long}00000003`],
      ['App-A', 'Queue00000004'],
      ['App', 'AQueue00000004'],
    );
    expect(new Set(names).size).toBe(5);
    expect(names.slice(0, 2)).toEqual(['app-queue-00000001', 'app-queue-00000002']);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]{3,60}$/);
  });
});
