import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** A topic that sends alarms to a mail address, once its owner has confirmed the mail that AWS sends to it. */
export class AlarmMail extends Construct {
  readonly action: IAlarmAction;

  constructor(scope: Construct, id: string, address: string) {
    super(scope, id);
    // Without a KMS key: with AWS's key for SNS, alarms could not publish. A mail contains no data of files.
    const topic = new Topic(this, 'Topic', { displayName: 'Batchdrop alarms', enforceSSL: true });
    topic.addSubscription(new EmailSubscription(address));
    const { account } = Stack.of(this);
    const alarms = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    // `enforceSSL` replaces the default policy of the topic, which lets the alarms of the account publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': account }, ArnLike: { 'aws:SourceArn': alarms } },
      }),
    );
    this.action = new SnsAction(topic);
  }
}
