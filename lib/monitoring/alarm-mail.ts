import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { alarmTopic } from './alarm-topic.ts';

/** A topic that sends alarms to a mail address, once its owner has confirmed the mail that AWS sends to it. */
export class AlarmMail extends Construct {
  readonly action: IAlarmAction;

  constructor(scope: Construct, id: string, address: string) {
    super(scope, id);
    const topic = alarmTopic(this, 'Topic');
    topic.addSubscription(new EmailSubscription(address));
    this.action = new SnsAction(topic);
  }
}
