import { describe, expect, it } from 'vitest';
import { synthesize } from './synthesis.ts';
import { at, legible, list, permissionsIn, resources } from './template-reading.ts';

const template = synthesize();
const permissions = permissionsIn(template);

const SECRET =
  'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:batchdrop/openai-??????';
const CONSUME = ['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'];
const SEND = ['SendMessage'];

const logs = (stage: string) => ({
  [`<${stage}WorkerLogs.Arn>`]: ['logs:CreateLogStream', 'logs:PutLogEvents'],
});
const queue = (stage: string, actions: string[]) => ({
  [`<${stage}WorkQueue.Arn>`]: actions.map((action) => `sqs:${action}`),
});
const ledger = { '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'] };
const ledgerItems = { '<LedgerTable.Arn>': ['dynamodb:GetItem', 'dynamodb:PutItem'] };
const publish = { '<StatusEventsBus.Arn>': ['events:PutEvents'] };
const apiKey = { [SECRET]: ['secretsmanager:GetSecretValue'] };
const requests = {
  '<BucketsRequests.Arn>': ['s3:ListBucket'],
  '<BucketsRequests.Arn>/*': ['s3:GetObjectVersion'],
};
const resultLines = ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject', 's3:PutObjectTagging'];

describe('each function has the permissions that it uses, and no others', () => {
  it.each([
    [
      'Intake',
      {
        ...requests,
        '<BucketsResults.Arn>': ['s3:ListBucket'],
        '<BucketsResults.Arn>/_batchdrop/*': ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
        '<BucketsResults.Arn>/*/rejected.json': ['s3:PutObject', 's3:PutObjectTagging'],
        ...ledger,
        ...publish,
        ...queue('Intake', CONSUME),
        ...queue('Submission', SEND),
      },
    ],
    [
      'Submission',
      {
        ...requests,
        '<BucketsResults.Arn>/_batchdrop/*': ['s3:GetObject'],
        ...ledgerItems,
        ...publish,
        ...apiKey,
        ...queue('Submission', CONSUME),
        ...queue('Delivery', SEND),
      },
    ],
    [
      'Delivery',
      {
        '<BucketsRequests.Arn>': ['s3:ListBucket'],
        '<BucketsRequests.Arn>/*': [
          's3:GetObjectVersion',
          's3:GetObjectVersionTagging',
          's3:PutObjectVersionTagging',
        ],
        '<BucketsResults.Arn>': ['s3:ListBucket'],
        '<BucketsResults.Arn>/_batchdrop/*': ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
        '<BucketsResults.Arn>/*/output.jsonl': resultLines,
        '<BucketsResults.Arn>/*/errors.jsonl': resultLines,
        '<BucketsResults.Arn>/*/anomalies.jsonl': resultLines,
        '<BucketsResults.Arn>/*/output.csv': resultLines,
        '<BucketsResults.Arn>/*/summary.json': ['s3:PutObject', 's3:PutObjectTagging'],
        ...ledger,
        ...publish,
        ...apiKey,
        ...queue('Delivery', CONSUME),
      },
    ],
    ['Cancellation', { ...ledger, ...publish, ...apiKey, ...queue('Cancellation', CONSUME) }],
    ['Approval', { ...ledger, ...publish, ...queue('Approval', CONSUME), ...queue('Submission', SEND) }],
    [
      'Polling',
      {
        ...ledger,
        '<LedgerTable.Arn>/index/due': ['dynamodb:Query'],
        ...publish,
        ...apiKey,
        ...queue('Intake', SEND),
        ...queue('Submission', SEND),
        ...queue('Delivery', SEND),
      },
    ],
  ])('%s', (stage, expected: Record<string, string[]>) => {
    const found: Record<string, string[]> = {};
    for (const { role, action, resource } of permissions) {
      if (role !== `<${stage}WorkerRole>`) continue;
      found[resource] = [...(found[resource] ?? []), action].sort();
    }
    const sorted = Object.entries({ ...expected, ...logs(stage) }).map(([name, actions]) => [
      name,
      actions.sort(),
    ]);
    expect(found).toEqual(Object.fromEntries(sorted));
  });

  it('only the scheduler can invoke a function, and only POLL', () => {
    const others = permissions.filter(({ role }) => !role.endsWith('WorkerRole>'));
    expect(others.map(({ role, action, resource }) => `${role} ${action} ${resource}`)).toEqual([
      '<PollingTickRole> lambda:InvokeFunction <PollingWorkerFunction.Arn>',
    ]);
    expect(resources(template, 'AWS::Lambda::Permission')).toEqual([]);
  });
});

describe('least privilege', () => {
  it('no action has a wildcard', () => {
    expect(permissions.length).toBeGreaterThan(50);
    expect(permissions.filter(({ action }) => action.includes('*'))).toEqual([]);
    expect(permissions.filter(({ resource }) => resource === '*')).toEqual([]);
  });

  it('no role has a managed policy or is shared by functions', () => {
    const roles = resources(template, 'AWS::IAM::Role');
    expect(roles.map(({ Properties }) => at(Properties, 'ManagedPolicyArns'))).toEqual(
      roles.map(() => undefined),
    );
    const used = resources(template, 'AWS::Lambda::Function').map(({ Properties }) =>
      legible(at(Properties, 'Role')),
    );
    expect(new Set(used).size).toBe(6);
  });

  it('the scheduler can assume its role for this account only', () => {
    const role = resources(template, 'AWS::IAM::Role').find(({ id }) => id === 'PollingTickRole');
    const statement = at(role?.Properties, 'AssumeRolePolicyDocument', 'Statement', 0);
    expect(at(statement, 'Condition')).toEqual({
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  it.each([
    ['AWS::S3::BucketPolicy', 3],
    ['AWS::SQS::QueuePolicy', 11],
  ])('%s: unencrypted connections are denied', (type, count) => {
    const policies = resources(template, type);
    expect(policies.length).toBe(count);
    for (const { id, Properties } of policies) {
      const refusals = list(at(Properties, 'PolicyDocument', 'Statement')).filter(
        (statement) =>
          at(statement, 'Effect') === 'Deny' &&
          at(statement, 'Condition', 'Bool', 'aws:SecureTransport') === 'false',
      );
      expect(refusals, id).toHaveLength(1);
    }
  });

  it('a service can write to a queue or the log bucket only for the intended source', () => {
    const allowed = ['AWS::SQS::QueuePolicy', 'AWS::S3::BucketPolicy'].flatMap((type) =>
      resources(template, type).flatMap(({ id, Properties }) =>
        list(at(Properties, 'PolicyDocument', 'Statement'))
          .filter((statement) => at(statement, 'Effect') === 'Allow')
          .map((statement) => ({ id, statement })),
      ),
    );
    expect(allowed.map(({ id }) => id).sort()).toEqual([
      'BucketsAccessLogsPolicy',
      'BucketsAccessLogsPolicy',
      'IntakeUndeliveredPolicy',
      'IntakeWorkQueuePolicy',
    ]);
    for (const { id, statement } of allowed) {
      const source =
        at(statement, 'Condition', 'ArnEquals', 'aws:SourceArn') ??
        at(statement, 'Condition', 'ArnLike', 'aws:SourceArn');
      expect(source, id).toBeDefined();
    }
  });

  it('the template names the secret, and neither contains nor creates one', () => {
    expect(resources(template, 'AWS::SecretsManager::Secret')).toEqual([]);
    const json = JSON.stringify(template.toJSON());
    expect(json).not.toMatch(/resolve:secretsmanager|sk-[A-Za-z0-9]{8}/);
    for (const { Properties } of resources(template, 'AWS::Lambda::Function')) {
      expect([undefined, 'batchdrop/openai']).toContain(
        at(Properties, 'Environment', 'Variables', 'OPENAI_SECRET_ID'),
      );
    }
  });
});
