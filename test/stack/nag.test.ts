import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { BatchdropStack, type BatchdropStackProps } from '../../lib/batchdrop-stack.ts';
import { BatchdropTracing } from '../../lib/tracing.ts';
import { exampleApp } from './synthesis.ts';

/** Synthesizes with AWS's solution checks, which throw a report of their findings. */
function check(
  props: BatchdropStackProps | ((stack: Stack) => BatchdropStackProps) = {},
  spoil: (stack: BatchdropStack) => void = () => {},
): BatchdropStack {
  const app = exampleApp();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const surroundings = new Stack(app, 'Surroundings');
  const stack = new BatchdropStack(app, 'Example', typeof props === 'function' ? props(surroundings) : props);
  spoil(stack);
  app.synth();
  return stack;
}

describe("AWS's solution checks", () => {
  it('find nothing except what is acknowledged by its exact id, with a reason', () => {
    const acknowledged = check()
      .node.findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries<unknown>(data));
    const ids = acknowledged.map(([id]) =>
      id.replace('Annotation::', '').replace(/Batchdrop(\w+?)[0-9A-F]{8}/, '$1'),
    );
    expect([...new Set(ids)].sort()).toEqual([
      'AwsSolutions-IAM5[Resource::<BucketsRequests.Arn>/*]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/anomalies.jsonl]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/errors.jsonl]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/output.csv]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/output.jsonl]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/rejected.json]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/summary.json]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/_batchdrop/*]',
      'AwsSolutions-SQS3',
    ]);
  });

  it('find nothing with webhooks, whose URL is public', () => {
    check({ webhook: { reservedConcurrency: 10 } });
  });

  it('find nothing with tracing, and with a state of Step Functions that waits', () => {
    check({ tracing: BatchdropTracing.xRay() }, (stack) => {
      const sourceBuckets = [Bucket.fromBucketName(stack, 'Source', 'their-files')];
      stack.batchdrop.startAndWait(stack, 'Run', { sourceBuckets, timeout: Duration.days(4) });
    });
  });

  it('find nothing with all alarms, the dashboard and a mail address', () => {
    check({ monitoring: 'full', alarmEmail: 'team@example.com' });
  });

  it("find nothing with buckets of the user's own", () => {
    check({ requestBucketName: 'my-files', requestPrefix: 'in/', resultsBucketName: 'my-results' });
  });

  it("find nothing with a key, a VPC and a log group of the user's own", () => {
    check((stack) => ({
      encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-east-1:111111111111:key/mine'),
      vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-1',
        availabilityZones: ['a'],
        privateSubnetIds: ['subnet-1'],
        privateSubnetRouteTableIds: ['rtb-1'],
      }),
      logGroup: LogGroup.fromLogGroupName(stack, 'Logs', 'mine'),
    }));
  });

  it('do run, because they find a bucket without protection', () => {
    expect(() => check({}, (stack) => new Bucket(stack, 'Unprotected'))).toThrow(
      'Example/Unprotected/Resource',
    );
  });
});
