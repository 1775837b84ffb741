/**
 * Two Batchdrops that publish on one bus. A queue collects what has completed, and a function of the app's own reacts to each end of
 * a job. `batchdrop up --app "npx tsx two-batchdrops.ts"` runs all of it on one machine.
 */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Batchdrop } from 'batchdrop';

const app = new App();
const bus = new EventBus(new Stack(app, 'Events'), 'Bus');

const reports = new Stack(app, 'Reports');
const eventBus = EventBus.fromEventBusArn(reports, 'Bus', bus.eventBusArn);
const nightly = new Batchdrop(reports, 'Nightly', { eventBus });
const byRequest = new Batchdrop(reports, 'ByRequest', { eventBus });

const inbox = new Queue(reports, 'Inbox', { enforceSSL: true, retentionPeriod: Duration.days(14) });

/** Reads the first result of a completed job. Lambda provides the SDK. */
const CODE = `
const { GetObjectCommand, S3Client } = require('@aws-sdk/client-s3');
const s3 = new S3Client();
exports.handler = async ({ detail: { data, metadata } }) => {
  const { key } = data.requestFile;
  if (data.status !== 'completed') return console.log(metadata.instance + ': ' + key + ' is ' + data.status);
  const { bucket, output } = data.results;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: output }));
  const [first] = (await Body.transformToString()).split('\\n');
  console.log(metadata.instance + ': ' + key + ' is completed, first ' + JSON.parse(first).custom_id);
};
`;
const notify = new LambdaFunction(reports, 'Notify', {
  runtime: Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code: Code.fromInline(CODE),
  timeout: Duration.seconds(30),
});

for (const batchdrop of [nightly, byRequest]) {
  batchdrop.onCompleted('Collect', { target: new SqsQueue(inbox) });
  batchdrop.onJobStatusChange('Notify', {
    target: new FunctionTarget(notify),
    status: ['completed', 'failed', 'rejected'],
  });
  batchdrop.grantReadResults(notify);
}
