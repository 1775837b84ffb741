import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../lib/batchdrop-props.ts';
import { BatchdropStack } from '../../lib/batchdrop-stack.ts';
import { exampleApp, synthesize } from './synthesis.ts';
import { at, legible, list, permissionsIn, resources } from './template-reading.ts';

// `as`: under exactOptionalPropertyTypes, the CDK's classes do not match their own interfaces.
type Given<Name extends keyof BatchdropProps> = NonNullable<BatchdropProps[Name]>;

describe("a key of the user's own", () => {
  const template = synthesize(
    (stack) => ({ encryptionKey: new Key(stack, 'Mine') as Given<'encryptionKey'> }),
    (batchdrop, stack) => {
      const user = new Role(stack, 'User', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
      batchdrop.grantSubmit(user);
      batchdrop.grantReadResults(user);
    },
  );
  const keyOf = permissionsIn(template).filter(({ action }) => action.startsWith('kms:'));
  const mayWithKey = (role: string) =>
    [...new Set(keyOf.filter((one) => one.role === role).map(({ action }) => action))].sort();

  it("encrypts the buckets, the ledger and every queue, but not the access logs, which need S3's key", () => {
    const encrypted = resources(template, 'AWS::S3::Bucket').map(({ id, Properties }) => {
      const rule = at(Properties, 'BucketEncryption', 'ServerSideEncryptionConfiguration', 0);
      const by = at(rule, 'ServerSideEncryptionByDefault');
      return `${id} ${at(by, 'SSEAlgorithm')} ${legible(at(by, 'KMSMasterKeyID') ?? '')}`;
    });
    expect(encrypted.sort()).toEqual([
      'BucketsAccessLogs AES256 ',
      'BucketsRequests aws:kms <Mine.Arn>',
      'BucketsResults aws:kms <Mine.Arn>',
    ]);
    const [table] = resources(template, 'AWS::DynamoDB::Table');
    expect(legible(at(table?.Properties, 'SSESpecification', 'KMSMasterKeyId'))).toBe('<Mine.Arn>');
    const queues = resources(template, 'AWS::SQS::Queue');
    expect(queues).toHaveLength(11);
    for (const { id, Properties } of queues)
      expect(legible(at(Properties, 'KmsMasterKeyId')), id).toBe('<Mine.Arn>');
  });

  it('can be used by every function, because all use the ledger, and by no service that does not need it', () => {
    for (const stage of ['Intake', 'Submission', 'Polling', 'Delivery', 'Cancellation', 'Approval']) {
      expect(mayWithKey(`<${stage}WorkerRole>`), stage).toEqual(
        expect.arrayContaining(['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey']),
      );
    }
    expect(mayWithKey('<PollingTickRole>')).toEqual([]);
    expect(mayWithKey('<User>')).toEqual(['kms:Decrypt', 'kms:GenerateDataKey']);
    for (const { resource } of keyOf) expect(resource).toBe('<Mine.Arn>');
    for (const { action } of keyOf) expect(action).not.toContain('*');
  });

  it('can be used by EventBridge for the intake queue, in this account only', () => {
    const [key] = resources(template, 'AWS::KMS::Key');
    const statements = list(at(key?.Properties, 'KeyPolicy', 'Statement'));
    const forEvents = statements.filter((one) => at(one, 'Principal', 'Service') === 'events.amazonaws.com');
    expect(forEvents.length).toBeGreaterThan(0);
    for (const statement of forEvents) {
      expect(list(at(statement, 'Action')).sort()).toEqual(['kms:Decrypt', 'kms:GenerateDataKey']);
      expect(at(statement, 'Condition')).toEqual({
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
      });
    }
  });
});

describe("a VPC of the user's own", () => {
  it('contains every function, by default in private subnets with egress', () => {
    const template = synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc') as Given<'vpc'> }));
    const functions = resources(template, 'AWS::Lambda::Function').filter(({ id }) => id.includes('Worker'));
    expect(functions).toHaveLength(6);
    for (const { id, Properties } of functions) {
      const subnets = list(at(Properties, 'VpcConfig', 'SubnetIds')).map(legible);
      expect(subnets.length, id).toBeGreaterThan(1);
      for (const subnet of subnets) expect(subnet).toMatch(/PrivateSubnet/);
    }
  });

  it("can have subnets and security groups of the user's own", () => {
    const template = synthesize((stack) => {
      const vpc = new Vpc(stack, 'Vpc') as Given<'vpc'>;
      const group = new SecurityGroup(stack, 'Group', { vpc });
      return {
        vpc,
        vpcSubnets: { availabilityZones: vpc.availabilityZones.slice(0, 1) },
        securityGroups: [group],
      };
    });
    expect(resources(template, 'AWS::EC2::SecurityGroup').map(({ id }) => id)).toEqual(['Group']);
    for (const { Properties } of resources(template, 'AWS::Lambda::Function').filter(({ id }) =>
      id.includes('Worker'),
    )) {
      expect(list(at(Properties, 'VpcConfig', 'SecurityGroupIds')).map(legible)).toEqual(['<Group.GroupId>']);
      expect(list(at(Properties, 'VpcConfig', 'SubnetIds'))).toHaveLength(1);
    }
  });

  it('needs only the permissions that Lambda requires, and none without a VPC', () => {
    const interfaces = (template: Template) =>
      permissionsIn(template).filter(({ action }) => action.startsWith('ec2:'));
    const template = synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc') as Given<'vpc'> }));
    expect(new Set(interfaces(template).map(({ role }) => role)).size).toBe(6);
    expect(interfaces(template)).toHaveLength(6 * 6);
    expect(interfaces(synthesize())).toEqual([]);
  });
});

it("a log group of the user's own has every function's logs, and no other is created", () => {
  const template = synthesize((stack) => ({ logGroup: new LogGroup(stack, 'Mine') as Given<'logGroup'> }));
  expect(resources(template, 'AWS::Logs::LogGroup').map(({ id }) => id)).toEqual(['Mine']);
  for (const { Properties } of resources(template, 'AWS::Lambda::Function'))
    expect(legible(at(Properties, 'LoggingConfig', 'LogGroup'))).toBe('<Mine>');
  const writing = permissionsIn(template).filter(({ action }) => action === 'logs:PutLogEvents');
  expect(writing.map(({ resource }) => resource)).toEqual(Array(6).fill('<Mine.Arn>'));
});

describe("a secret of the user's own", () => {
  const readable = (template: Template) =>
    new Set(
      permissionsIn(template)
        .filter(({ action }) => action === 'secretsmanager:GetSecretValue')
        .map(({ resource }) => resource),
    );
  const named = (template: Template) =>
    new Set(
      resources(template, 'AWS::Lambda::Function').flatMap(({ Properties }) => {
        const id = at(Properties, 'Environment', 'Variables', 'OPENAI_SECRET_ID');
        return id === undefined ? [] : [legible(id)];
      }),
    );

  it('created in the stack is read by its ARN, with its key', () => {
    const template = synthesize((stack) => ({
      apiKeySecret: new Secret(stack, 'Mine', {
        encryptionKey: new Key(stack, 'Key') as Given<'encryptionKey'>,
      }) as Given<'apiKeySecret'>,
    }));
    expect([...readable(template)]).toEqual(['<Mine>']);
    expect([...named(template)]).toEqual(['<Mine>']);
    const decrypting = permissionsIn(template).filter(({ action }) => action === 'kms:Decrypt');
    expect(decrypting).toHaveLength(4);
  });

  it('in another account is read by its complete ARN', () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:222222222222:secret:team/key-AbCdEf';
    const template = synthesize((stack) => ({
      apiKeySecret: Secret.fromSecretCompleteArn(stack, 'Theirs', arn),
    }));
    expect([...readable(template)]).toEqual([arn]);
    expect([...named(template)]).toEqual([arn]);
  });
});

describe('no names collide', () => {
  /** Returns the names in a template that must be unique in an account and region. */
  function names(template: Template): string[] {
    const { Resources } = template.toJSON();
    return Object.values<object>(Resources).flatMap((resource) => {
      if (at(resource, 'Type') === 'AWS::IAM::Policy') return []; // its name is unique within its role
      const properties: Record<string, unknown> = Object(at(resource, 'Properties'));
      return Object.entries(properties)
        .filter(
          ([key]) =>
            /^(Name|\w+Name)$/.test(key) && !/^(FunctionName|EventBusName|MetricName|GroupName)$/.test(key),
        )
        .map(([key, value]) => `${at(resource, 'Type')} ${key} ${legible(value)}`);
    });
  }

  /** Returns the dimension of each metric of Batchdrop that an alarm watches. */
  const watched = (template: Template) =>
    resources(template, 'AWS::CloudWatch::Alarm')
      .filter(({ Properties }) => at(Properties, 'Namespace') === 'Batchdrop')
      .map(({ Properties }) => legible(at(Properties, 'Dimensions', 0, 'Value')));

  it('with two in one stack, which have different names and metrics', () => {
    const template = synthesize({}, (_, stack) => new Batchdrop(stack, 'Second'));
    const all = names(template);
    expect(all).toHaveLength(2 * (1 + 8)); // the buses and the alarms; CloudFormation generates all other names
    expect(new Set(all).size).toBe(18);
    expect(new Set(watched(template))).toEqual(new Set(['Example.Batchdrop', 'Example.Second']));
  });

  it('with one app deployed twice, under two stack names', () => {
    const [dev, prod] = ['batchdrop-dev', 'batchdrop-prod'].map((stackName) => {
      const stack = new Stack(exampleApp(), 'Same', { stackName });
      new Batchdrop(stack, 'Batchdrop');
      return Template.fromStack(stack);
    }) as [Template, Template];
    expect(names(dev)).toHaveLength(1 + 8);
    expect(names(dev).filter((name) => names(prod).includes(name))).toEqual([]);
    expect(watched(dev).filter((whose) => watched(prod).includes(whose))).toEqual([]);
  });

  it('with two ready-made stacks in one account', () => {
    const app = exampleApp();
    const stacks = ['One', 'Other'].map((id) => new BatchdropStack(app, id));
    const [one, other] = stacks.map((stack) => Template.fromStack(stack)) as [Template, Template];
    expect(names(one)).toHaveLength(1 + 8);
    expect(names(one).filter((name) => names(other).includes(name))).toEqual([]);
  });
});
