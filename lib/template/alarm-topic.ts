import { CfnOutput, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { BatchdropStack } from '../batchdrop-stack.ts';

/**
 * Adds a topic that every alarm notifies. It is always there, with or without subscribers: an address as a parameter would
 * decide whether there is a subscription.
 */
export function addAlarmTopic(stack: BatchdropStack): void {
  const topic = new Topic(stack, 'AlarmTopic', { displayName: 'Alarms of Batchdrop', enforceSSL: true });
  // A policy replaces the default one, which allows the services of the account.
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [
        new ServicePrincipal('cloudwatch.amazonaws.com', {
          conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(stack).account } },
        }),
      ],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
    }),
  );
  const action = new SnsAction(topic);
  for (const alarm of stack.batchdrop.alarms) alarm.addAlarmAction(action);
  new CfnOutput(stack, 'SubscribeToAlarms', {
    description: 'Run once. Sends the alarms to an address, which has to confirm it',
    value: `aws sns subscribe --topic-arn ${topic.topicArn} --protocol email --notification-endpoint you@example.com`,
  });
}
