/*
 * The functions of `startAndWait` in processes of their own, against the local endpoint, with the permissions of the template. The
 * machine has no Step Functions: a rule stands for the state that invokes START, and a server speaks the protocol in which
 * ANSWER reports.
 */
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Function as AnyFunction, CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { callbackIdOf } from '../../../functions/shared/domain/workflows/callback.ts';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import { bundleFunctions } from '../../../lib/bundling/bundle.ts';
import { BUNDLES_CONTEXT } from '../../../lib/stages/function-bundles.ts';
import {
  type StepFunctionsServer,
  startStepFunctions,
} from '../../contracts/workflows/step-functions-server.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { RecordedRuntime } from '../../local/iam/recorded-runtime.ts';
import { temporaryDirectory } from '../../stack/synthesis.ts';

const SOURCES = 'their-files';
const INVOKE = 'a state is entered';

let stepFunctions: StepFunctionsServer;
let runtime: RecordedRuntime;

beforeAll(async () => {
  stepFunctions = await startStepFunctions();
  runtime = await RecordedRuntime.start(await assembly(stepFunctions.url));
});

afterAll(async () => {
  await runtime?.close();
  await stepFunctions?.close();
});

async function assembly(stepFunctionsUrl: string): Promise<string> {
  const bundles = temporaryDirectory();
  await bundleFunctions(undefined, bundles);
  const outdir = temporaryDirectory();
  const context = { ...cdkJson.context, [BUNDLES_CONTEXT]: bundles, 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir, context, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Batchdrop');
  const removalPolicy = RemovalPolicy.DESTROY;
  const batchdrop = new Batchdrop(stack, 'Batchdrop', { removalPolicy });
  for (const output of batchdrop.outputs) output.overrideLogicalId(output.node.id);
  new Bucket(stack, 'Source', { bucketName: SOURCES, removalPolicy });
  const source = Bucket.fromBucketName(stack, 'TheirFiles', SOURCES);
  batchdrop.startAndWait(stack, 'Run', { sourceBuckets: [source], timeout: Duration.days(3) });
  const functionAt = (id: string) => {
    const found = batchdrop.node.findChild('Callbacks').node.findChild(id).node.findChild('Function');
    if (found instanceof AnyFunction) return found;
    throw new Error(`${id} is no function`);
  };
  const { defaultChild: answer } = functionAt('Worker').node;
  if (!(answer instanceof CfnFunction)) throw new Error('ANSWER is no function');
  answer.addPropertyOverride('Environment.Variables.AWS_ENDPOINT_URL_SFN', stepFunctionsUrl);
  new Rule(stack, 'Invoke', {
    eventPattern: { source: ['test'], detailType: [INVOKE] },
    targets: [
      new LambdaFunction(functionAt('Starter'), { event: RuleTargetInput.fromEventPath('$.detail') }),
    ],
  });
  app.synth();
  return outdir;
}

/** Invokes START as a state would, with a file of this content. */
async function enterState(taskToken: string, key: string, content: string): Promise<void> {
  const { s3, events } = runtime.user;
  await s3.send(new PutObjectCommand({ Bucket: SOURCES, Key: key, Body: content }));
  stepFunctions.state.begin(taskToken);
  const Detail = JSON.stringify({ bucket: SOURCES, key, taskToken, timeoutSeconds: 259_200 });
  await events.send(new PutEventsCommand({ Entries: [{ Source: 'test', DetailType: INVOKE, Detail }] }));
}

async function endOf(taskToken: string): Promise<Record<string, string>> {
  const { state } = stepFunctions;
  await runtime.until('the task is answered', () => state.endOf(taskToken) !== undefined);
  return Object(state.endOf(taskToken));
}

describe('a state that waits', () => {
  it('gets the event of the job that ran its file; another one that joins gets the same', async () => {
    const file = chatRows(3, 'steps');
    await enterState('token-1', 'good.jsonl', file);
    await enterState('token-2', 'good.jsonl', file);
    const ends = await Promise.all([endOf('token-1'), endOf('token-2')]);
    const [first, second] = ends.map(({ output = '' }) => JSON.parse(output));
    expect(first).toMatchObject({ data: { status: 'completed', rows: { total: 3, succeeded: 3 } } });
    expect(second).toEqual(first);
    const { bucket, output } = first.data.results;
    expect((await runtime.user.read(bucket, output)).trim().split('\n')).toHaveLength(3);
    const published = runtime.events.map(({ detail }) => Object(detail));
    expect(published).toContainEqual(first);
  });

  it('fails as rejected if its file is not valid', async () => {
    await enterState('token-3', 'bad.jsonl', 'no JSON\n');
    const { error, cause = '' } = await endOf('token-3');
    expect(error).toBe('Batchdrop.Rejected');
    expect(JSON.parse(cause)).toMatchObject({ status: 'rejected', findings: { count: 1 } });
  });

  it('needs the permissions of the template and no others, and its token is in no event', async () => {
    const refused = runtime.decisions.filter(({ verdict }) => verdict !== 'allowed');
    expect(refused.map(({ request }) => request.action)).toEqual([]);
    const published = JSON.stringify(runtime.events.filter(({ source }) => source !== 'test'));
    expect(published).not.toContain('token-');
    const jobs = runtime.events.filter(({ detail }) => Object(detail).data?.status === 'joined');
    expect(jobs.length).toBe(1);
    const joined = await runtime.ledger.readJob(Object(jobs[0]?.detail).metadata.jobId);
    expect([callbackIdOf('token-1'), callbackIdOf('token-2')]).toContain(
      joined?.request.instructions.callback,
    );
  });
});
