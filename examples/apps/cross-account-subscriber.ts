/** Another account hears of every file: events go from Batchdrop's bus to a bus over there, and a rule there takes them. */
import { App, Stack } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue, EventBus as ToBus } from 'aws-cdk-lib/aws-events-targets';
import { AccountPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';
import { jobStatusPattern } from 'batchdrop/events';

const region = 'eu-west-1';
const ours = '111111111111';
const theirs = '222222222222';
const busName = 'batch-news';

const app = new App();
const publisher = new Stack(app, 'Publisher', { env: { account: ours, region } });
const batchdrop = new Batchdrop(publisher, 'Batchdrop');
const theirBus = EventBus.fromEventBusArn(
  publisher,
  'TheirBus',
  `arn:aws:events:${region}:${theirs}:event-bus/${busName}`,
);
batchdrop.onJobStatusChange('TellThem', { target: new ToBus(theirBus) });

const subscriber = new Stack(app, 'Subscriber', { env: { account: theirs, region } });
const eventBus = new EventBus(subscriber, 'Bus', { eventBusName: busName });
eventBus.addToResourcePolicy(
  new PolicyStatement({
    sid: 'BatchdropMayTell',
    principals: [new AccountPrincipal(ours)],
    actions: ['events:PutEvents'],
    resources: [eventBus.eventBusArn],
  }),
);
const inbox = new Queue(subscriber, 'Inbox', { enforceSSL: true });
new Rule(subscriber, 'Ended', {
  eventBus: eventBus,
  eventPattern: jobStatusPattern('completed', 'failed', 'expired', 'cancelled'),
  targets: [new SqsQueue(inbox)],
});
