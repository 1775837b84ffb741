/** A service that may send messages to the cancel queue, and nothing else. */
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'CancelFromAService');
const batchdrop = new Batchdrop(stack, 'Batchdrop');

const service = new LambdaFunction(stack, 'Service', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  // Lambda's runtime contains the AWS SDK.
  code: Code.fromInline(`
const { SendMessageCommand, SQSClient } = require('@aws-sdk/client-sqs');
const sqs = new SQSClient();
exports.handler = async ({ jobId }) => {
  await sqs.send(new SendMessageCommand({
    QueueUrl: process.env.CANCEL_QUEUE_URL,
    MessageBody: JSON.stringify({ jobId }),
  }));
};
`),
  environment: { CANCEL_QUEUE_URL: batchdrop.cancelQueue.queueUrl },
});
batchdrop.grantCancel(service);
