import { type Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { BatchdropStack, type BatchdropStackProps } from '../../lib/batchdrop-stack.ts';
import { exampleApp } from './synthesis.ts';

/** Synthesizes with AWS's solution checks, which throw a report of what they find. */
function check(props: BatchdropStackProps = {}, spoil: (stack: Stack) => void = () => {}): BatchdropStack {
  const app = exampleApp();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new BatchdropStack(app, 'Example', props);
  spoil(stack);
  app.synth();
  return stack;
}

describe("AWS's solution checks", () => {
  it('find nothing, but what is acknowledged by its exact id and with a reason', () => {
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
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/parts/*]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*/rejected.json]',
      'AwsSolutions-IAM5[Resource::<BucketsResults.Arn>/*]',
      'AwsSolutions-SQS3',
    ]);
  });

  it("find nothing with buckets of the user's own", () => {
    check({ requestBucketName: 'my-files', requestPrefix: 'in/', resultsBucketName: 'my-results' });
  });

  it('are looking: a careless bucket is found', () => {
    expect(() => check({}, (stack) => new Bucket(stack, 'Careless'))).toThrow('Example/Careless/Resource');
  });
});
