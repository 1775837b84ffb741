/**
 * Pages wake somebody through an incident service; tickets, and jobs that need a person, go to a Slack channel. Before the
 * deployment, authorise the Slack workspace once in the console of Amazon Q Developer in chat applications.
 */
import { App, Stack } from 'aws-cdk-lib';
import { SlackChannelConfiguration } from 'aws-cdk-lib/aws-chatbot';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { UrlSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'AlarmsToSlack');
const alarms = new ServicePrincipal('cloudwatch.amazonaws.com');

const pages = new Topic(stack, 'Pages', { enforceSSL: true });
pages.grantPublish(alarms); // the policy of `enforceSSL` does not let alarms publish
pages.addSubscription(new UrlSubscription('https://events.pagerduty.com/integration/YOUR_KEY/enqueue'));

const channel = new Topic(stack, 'Channel', { enforceSSL: true });
channel.grantPublish(alarms);
new SlackChannelConfiguration(stack, 'Slack', {
  slackChannelConfigurationName: 'batchdrop',
  slackWorkspaceId: 'T0000000000',
  slackChannelId: 'C0000000000',
  notificationTopics: [channel],
  guardrailPolicies: [ManagedPolicy.fromAwsManagedPolicyName('CloudWatchReadOnlyAccess')],
});

const batchdrop = new Batchdrop(stack, 'Batchdrop', {
  monitoring: 'full',
  pageAction: new SnsAction(pages),
  ticketAction: new SnsAction(channel),
});

const field = (path: string) => EventField.fromPath(`$.detail.${path}`);
const file = field('data.requestFile.key');
const job = field('metadata.jobId');

/** Returns a target that shows an event in the channel. A field of its own may contain quotes; a field within a text may not. */
function message(title: string, description: string, nextStep: string): SnsTopic {
  return new SnsTopic(channel, {
    message: RuleTargetInput.fromObject({
      version: '1.0',
      source: 'custom',
      id: EventField.eventId,
      content: { textType: 'client-markdown', title, description, nextSteps: [nextStep], keywords: [file] },
      metadata: { threadId: job, summary: title, eventType: EventField.detailType },
    }),
  });
}

const failure = field('data.reason.message');
batchdrop.onFailed('Failed', {
  target: message('A job failed', failure, `Run \`batchdrop show ${job}\``),
});
const finding = field('data.findings.first[0].message');
batchdrop.onRejected('Rejected', {
  target: message('A file was rejected', finding, `Run \`batchdrop show ${job}\``),
});
const hold = field('data.reason.message');
batchdrop.onUnapproved('Unapproved', {
  target: message('A job waits for an approval', hold, `Run \`batchdrop approve ${job}\``),
});
