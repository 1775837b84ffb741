/** Each completed job sends a message to a queue. A worker receives it and reads the results that it names. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'FanOutResults');
const batchdrop = new Batchdrop(stack, 'Batchdrop', { expireFilesAfter: Duration.days(30) });

const deadLetters = new Queue(stack, 'DeadLetters', { enforceSSL: true });
const completed = new Queue(stack, 'Completed', {
  enforceSSL: true,
  visibilityTimeout: Duration.minutes(6), // six times the timeout of the worker, as AWS advises
  deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
});
batchdrop.onCompleted('Completed', { target: new SqsQueue(completed) });

const worker = new LambdaFunction(stack, 'Worker', {
  runtime: Runtime.PYTHON_3_13,
  handler: 'consume_events.handler',
  code: Code.fromAsset(new URL('../python', import.meta.url).pathname),
  timeout: Duration.minutes(1),
});
worker.addEventSource(new SqsEventSource(completed, { reportBatchItemFailures: true }));
batchdrop.grantReadResults(worker);
