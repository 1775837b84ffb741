import { CfnOutput } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { BatchdropStack } from '../batchdrop-stack.ts';
import { AlarmTopic } from '../monitoring/alarm-topic.ts';

/**
 * Adds a topic that every alarm notifies. It is always there, with or without subscribers: an address as a parameter would
 * decide whether there is a subscription.
 */
export function letPeopleSubscribe(stack: BatchdropStack): void {
  const topic = new AlarmTopic(stack, 'AlarmTopic');
  const action = new SnsAction(topic);
  for (const alarm of stack.batchdrop.alarms) alarm.addAlarmAction(action);
  new CfnOutput(stack, 'SubscribeToAlarms', {
    description: 'Run once. Sends the alarms to an address, which has to confirm it',
    value: `aws sns subscribe --topic-arn ${topic.topicArn} --protocol email --notification-endpoint you@example.com`,
  });
}
