/** A state machine runs each file of a bucket through the Batch API, and goes on when its results are stored. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { DefinitionBody, Fail, JsonPath, Pass, StateMachine, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';
import { SqsSendMessage } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'StepFunctions');
const batchdrop = new Batchdrop(stack, 'Batchdrop');
const inbox = Bucket.fromBucketName(stack, 'Inbox', 'our-inbox'); // with EventBridge notifications turned on

const classify = batchdrop.startAndWait(stack, 'Classify', {
  sourceBuckets: [inbox],
  bucket: JsonPath.stringAt('$.detail.bucket.name'),
  key: JsonPath.stringAt('$.detail.object.key'),
  timeout: Duration.days(4), // three attempts of a day each, and time for the results
  resultPath: '$.job',
});

// A state that times out does not stop its job, because other executions may wait for it.
const cancel = new SqsSendMessage(stack, 'Cancel', {
  queue: batchdrop.cancelQueue,
  messageBody: TaskInput.fromObject({
    bucket: batchdrop.requestBucket.bucketName,
    key: JsonPath.stringAt('$.detail.object.key'),
  }),
  resultPath: JsonPath.DISCARD,
});
classify.addCatch(cancel.next(new Fail(stack, 'TooLate')), {
  errors: ['States.Timeout'],
  resultPath: '$.error',
});
classify.addCatch(new Fail(stack, 'Rejected', { causePath: '$.error.Cause' }), {
  errors: ['Batchdrop.Rejected'],
  resultPath: '$.error',
});

const useResults = new Pass(stack, 'UseResults', {
  parameters: {
    bucket: JsonPath.stringAt('$.job.data.results.bucket'),
    output: JsonPath.stringAt('$.job.data.results.output'),
  },
});
const machine = new StateMachine(stack, 'Machine', {
  definitionBody: DefinitionBody.fromChainable(classify.next(useResults)),
});
new Rule(stack, 'NewFile', {
  eventPattern: {
    source: ['aws.s3'],
    detailType: ['Object Created'],
    detail: { bucket: { name: [inbox.bucketName] } },
  },
  targets: [new SfnStateMachine(machine)],
});
