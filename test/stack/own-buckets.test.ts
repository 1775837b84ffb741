import { Annotations, Aspects, CfnParameter, Fn, Lazy, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type BucketProps, CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
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
        eventBridgeEnabled: true,
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

/** Returns the Batchdrop's problems and warnings at synth. */
function validated(batchdrop: Batchdrop): { problems: string[]; warnings: string[] } {
  const problems = batchdrop.node.validate();
  const { metadata } = batchdrop.node;
  const warnings = metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => String(data));
  return { problems, warnings };
}

describe('versioning and EventBridge are judged as the template will have them:', () => {
  const GOOD = { problems: [], warnings: [] };
  const events = { eventBridgeConfiguration: { eventBridgeEnabled: true } };

  it.each<[string, (stack: Stack) => IBucket]>([
    ['by the props', (stack) => bucketOf(stack, 'B', { versioned: true, eventBridgeEnabled: true })],
    [
      'with object lock',
      (stack) => bucketOf(stack, 'B', { objectLockEnabled: true, eventBridgeEnabled: true }),
    ],
    [
      'by a late value of a CfnBucket',
      (stack) => {
        const bucket = new CfnBucket(stack, 'B', {
          versioningConfiguration: Lazy.any({ produce: () => ({ status: 'Enabled' }) }),
          notificationConfiguration: events,
        });
        return Bucket.fromCfnBucket(bucket);
      },
    ],
    [
      'by an override',
      (stack) => {
        const bucket = new CfnBucket(stack, 'B');
        bucket.addPropertyOverride('VersioningConfiguration.Status', 'Enabled');
        bucket.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration', {
          EventBridgeEnabled: true,
        });
        return Bucket.fromCfnBucket(bucket);
      },
    ],
    [
      'of a bucket in another stack, imported by a reference',
      (stack) => {
        const other = new Stack(stack.node.scope, 'Storage');
        const { bucketName } = bucketOf(other, 'B', { versioned: true, eventBridgeEnabled: true });
        return Bucket.fromBucketName(stack, 'Same', bucketName);
      },
    ],
    [
      'of a bucket that is imported by the name it has in the app',
      (stack) => {
        bucketOf(stack, 'B', { bucketName: 'my-files', versioned: true, eventBridgeEnabled: true });
        return Bucket.fromBucketArn(stack, 'Same', 'arn:aws:s3:::my-files');
      },
    ],
  ])('%s', (_, requestBucket) => {
    const stack = new Stack(exampleApp(), 'Example');
    expect(validated(new Batchdrop(stack, 'Batchdrop', { requestBucket: requestBucket(stack) }))).toEqual(
      GOOD,
    );
  });

  it('turned on after the Batchdrop was made, by a call and by an aspect', () => {
    const stack = new Stack(exampleApp(), 'Example');
    const bucket = bucketOf(stack, 'Mine');
    new Batchdrop(stack, 'Batchdrop', { requestBucket: bucket });
    bucket.enableEventBridgeNotification();
    Aspects.of(bucket).add({
      visit: (node) => {
        if (node instanceof CfnBucket) node.versioningConfiguration = { status: 'Enabled' };
      },
    });
    expect(() => Template.fromStack(stack)).not.toThrow();
  });

  it('a bucket that is not made in the app is a warning, which can be acknowledged', () => {
    const stack = new Stack(exampleApp(), 'Example');
    const imported = Bucket.fromBucketName(stack, 'Mine', 'my-files');
    const batchdrop = new Batchdrop(stack, 'Batchdrop', { requestBucket: imported });
    imported.enableEventBridgeNotification();
    expect(validated(batchdrop)).toEqual({
      problems: [],
      warnings: [
        expect.stringMatching(
          /^requestBucket my-files is not created in this app.* it has versioning turned/,
        ),
      ],
    });
    Annotations.of(stack).acknowledgeWarning('batchdrop:requestBucketUnchecked');
    expect(validated(batchdrop)).toEqual({ problems: [], warnings: [] });
  });

  it('a setting that depends on a condition is a warning', () => {
    const stack = new Stack(exampleApp(), 'Example');
    const bucket = new CfnBucket(stack, 'Mine', {
      versioningConfiguration: { status: Fn.conditionIf('IsProd', 'Enabled', 'Suspended').toString() },
      notificationConfiguration: events,
    });
    const { problems, warnings } = validated(
      new Batchdrop(stack, 'Batchdrop', { requestBucket: Bucket.fromCfnBucket(bucket) }),
    );
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('it has versioning turned on')]);
  });

  it('the synth names every Batchdrop with a problem', () => {
    const app = exampleApp();
    for (const id of ['One', 'Two']) {
      const stack = new Stack(app, id);
      new Batchdrop(stack, 'Batchdrop', { requestBucket: bucketOf(stack, 'Mine', { versioned: true }) });
    }
    expect(() => app.synth()).toThrow(
      /\[One\/Batchdrop\] requestBucket One\/Mine sends no events.*\n.*\[Two\/Batchdrop\] requestBucket Two\/Mine/,
    );
  });
});

describe('two Batchdrops on one bucket', () => {
  const named = (scope: Stack, requestPrefix: string | undefined, bucketName = 'shared') =>
    new Batchdrop(scope, 'Batchdrop', {
      requestBucket: Bucket.fromBucketName(scope, 'Files', bucketName),
      requestPrefix,
    });

  it('are found in other stacks and stages, and each pair is told once', () => {
    const app = exampleApp();
    named(new Stack(app, 'First'), 'in/a/');
    const second = named(new Stack(app, 'Second'), 'in/');
    const third = named(new Stack(new Stage(app, 'Prod'), 'Third'), 'in/a/b/');
    const paths = (problems: string[]) => problems.map((one) => /read by (\S+) /.exec(one)?.[1]);
    expect(paths(second.node.validate())).toEqual(['First/Batchdrop']);
    expect(paths(third.node.validate())).toEqual(['First/Batchdrop', 'Second/Batchdrop']);
    expect(() => app.synth()).toThrow('First/Batchdrop');
  });

  it('may have prefixes of which neither begins with the other, and buckets of the same name elsewhere', () => {
    const app = exampleApp();
    const env = { account: '111111111111' };
    const all = [
      named(new Stack(app, 'First', { env: { ...env, region: 'us-east-1' } }), 'a/'),
      named(new Stack(app, 'Second', { env: { ...env, region: 'us-east-1' } }), 'b/'),
      named(new Stack(app, 'Third', { env: { ...env, region: 'eu-west-1' } }), 'a/'),
      named(new Stack(app, 'Fourth', { env: { ...env, region: 'us-east-1' } }), 'a/', 'other'),
    ];
    for (const batchdrop of all) expect(batchdrop.node.validate()).toEqual([]);
  });

  it('may keep results beside the requests of the other', () => {
    const app = exampleApp();
    const writer = new Stack(app, 'Writer');
    const results = (resultsPrefix: string) =>
      new Batchdrop(writer, resultsPrefix.replace('/', ''), {
        resultsBucket: Bucket.fromBucketName(writer, resultsPrefix, 'shared'),
        resultsPrefix,
      });
    const all = [named(new Stack(app, 'Reader'), 'in/'), results('out/'), results('more/')];
    for (const batchdrop of all) expect(batchdrop.node.validate()).toEqual([]);
  });

  it('are compared by parameters of the same stack', () => {
    const stack = new Stack(exampleApp(), 'Example');
    const name = new CfnParameter(stack, 'Name').valueAsString;
    const make = (id: string) =>
      new Batchdrop(stack, id, { requestBucket: Bucket.fromBucketName(stack, `Files${id}`, name) });
    expect(make('One').node.validate()).toEqual([]);
    expect(make('Two').node.validate()).toEqual([
      expect.stringMatching(/^requestBucket Example\/FilesTwo \(every key\) is also read by Example\/One /),
    ]);
  });
});
