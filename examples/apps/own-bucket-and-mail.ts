/**
 * Request files in an existing bucket, under `batches/`, and a mail when a file is rejected, a job fails or an alarm
 * goes off. The owner of the bucket turns on versioning and EventBridge notifications; `batchdrop doctor` checks both.
 */
import { App, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'OwnBucketAndMail');
const mail = new Topic(stack, 'Mail', { enforceSSL: true });
mail.addSubscription(new EmailSubscription('team@example.com'));
mail.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com')); // the policy of `enforceSSL` does not let alarms publish

const batchdrop = new Batchdrop(stack, 'Batchdrop', {
  requestBucket: Bucket.fromBucketName(stack, 'Files', 'our-files'),
  requestPrefix: 'batches/',
  alarmAction: new SnsAction(mail),
});

const file = EventField.fromPath('$.detail.data.requestFile.key');
const reason = EventField.fromPath('$.detail.data.reason.message');
const findings = EventField.fromPath('$.detail.data.findings.count');
batchdrop.onFailed('MailFailure', {
  target: new SnsTopic(mail, { message: RuleTargetInput.fromText(`${file} failed: ${reason}`) }),
});
batchdrop.onRejected('MailRejection', {
  target: new SnsTopic(mail, {
    message: RuleTargetInput.fromText(`${file} was rejected, findings: ${findings}`),
  }),
});
