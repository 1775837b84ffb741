/** All defaults: a bucket for request files, a bucket with results, an event bus and a cancel queue. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Batchdrop } from 'batchdrop';

const stack = new Stack(new App(), 'Minimal');
const batchdrop = new Batchdrop(stack, 'Batchdrop');

new CfnOutput(stack, 'DropHere', { value: batchdrop.requestBucket.bucketName });
new CfnOutput(stack, 'ReadHere', { value: batchdrop.resultsBucket.bucketName });
