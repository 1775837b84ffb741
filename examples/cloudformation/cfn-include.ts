/**
 * Batchdrop's template in a stack of your own CDK app, without the package: `CfnInclude` exists in every language of the CDK.
 * Upload the folder `functions/` first (`deploy.sh` shows how).
 */
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';

const stack = new Stack(new App(), 'Reports');
const batchdrop = new CfnInclude(stack, 'Batchdrop', {
  templateFile: join(import.meta.dirname, '..', 'batchdrop.template.json'),
  parameters: { AssetsBucket: 'my-assets', AssetsPrefix: 'batchdrop/' },
});

const busName = String(batchdrop.getOutput('EventBus').value);
new Rule(stack, 'Completed', {
  eventBus: EventBus.fromEventBusName(stack, 'EventBus', busName),
  eventPattern: {
    source: ['batchdrop'],
    detailType: ['OpenAI Batch Job Status Change'],
    detail: { data: { status: ['completed'] } },
  },
  targets: [new SqsQueue(new Queue(stack, 'Inbox', { enforceSSL: true }))],
});
