import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type BucketProps, type IBucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../lib/batchdrop.ts';
import { exampleApp, synthesize } from './synthesis.ts';
import { at, legible, permissionsIn, resources } from './template-reading.ts';

/** `as`: under exactOptionalPropertyTypes, the CDK's class does not match its own interface. */
function bucketOf(stack: Stack, id: string, props: BucketProps = {}): IBucket {
  return new Bucket(stack, id, props) as IBucket;
}

describe("a bucket of the user's own", () => {
  const template = synthesize((stack) => ({
    requestBucket: Bucket.fromBucketName(stack, 'Mine', 'my-files'),
    requestPrefix: 'incoming/',
    resultsBucket: Bucket.fromBucketName(stack, 'Theirs', 'my-results'),
  }));

  it('is not changed by a notification or a custom resource', () => {
    expect(resources(template, 'AWS::S3::Bucket')).toEqual([]);
    expect(resources(template, 'AWS::Lambda::Function')).toHaveLength(6);
    expect(JSON.stringify(template.toJSON())).not.toContain('Custom::');
  });

  it('is read only under the prefix', () => {
    const rule = resources(template, 'AWS::Events::Rule')[0];
    expect(at(rule?.Properties, 'EventPattern', 'detail')).toEqual({
      bucket: { name: ['my-files'] },
      object: { key: [{ prefix: 'incoming/' }] },
    });
    const readable = permissionsIn(template).filter(({ action }) => action === 's3:GetObjectVersion');
    expect(readable.length).toBeGreaterThan(0);
    for (const { resource } of readable)
      expect(resource).toBe('arn:<AWS::Partition>:s3:::my-files/incoming/*');
  });

  it('is tagged only under the prefix, and only by DELIVER', () => {
    const tagging = permissionsIn(template).filter(({ action }) => action === 's3:PutObjectVersionTagging');
    expect(tagging.map(({ role, resource }) => [role, resource])).toEqual([
      ['<DeliveryWorkerRole>', 'arn:<AWS::Partition>:s3:::my-files/incoming/*'],
    ]);
  });

  it('with a prefix for results is read, written and cleaned only under the prefix, which every function knows', () => {
    const prefixed = synthesize((stack) => ({
      resultsBucket: Bucket.fromBucketName(stack, 'Theirs', 'my-results'),
      resultsPrefix: 'team/batchdrop/',
    }));
    const objects = permissionsIn(prefixed).filter(({ resource }) => resource.includes('my-results/'));
    expect(objects.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload']),
    );
    for (const { resource } of objects)
      expect(resource).toMatch(/:my-results\/team\/batchdrop\/(_batchdrop\/\*|\*\/\w+\.(jsonl?|csv))$/);
    const functions = resources(prefixed, 'AWS::Lambda::Function');
    expect(functions).toHaveLength(6);
    for (const { Properties } of functions)
      expect(at(Properties, 'Environment', 'Variables')).toMatchObject({ RESULTS_PREFIX: 'team/batchdrop/' });
  });

  it("with a key of the user's own can be read and written by the functions that need it", () => {
    const encrypted = synthesize((stack) => ({
      requestBucket: bucketOf(stack, 'Mine', {
        encryptionKey: new Key(stack, 'RequestKey'),
        versioned: true,
      }),
      resultsBucket: bucketOf(stack, 'Theirs', { encryptionKey: new Key(stack, 'ResultsKey') }),
    }));
    const granted = permissionsIn(encrypted)
      .filter(({ action }) => action.startsWith('kms:'))
      .map(({ role, action, resource }) => `${role} ${action} ${resource}`);
    expect(granted.sort()).toEqual([
      '<DeliveryWorkerRole> kms:Decrypt <RequestKey.Arn>', // a table of results has columns of the request
      '<DeliveryWorkerRole> kms:Decrypt <ResultsKey.Arn>',
      '<DeliveryWorkerRole> kms:GenerateDataKey <ResultsKey.Arn>',
      '<IntakeWorkerRole> kms:Decrypt <RequestKey.Arn>',
      '<IntakeWorkerRole> kms:Decrypt <ResultsKey.Arn>',
      '<IntakeWorkerRole> kms:GenerateDataKey <ResultsKey.Arn>',
      '<SubmissionWorkerRole> kms:Decrypt <RequestKey.Arn>',
      '<SubmissionWorkerRole> kms:Decrypt <ResultsKey.Arn>',
    ]);
  });
});

describe('a bucket that cannot work fails at synth:', () => {
  it('the same bucket for requests and results', () => {
    expect(() =>
      synthesize((stack) => {
        const bucket = bucketOf(stack, 'Both');
        return { requestBucket: bucket, resultsBucket: bucket };
      }),
    ).toThrow('requestBucket and resultsBucket are the same bucket');
  });

  it('the same bucket imported twice by its name', () => {
    expect(() =>
      synthesize((stack) => ({
        requestBucket: Bucket.fromBucketName(stack, 'One', 'both'),
        resultsBucket: Bucket.fromBucketName(stack, 'Other', 'both'),
      })),
    ).toThrow('requestBucket and resultsBucket are the same bucket');
  });

  it('the same bucket by the same parameter', () => {
    expect(() =>
      synthesize((stack) => {
        const name = new CfnParameter(stack, 'Name').valueAsString;
        return {
          requestBucket: Bucket.fromBucketName(stack, 'One', name),
          resultsBucket: Bucket.fromBucketName(stack, 'Other', name),
        };
      }),
    ).toThrow('requestBucket and resultsBucket are the same bucket');
  });

  it.each([
    ['account', { account: '222222222222' }],
    ['region', { region: 'eu-west-1' }],
  ])('a bucket in another %s, whose events do not reach the stack', (what, elsewhere) => {
    const stack = new Stack(exampleApp(), 'Example', {
      env: { account: '111111111111', region: 'us-east-1' },
    });
    const bucketName = 'far-away';
    const requestBucket = Bucket.fromBucketAttributes(stack, 'Mine', { bucketName, ...elsewhere });
    expect(() => new Batchdrop(stack, 'Batchdrop', { requestBucket })).toThrow(
      `Example/Batchdrop: requestBucket far-away is in ${what}`,
    );
  });

  it("a bucket of the user's own works with one that Batchdrop creates", () => {
    const template = synthesize((stack) => ({
      requestBucket: Bucket.fromBucketName(stack, 'Mine', 'my-files'),
    }));
    const made = resources(template, 'AWS::S3::Bucket').map(({ id }) => id);
    expect(made.sort()).toEqual(['BucketsAccessLogs', 'BucketsResults']);
    const intake = resources(template, 'AWS::Lambda::Function').find(
      ({ id }) => id === 'IntakeWorkerFunction',
    );
    expect(legible(at(intake?.Properties, 'Environment', 'Variables', 'RESULTS_BUCKET'))).toBe(
      '<BucketsResults>',
    );
  });
});
