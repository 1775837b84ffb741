/** Status changes in another account: a rule sends all of them to its event bus, and a rule there sends some to a queue. */
import { App, Stack } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { EventBus as EventBusTarget, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { AccountPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';
import { jobStatusPattern } from 'batchdrop/events';

const region = 'eu-west-1';
const publisherAccount = '111111111111';
const subscriberAccount = '222222222222';
const busName = 'batch-status';

const app = new App();
const publisher = new Stack(app, 'Publisher', { env: { account: publisherAccount, region } });
const batchdrop = new Batchdrop(publisher, 'Batchdrop');
const subscriberBus = EventBus.fromEventBusArn(
  publisher,
  'SubscriberBus',
  `arn:aws:events:${region}:${subscriberAccount}:event-bus/${busName}`,
);
batchdrop.onJobStatusChange('ToSubscriber', { target: new EventBusTarget(subscriberBus) });

const subscriber = new Stack(app, 'Subscriber', { env: { account: subscriberAccount, region } });
const eventBus = new EventBus(subscriber, 'Bus', { eventBusName: busName });
eventBus.addToResourcePolicy(
  new PolicyStatement({
    sid: 'AllowPublisher',
    principals: [new AccountPrincipal(publisherAccount)],
    actions: ['events:PutEvents'],
    resources: [eventBus.eventBusArn],
  }),
);
const inbox = new Queue(subscriber, 'Inbox', { enforceSSL: true });
new Rule(subscriber, 'Ended', {
  eventBus,
  eventPattern: jobStatusPattern('completed', 'failed', 'expired', 'cancelled'),
  targets: [new SqsQueue(inbox)],
});
