import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { checkWiring } from '../../../local/runtime/check-wiring.ts';
import { readAssembly } from '../../../local/runtime/template/assembly.ts';
import { parseTemplate } from '../../../local/runtime/template/parse-template.ts';
import { writtenAssembly } from './written-assembly.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-apps-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const URL = 'http://127.0.0.1:4566';
const QUEUE = { Type: 'AWS::SQS::Queue' };
const here = 'us-east-1:000000000000';

/** A rule of the default bus that sends everything of Batchdrop to a queue. */
const ruleTo = (Arn: unknown) => ({
  Type: 'AWS::Events::Rule',
  Properties: { EventPattern: { source: ['batchdrop'] }, Targets: [{ Id: 'T', Arn }] },
});

const batchdropOutputs = (construct: string, values: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries({
      RequestBucket: 'requests',
      ResultsBucket: 'results',
      CancelQueueUrl: 'cancel',
      ApprovalQueueUrl: 'approve',
      EventBus: 'bus',
      Instance: 'instance',
      LedgerTable: 'ledger',
      ...values,
    }).map(([name, Value]) => [`${construct}Names${name}1A2B3C4D`, { Value }]),
  );

describe('an app of several stacks', () => {
  it.each([
    ['an export', { 'Fn::ImportValue': 'Shared:Arn' }],
    ['a weak reference', { 'Fn::GetStackOutput': { StackName: 'Shared', OutputName: 'Arn' } }],
  ])('refers to another stack by %s', (_, reference) => {
    const { rules } = parseTemplate(
      writtenAssembly(directory, {
        Reports: { Resources: { Rule: ruleTo(reference) } },
        Shared: {
          Resources: { Inbox1A2B3C4D: QUEUE },
          Outputs: {
            Arn: {
              Value: { 'Fn::GetAtt': ['Inbox1A2B3C4D', 'Arn'] },
              Export: { Name: { 'Fn::Join': [':', [{ Ref: 'AWS::StackName' }, 'Arn']] } },
            },
          },
        },
      }),
      URL,
    );
    expect(rules.map(({ targets }) => targets)).toEqual([
      [{ Id: 'T', Arn: `arn:aws:sqs:${here}:shared-inbox` }],
    ]);
  });

  it('has distinct names for the same construct in two stacks', () => {
    const template = { Resources: { Inbox1A2B3C4D: QUEUE } };
    const { queues } = parseTemplate(writtenAssembly(directory, { Dev: template, Test: template }), URL);
    expect(queues.map(({ name }) => name)).toEqual(['dev-inbox', 'test-inbox']);
  });

  it('runs without the stacks that are not named, and without what only these need', () => {
    writtenAssembly(directory, {
      Reports: { Resources: { A: QUEUE } },
      Site: { Resources: { Cdn: { Type: 'AWS::CloudFront::Distribution' } } },
    });
    const { queues } = parseTemplate(readAssembly(directory, { only: ['Reports'] }), URL);
    expect(queues.map(({ name }) => name)).toEqual(['reports-a']);
    expect(() => readAssembly(directory, { only: ['Report'] })).toThrow(
      'the app has no stack Report. It has: Reports, Site',
    );
  });

  it('names each Batchdrop by its stack and construct', () => {
    const template = (...constructs: string[]) => ({
      Resources: {},
      Outputs: Object.assign({}, ...constructs.map((construct) => batchdropOutputs(construct, {}))),
    });
    const assembly = writtenAssembly(directory, {
      Reports: template('Nightly', 'Daily'),
      Search: template('Nightly'),
    });
    const { batchdrops } = parseTemplate(assembly, URL);
    expect(batchdrops.map(({ stack, construct }) => `${stack} ${construct}`)).toEqual([
      'Reports Nightly',
      'Reports Daily',
      'Search Nightly',
    ]);
  });
});

describe('an app in an account of its own', () => {
  const environment = 'aws://123456789012/eu-west-1';
  const planOf = (Resources: Record<string, object>) =>
    parseTemplate(writtenAssembly(directory, { Reports: { Resources } }, { environment }), URL);

  it('moves to the account and the Region of this machine', () => {
    const { rules } = planOf({ Rule: ruleTo('arn:aws:sqs:eu-west-1:123456789012:inbox') });
    expect(rules.map(({ targets }) => targets)).toEqual([[{ Id: 'T', Arn: `arn:aws:sqs:${here}:inbox` }]]);
  });

  it('keeps names, and ARNs of other accounts', () => {
    const { buckets } = planOf({
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'reports-123456789012-eu-west-1' } },
    });
    expect(buckets.map(({ name }) => name)).toEqual(['reports-123456789012-eu-west-1']);
    const elsewhere = 'arn:aws:sqs:eu-west-1:999999999999:inbox';
    expect(() => planOf({ Rule: ruleTo(elsewhere) })).toThrow('Target T: only SQS queues');
  });

  it('fails if it needs lookups', () => {
    const missing = [{ key: 'vpc-provider:account=123456789012', provider: 'vpc-provider' }];
    expect(() => writtenAssembly(directory, { Reports: { Resources: {} } }, { missing })).toThrow(
      'the app looks up values in an AWS account, which one machine does not have: vpc-provider:account=123456789012. Run `cdk synth` once',
    );
  });
});

describe('what the CDK adds by custom resources', () => {
  const provider = (name: string) => ({
    [name]: {
      Type: 'AWS::Lambda::Function',
      Properties: { Runtime: 'python3.13', Handler: 'index.handler' },
    },
  });

  it('leaves out the deletion of objects with its function', () => {
    const { functions, leftOut } = parseTemplate(
      writtenAssembly(directory, {
        Reports: {
          Resources: {
            ...provider('Provider'),
            Empty: {
              Type: 'Custom::S3AutoDeleteObjects',
              Properties: { ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] } },
            },
          },
        },
      }),
      URL,
    );
    expect(functions).toEqual([]);
    expect(leftOut.map(({ type }) => type)).toEqual(['Custom::S3AutoDeleteObjects']);
  });

  it('sends the events of a bucket to EventBridge', () => {
    const { buckets } = parseTemplate(
      writtenAssembly(directory, {
        Reports: {
          Resources: {
            ...provider('Handler'),
            Drop1A2B3C4D: { Type: 'AWS::S3::Bucket' },
            Notifications: {
              Type: 'Custom::S3BucketNotifications',
              Properties: {
                ServiceToken: { 'Fn::GetAtt': ['Handler', 'Arn'] },
                BucketName: { Ref: 'Drop1A2B3C4D' },
                NotificationConfiguration: { EventBridgeConfiguration: {} },
                Managed: true,
              },
            },
          },
        },
      }),
      URL,
    );
    expect(buckets).toEqual([{ name: 'reports-drop', versioned: false, eventBridge: true }]);
  });
});

describe('the access logs of a bucket', () => {
  const faults = (target: object) => {
    const plan = parseTemplate(
      writtenAssembly(directory, {
        Reports: {
          Resources: {
            Logs: { Type: 'AWS::S3::Bucket', Properties: target },
            Files: {
              Type: 'AWS::S3::Bucket',
              Properties: { LoggingConfiguration: { DestinationBucketName: { Ref: 'Logs' } } },
            },
          },
        },
      }),
      URL,
    );
    const authorizer = new Authorizer();
    authorizer.enforce(plan.policies, [], () => undefined);
    return () => checkWiring(plan, authorizer);
  };

  it('may be allowed by an ACL, as the CDK does by default', () => {
    expect(faults({ AccessControl: 'LogDeliveryWrite' })).not.toThrow();
    expect(faults({})).toThrow(
      /^the access logs of reports-files: User: logging\.s3\.amazonaws\.com is not authorized/,
    );
  });
});

describe('a rule', () => {
  it('has to name what is part of the app', () => {
    const plan = parseTemplate(
      writtenAssembly(directory, {
        Reports: { Resources: { Rule: ruleTo(`arn:aws:sqs:${here}:elsewhere`) } },
      }),
      URL,
    );
    expect(() => checkWiring(plan, new Authorizer())).toThrow(
      `the rule reports-rule: arn:aws:sqs:${here}:elsewhere is not part of the app, and one machine has nothing else`,
    );
  });
});

describe('what a Batchdrop imports', () => {
  it('is stood in for by an empty bucket and an empty bus, and the plan says so', () => {
    const Outputs = batchdropOutputs('Nightly', { RequestBucket: 'our-files', EventBus: 'our-bus' });
    const Resources = { Results: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'results' } } };
    const plan = parseTemplate(writtenAssembly(directory, { Reports: { Resources, Outputs } }), URL);
    expect(plan.standIns).toEqual(['our-files', 'our-bus']);
    expect(plan.buckets).toContainEqual({ name: 'our-files', versioned: true, eventBridge: true });
    expect(plan.buses).toEqual(['our-bus']);
  });
});

describe('a function with its code in the template', () => {
  it('has a folder of its own for it, by the hash of the code', () => {
    const { functions } = parseTemplate(
      writtenAssembly(directory, {
        Reports: {
          Resources: {
            Notify: {
              Type: 'AWS::Lambda::Function',
              Properties: {
                Code: { ZipFile: 'code' },
                Handler: 'index.handler',
                Runtime: 'nodejs24.x',
                Role: 'r',
              },
            },
          },
        },
      }),
      URL,
    );
    expect(functions).toMatchObject([{ inlineCode: 'code' }]);
    expect(functions[0]?.codeDirectory).toMatch(new RegExp(`^${join(directory, 'inline')}/[0-9a-f]{32}$`));
  });
});
