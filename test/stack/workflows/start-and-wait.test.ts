import { App, Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { DefinitionBody, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import type { StartAndWaitProps } from '../../../lib/workflows/start-and-wait.ts';
import { exampleApp, placeholderBundles } from '../synthesis.ts';
import { at, legible, list, permissionsIn, resources } from '../template-reading.ts';

const bundles = placeholderBundles();
const LONG = Duration.days(4);

/** One app for all questions, because each synthesis takes time. It has a stack for each state. */
const app = exampleApp(bundles);
const home = new Stack(app, 'Home');
const batchdrop = new Batchdrop(home, 'Batchdrop');

/** Returns a stack with a state machine of one state, and with the bucket that its files come from, which has its own key. */
function stackWithState(
  id: string,
  props: Partial<StartAndWaitProps> = {},
  of: Batchdrop = batchdrop,
): Stack {
  const stack = new Stack(app, id);
  // `as`: under exactOptionalPropertyTypes, the CDK's class does not match its own interface.
  const source = new Bucket(stack, 'Source', { encryptionKey: new Key(stack, 'Key') }) as IBucket;
  const state = of.startAndWait(stack, 'Run', { sourceBuckets: [source], timeout: LONG, ...props });
  const { queryLanguage } = props;
  new StateMachine(stack, 'Machine', {
    definitionBody: DefinitionBody.fromChainable(state),
    ...(queryLanguage && { queryLanguage }),
  });
  return stack;
}

/** The only state of the only state machine, with references as text. */
function stateIn(stack: Stack): Record<string, unknown> {
  const [machine] = resources(Template.fromStack(stack), 'AWS::StepFunctions::StateMachine');
  const pieces = list(at(machine?.Properties, 'DefinitionString', 'Fn::Join', 1));
  const text = pieces
    .map((piece) => legible(piece))
    .map((piece, nth) => (typeof pieces[nth] === 'string' ? piece : piece.replaceAll('"', "'")));
  const { States } = JSON.parse(text.join(''));
  return Object(Object.values(States)[0]);
}

const away = stackWithState('Away');
const inJsonata = stackWithState('Jsonata', {
  queryLanguage: QueryLanguage.JSONATA,
  outputs: '{% $merge([$states.input, {"job": $states.result}]) %}',
});
const ofOneFile = stackWithState('OneFile', {
  bucket: 'a-bucket',
  key: 'a.jsonl',
  resultPath: '$.job',
  stateName: 'Run the file',
  comment: 'why',
});

const once = new Batchdrop(new Stack(app, 'HomeOfOnce'), 'Batchdrop', { maxAttempts: 1 });
const slow = new Batchdrop(new Stack(app, 'HomeOfSlow'), 'Batchdrop', {
  baseUrl: 'https://api.groq.com/openai/v1', // OpenAI has no other window than a day
  completionWindow: '7d',
  maxAttempts: 2,
});
const timeouts: [what: string, stack: Stack, isWarned: boolean][] = [
  ['a day for three attempts', stackWithState('Day', { timeout: Duration.days(1) }), true],
  ['a day for one attempt', stackWithState('DayOfOnce', { timeout: Duration.days(1) }, once), false],
  ['three days', stackWithState('ThreeDays', { timeout: Duration.days(3) }), false],
  ['a week for two windows of it', stackWithState('WeekOfSlow', { timeout: Duration.days(7) }, slow), true],
];

const homeOfOwn = new Stack(app, 'HomeOfOwn');
const own = new Batchdrop(homeOfOwn, 'Batchdrop', {
  requestBucket: Bucket.fromBucketName(homeOfOwn, 'Own', 'our-files'),
});
const loops: [what: string, stack: Stack, isWarned: boolean][] = ['our-files', 'their-files'].map((name) => {
  const sourceBuckets = [Bucket.fromBucketName(homeOfOwn, `Source ${name}`, name)];
  return [name, stackWithState(`From-${name}`, { sourceBuckets }, own), name === 'our-files'];
});

const template = Template.fromStack(home);
const isWarnedOf = (text: string, stack: Stack) =>
  Annotations.fromStack(stack).findWarning(`/${stack.node.id}/Run`, Match.stringLikeRegexp(text)).length > 0;

it('without startAndWait, a Batchdrop has nothing of it, and the rest of it is the same', () => {
  const plain = synthesizedAlone();
  expect(JSON.stringify(plain)).not.toMatch(/callbacks|states:|step functions/i);
  const before: Record<string, unknown> = plain.Resources;
  const after: Record<string, unknown> = template.toJSON().Resources;
  const kept = Object.fromEntries(Object.keys(before).map((id) => [id, after[id]]));
  expect(kept).toEqual(before);
  const added = Object.keys(after).filter((id) => !(id in before));
  expect(added.filter((id) => !id.startsWith('BatchdropCallbacks'))).toEqual([]);
  expect(added.length).toBeGreaterThan(5);
});

/** The template of the same stack without a state. */
function synthesizedAlone() {
  const stack = new Stack(exampleApp(bundles), 'Home');
  new Batchdrop(stack, 'Batchdrop');
  return Template.fromStack(stack).toJSON();
}

describe('the state', () => {
  it('invokes START with a task token, for as long as the timeout says', () => {
    expect(stateIn(away)).toMatchObject({
      Type: 'Task',
      Resource: expect.stringContaining(':states:::lambda:invoke.waitForTaskToken'),
      TimeoutSeconds: LONG.toSeconds(),
      Parameters: {
        FunctionName: expect.stringContaining('BatchdropCallbacksStarterFunction'),
        Payload: {
          'bucket.$': '$.bucket',
          'key.$': '$.key',
          'taskToken.$': '$$.Task.Token',
          timeoutSeconds: LONG.toSeconds(),
        },
      },
    });
  });

  it('tries again what another try may cure, and not the end of a job', () => {
    const retried = list(stateIn(away).Retry).flatMap((one) => list(at(one, 'ErrorEquals')));
    expect(retried).toEqual(expect.arrayContaining(['Batchdrop.NotStarted', 'Batchdrop.SourceChanged']));
    expect(
      retried.filter((error) => /Rejected|Failed|Expired|Cancelled|Timeout$/.test(String(error))),
    ).toEqual([]);
  });

  it('speaks JSONata, too', () => {
    expect(stateIn(inJsonata)).toMatchObject({
      Arguments: {
        Payload: {
          bucket: '{% $states.input.bucket %}',
          key: '{% $states.input.key %}',
          taskToken: '{% $states.context.Task.Token %}',
        },
      },
      Output: '{% $merge([$states.input, {"job": $states.result}]) %}',
    });
  });

  it('takes its file from where the props say, and puts the output there', () => {
    expect(stateIn(ofOneFile)).toMatchObject({
      Comment: 'why',
      ResultPath: '$.job',
      Parameters: { Payload: { bucket: 'a-bucket', key: 'a.jsonl' } },
    });
  });

  it('may be used in several stacks, with one START and one ANSWER', () => {
    const made = resources(template, 'AWS::Lambda::Function');
    expect(made.filter(({ id }) => id.startsWith('Callbacks'))).toHaveLength(2);
  });
});

describe('least privilege', () => {
  const permissionsOf = (from: Template, role: string) =>
    permissionsIn(from)
      .filter((one) => one.role.includes(role) && !one.action.startsWith('logs:'))
      .map(({ action, resource }) => `${action} ${resource}`)
      .sort();

  it('START may write the ledger and the request bucket, and read neither', () => {
    expect(permissionsOf(template, 'CallbacksStarterRole')).toEqual([
      'dynamodb:PutItem <LedgerTable.Arn>',
      's3:AbortMultipartUpload <BucketsRequests.Arn>/*',
      's3:PutObject <BucketsRequests.Arn>/*',
    ]);
  });

  it('START may read the source buckets, by a policy in the stack of the state', () => {
    expect(permissionsOf(Template.fromStack(away), 'CallbacksStarter')).toEqual([
      'kms:Decrypt <Key.Arn>',
      's3:GetObject <Source.Arn>/*',
      's3:ListBucket <Source.Arn>',
    ]);
  });

  it('ANSWER may read jobs, keep callbacks, and answer tasks of this account and region', () => {
    expect(permissionsOf(template, 'CallbacksWorkerRole')).toEqual([
      'dynamodb:GetItem <LedgerTable.Arn>',
      'dynamodb:PutItem <LedgerTable.Arn>',
      'dynamodb:Query <LedgerTable.Arn>',
      'sqs:DeleteMessage <CallbacksWorkQueue.Arn>',
      'sqs:GetQueueAttributes <CallbacksWorkQueue.Arn>',
      'sqs:ReceiveMessage <CallbacksWorkQueue.Arn>',
      'states:SendTaskFailure arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:*',
      'states:SendTaskSuccess arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:*',
    ]);
  });

  it('the state machine may invoke START and nothing else', () => {
    const machine = permissionsIn(Template.fromStack(away)).filter(({ role }) => role.includes('Machine'));
    expect(new Set(machine.map(({ action }) => action))).toEqual(new Set(['lambda:InvokeFunction']));
  });
});

it('the last statuses of all jobs go to ANSWER, and to its dead letters if they cannot', () => {
  const rules = resources(template, 'AWS::Events::Rule').filter(({ id }) => id.startsWith('Callbacks'));
  expect(rules.map(({ Properties }) => at(Properties, 'EventPattern', 'detail', 'data', 'status'))).toEqual([
    ['rejected', 'joined', 'completed', 'failed', 'expired', 'cancelled'],
  ]);
  const [target] = list(at(rules[0]?.Properties, 'Targets'));
  expect(legible(at(target, 'Arn'))).toBe('<CallbacksWorkQueue.Arn>');
  expect(legible(at(target, 'DeadLetterConfig', 'Arn'))).toBe('<CallbacksWorkDeadLetters.Arn>');
});

describe('mistakes fail at synth, with the path of the state', () => {
  const LIST = [Bucket.fromBucketName(new Stack(new App(), 'Any'), 'Source', 'any')];
  it.each([
    ['no timeout, in JavaScript', Object({ timeout: undefined }), 'timeout is missing'],
    ['no time', { timeout: Duration.seconds(0) }, 'timeout is 0 seconds; set whole seconds'],
    ['half a second', { timeout: Duration.millis(500) }, 'timeout is 500 millis; set whole seconds'],
    ['more than a year', { timeout: Duration.days(366) }, 'timeout is 366 days; set whole seconds'],
    ['no source', { sourceBuckets: [] }, 'sourceBuckets is empty'],
    ['outputs with JSONPath', { outputs: '{% 1 %}' }, 'set resultPath instead'],
    [
      'a resultPath with JSONata',
      { resultPath: '$.a', queryLanguage: QueryLanguage.JSONATA },
      'set outputs instead',
    ],
  ])('%s', (_, wrong, message) => {
    const make = () =>
      batchdrop.startAndWait(home, 'Wrong', { timeout: LONG, sourceBuckets: LIST, ...wrong });
    expect(make).toThrow(message);
    expect(make).toThrow('Home/Wrong: ');
  });
});

it.each(timeouts)('a timeout is worth a warning if the batches may take longer: %s', (_, stack, isWarned) => {
  expect(isWarnedOf('timeout is', stack)).toBe(isWarned);
});

it.each(loops)(
  'a state machine that may start itself is worth a warning: files of %s',
  (_, stack, isWarned) => {
    expect(isWarnedOf('names the request bucket', stack)).toBe(isWarned);
  },
);
