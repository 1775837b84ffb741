import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import { UnsupportedApp } from '../../../local/runtime/template/refusals.ts';
import { writtenAssembly } from './written-assembly.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-refusals-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Returns the lines of the refusal, without the advice at the end. */
function refusals(resources: Record<string, object>): string[] {
  const assembly = writtenAssembly(directory, { Reports: { Resources: resources } });
  try {
    parseTemplate(assembly, 'http://127.0.0.1:4566');
  } catch (error) {
    if (!(error instanceof UnsupportedApp)) throw error;
    expect(error.lines.at(-1)).toMatch(/^Leave these out of the app .* or deploy the app to AWS\.$/);
    return error.lines.slice(0, -1);
  }
  return [];
}

const trusted = (service: string) => ({
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: service } }],
});

/** The role that the CDK gives to a function. */
const role = (properties: object = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: trusted('lambda.amazonaws.com'),
    ManagedPolicyArns: [
      { 'Fn::Sub': `arn:\${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole` },
    ],
    ...properties,
  },
});

const allowing = (...Action: string[]) =>
  role({
    Policies: [
      { PolicyName: 'P', PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource: '*' }] } },
    ],
  });

const NOTIFY = {
  Handler: 'index.handler',
  Runtime: 'nodejs24.x',
  Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
  Code: { ZipFile: 'exports.handler = async () => {};' },
};

const notify = (properties: object, Role: object = role()) => ({
  Role,
  Notify: { Type: 'AWS::Lambda::Function', Properties: { ...NOTIFY, ...properties } },
});

const of = (Type: string, Properties: object = {}) => ({ It: { Type, Properties } });
const FUNCTION = 'Reports/Notify (AWS::Lambda::Function): ';

describe('an app that needs more than one machine has is refused by name', () => {
  it.each([
    [
      'a container image',
      notify({ PackageType: 'Image', Code: { ImageUri: 'x' } }),
      `${FUNCTION}its code is a container image, and only Node.js functions with code in a folder run here.`,
    ],
    [
      'Python',
      notify({ Runtime: 'python3.13' }),
      `${FUNCTION}its runtime is python3.13, and only Node.js functions run here.`,
    ],
    [
      'an archive',
      notify({ Code: { S3Key: 'def.zip' } }),
      `${FUNCTION}its code is the archive def.zip, and only folders run here: name the folder.`,
    ],
    [
      'a layer',
      notify({ Layers: ['l'] }),
      `${FUNCTION}the property Layers is not supported; bundle the code of the layer with the function.`,
    ],
    [
      'its dead-letter queue',
      notify({ DeadLetterConfig: {} }),
      `${FUNCTION}the property DeadLetterConfig is not supported; set the dead-letter queue at the target of the rule.`,
    ],
    [
      'a file system and more',
      notify({ FileSystemConfigs: [], SnapStart: {} }),
      `${FUNCTION}the properties FileSystemConfigs, SnapStart are not supported.`,
    ],
    [
      'SES',
      notify({}, allowing('ses:SendEmail', 's3:GetObject')),
      `${FUNCTION}its role allows ses:SendEmail, and this service does not run here; if it runs elsewhere, set AWS_ENDPOINT_URL_SERVICE in the environment of the function.`,
    ],
    [
      'a topic',
      notify({}, allowing('sns:Publish')),
      `${FUNCTION}its role allows sns:Publish, and this service does not run here; if it runs elsewhere, set AWS_ENDPOINT_URL_SERVICE in the environment of the function.`,
    ],
    [
      'a policy of AWS',
      notify({}, role({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] })),
      `${FUNCTION}in the policies of its role: the actions of the managed policy AdministratorAccess are not known here: write a policy of your own.`,
    ],
    [
      'a condition',
      notify(
        {},
        role({
          Policies: [
            {
              PolicyName: 'P',
              PolicyDocument: {
                Statement: {
                  Effect: 'Allow',
                  Action: 's3:GetObject',
                  Resource: '*',
                  Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
                },
              },
            },
          ],
        }),
      ),
      `${FUNCTION}in the policies of its role: Role.Statement[0] has the condition operator IpAddress, which the local runtime does not support.`,
    ],
    [
      'a FIFO queue',
      of('AWS::SQS::Queue', { FifoQueue: true }),
      'Reports/It (AWS::SQS::Queue): the property FifoQueue is not supported; use a standard queue.',
    ],
    [
      'a scheduled rule',
      of('AWS::Events::Rule', { ScheduleExpression: 'rate(1 day)' }),
      'Reports/It (AWS::Events::Rule): the property ScheduleExpression is not supported; use a Schedule of EventBridge Scheduler with a rate, such as `rate(5 minutes)`.',
    ],
    [
      'a rule to a topic',
      of('AWS::Events::Rule', {
        EventPattern: { source: ['batchdrop'] },
        Targets: [{ Id: 'T', Arn: 'arn:aws:sns:us-east-1:000000000000:t' }],
      }),
      'Reports/It (AWS::Events::Rule): Target T: only SQS queues and Lambda functions can be targets here, not arn:aws:sns:us-east-1:000000000000:t.',
    ],
    [
      'a cron schedule',
      of('AWS::Scheduler::Schedule', {
        ScheduleExpression: 'cron(0 8 * * ? *)',
        Target: { Arn: 'arn:aws:lambda:x', RoleArn: 'r' },
      }),
      'Reports/It (AWS::Scheduler::Schedule): The schedule expression cron(0 8 * * ? *) is not supported here: only rate(…) is.',
    ],
    [
      'a schedule of a queue',
      of('AWS::Scheduler::Schedule', {
        ScheduleExpression: 'rate(1 day)',
        Target: { Arn: 'arn:aws:sqs:x', RoleArn: 'r' },
      }),
      'Reports/It (AWS::Scheduler::Schedule): its target is arn:aws:sqs:x, and only functions can be targets of a schedule here.',
    ],
    [
      'a stream',
      of('AWS::Lambda::EventSourceMapping', { FunctionName: 'f', EventSourceArn: 'arn:aws:kinesis:x' }),
      'Reports/It (AWS::Lambda::EventSourceMapping): its source is arn:aws:kinesis:x, and only SQS queues invoke functions here.',
    ],
    [
      'a filter',
      of('AWS::Lambda::EventSourceMapping', {
        FunctionName: 'f',
        EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:q',
        FilterCriteria: {},
      }),
      'Reports/It (AWS::Lambda::EventSourceMapping): the property FilterCriteria is not supported; filter in the pattern of the rule, or in the function.',
    ],
    [
      'a table with a stream',
      of('AWS::DynamoDB::Table', { StreamSpecification: {} }),
      'Reports/It (AWS::DynamoDB::Table): the property StreamSpecification is not supported; tables have no streams here.',
    ],
    [
      'a notification',
      of('AWS::S3::Bucket', { NotificationConfiguration: { QueueConfigurations: [] } }),
      'Reports/It (AWS::S3::Bucket): the property NotificationConfiguration.QueueConfigurations is not supported; set eventBridgeEnabled, and use a rule for the events of S3.',
    ],
    [
      'a notification by the CDK',
      of('Custom::S3BucketNotifications', {
        BucketName: 'b',
        NotificationConfiguration: { LambdaFunctionConfigurations: [{}] },
      }),
      'Reports/It (Custom::S3BucketNotifications): the property NotificationConfiguration.LambdaFunctionConfigurations is not supported; set eventBridgeEnabled, and use a rule for the events of S3.',
    ],
    [
      'a custom resource',
      of('Custom::Seed', { ServiceToken: 'x' }),
      'Reports/It (Custom::Seed): resources of this type are not supported; nothing is deployed here, so that it would never run.',
    ],
    [
      'a state machine',
      of('AWS::StepFunctions::StateMachine'),
      'Reports/It (AWS::StepFunctions::StateMachine): resources of this type are not supported.',
    ],
    [
      'a nested stack',
      of('AWS::CloudFormation::Stack'),
      'Reports/It (AWS::CloudFormation::Stack): resources of this type are not supported; use a Stack of its own instead of a NestedStack.',
    ],
    [
      'a function of templates',
      of('AWS::SQS::Queue', { QueueName: { 'Fn::Cidr': [] } }),
      'Reports/It (AWS::SQS::Queue): the template uses Fn::Cidr, which the local runtime does not support.',
    ],
    [
      'an export of another app',
      of('AWS::SQS::Queue', { QueueName: { 'Fn::ImportValue': 'Shared:Name' } }),
      'Reports/It (AWS::SQS::Queue): no stack of the app exports Shared:Name.',
    ],
    [
      'a parameter',
      of('AWS::SQS::Queue', { QueueName: { Ref: 'Missing' } }),
      'Reports/It (AWS::SQS::Queue): the template refers to Missing, which it does not have.',
    ],
  ])('%s', (_, resources, line) => {
    expect(refusals(resources)).toEqual([line]);
  });

  it('all at once, by the paths of their constructs', () => {
    const Metadata = { 'aws:cdk:path': 'Reports/Inbox/Resource' };
    const lines = refusals({
      Inbox1A2B3C4D: { Type: 'AWS::SQS::Queue', Metadata, Properties: { FifoQueue: true } },
      ...notify({ Runtime: 'java25' }),
    });
    expect(lines.map((line) => line.split(':')[0])).toEqual(['Reports/Inbox (AWS', 'Reports/Notify (AWS']);
  });

  it('but not for a service whose endpoint a function names itself', () => {
    const Environment = { Variables: { AWS_ENDPOINT_URL_SES: 'http://127.0.0.1:5000' } };
    expect(refusals(notify({ Environment }, allowing('ses:SendEmail')))).toEqual([]);
  });

  it('but not for a role with which nothing runs here', () => {
    const people = role({
      AssumeRolePolicyDocument: {
        Statement: [
          { Effect: 'Allow', Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: 'x' } },
        ],
      },
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
    });
    expect(refusals({ ...notify({}), People: people })).toEqual([]);
  });
});
