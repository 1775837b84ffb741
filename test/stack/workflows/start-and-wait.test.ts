import { App, Duration, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { DefinitionBody, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../../lib/batchdrop-props.ts';
import type { StartAndWaitProps } from '../../../lib/workflows/start-and-wait.ts';
import { exampleApp, placeholderBundles, synthesize } from '../synthesis.ts';
import { at, legible, list, permissionsIn, resources } from '../template-reading.ts';

const bundles = placeholderBundles();
const LONG = Duration.days(4);

/** A stack with a Batchdrop and a state machine in another stack, which has a source bucket with a key of its own. */
function twoStacks(
  props: () => Partial<StartAndWaitProps> = () => ({}),
  batchdropProps: BatchdropProps = {},
) {
  const app = exampleApp(bundles);
  const home = new Stack(app, 'Home');
  const batchdrop = new Batchdrop(home, 'Batchdrop', batchdropProps);
  const away = new Stack(app, 'Away');
  // `as`: under exactOptionalPropertyTypes, the CDK's class does not match its own interface.
  const source = new Bucket(away, 'Source', { encryptionKey: new Key(away, 'Key') }) as IBucket;
  const state = batchdrop.startAndWait(away, 'Run', { sourceBuckets: [source], timeout: LONG, ...props() });
  const queryLanguage = props().queryLanguage;
  new StateMachine(away, 'Machine', {
    definitionBody: DefinitionBody.fromChainable(state),
    ...(queryLanguage && { queryLanguage }),
  });
  return { home, away };
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

const { home, away } = twoStacks();
const template = Template.fromStack(home);

describe('without startAndWait', () => {
  it('a Batchdrop has nothing of it', () => {
    const text = JSON.stringify(synthesize().toJSON());
    expect(text).not.toMatch(/callbacks|states:|step functions/i);
  });

  it('and with it, the other resources of a Batchdrop are the same', () => {
    const plain = new Stack(exampleApp(bundles), 'Home');
    new Batchdrop(plain, 'Batchdrop');
    const before: Record<string, unknown> = Template.fromStack(plain).toJSON().Resources;
    const after: Record<string, unknown> = template.toJSON().Resources;
    const kept = Object.fromEntries(Object.keys(before).map((id) => [id, after[id]]));
    expect(kept).toEqual(before);
    const added = Object.keys(after).filter((id) => !(id in before));
    expect(added.filter((id) => !id.startsWith('BatchdropCallbacks'))).toEqual([]);
    expect(added.length).toBeGreaterThan(5);
  });
});

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
    const { away: stack } = twoStacks(() => ({
      queryLanguage: QueryLanguage.JSONATA,
      outputs: '{% $merge([$states.input, {"job": $states.result}]) %}',
    }));
    expect(stateIn(stack)).toMatchObject({
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
    const { away: stack } = twoStacks(() => ({
      bucket: 'a-bucket',
      key: 'a.jsonl',
      resultPath: '$.job',
      stateName: 'Run the file',
      comment: 'why',
    }));
    expect(stateIn(stack)).toMatchObject({
      Comment: 'why',
      ResultPath: '$.job',
      Parameters: { Payload: { bucket: 'a-bucket', key: 'a.jsonl' } },
    });
  });

  it('may be used several times, also in several stacks, with one START and one ANSWER', () => {
    const app = exampleApp(bundles);
    const batchdrop = new Batchdrop(new Stack(app, 'Home'), 'Batchdrop');
    for (const name of ['One', 'Two']) {
      const stack = new Stack(app, name);
      const sourceBuckets = [Bucket.fromBucketName(stack, 'Source', `source-${name.toLowerCase()}`)];
      batchdrop.startAndWait(stack, 'Run', { sourceBuckets, timeout: LONG });
      batchdrop.startAndWait(stack, 'RunAgain', { sourceBuckets, timeout: LONG });
    }
    const made = resources(Template.fromStack(Stack.of(batchdrop)), 'AWS::Lambda::Function');
    expect(made.filter(({ id }) => id.startsWith('Callbacks'))).toHaveLength(2);
    app.synth();
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
    const stack = new Stack(exampleApp(bundles), 'Example');
    const batchdrop = new Batchdrop(stack, 'Batchdrop');
    const make = () => batchdrop.startAndWait(stack, 'Run', { timeout: LONG, sourceBuckets: LIST, ...wrong });
    expect(make).toThrow(message);
    expect(make).toThrow('Example/Run: ');
  });
});

describe('a timeout that is shorter than the batches may take', () => {
  it.each([
    ['a day for three attempts', Duration.days(1), {}, true],
    ['a day for one attempt', Duration.days(1), { maxAttempts: 1 }, false],
    ['three days', Duration.days(3), {}, false],
    ['a week for a window of seven days', Duration.days(7), { completionWindow: '7d', maxAttempts: 2 }, true],
  ] as const)('is worth a warning: %s', (_, timeout, props, isWarned) => {
    const { away: stack } = twoStacks(() => ({ timeout }), props);
    const warnings = Annotations.fromStack(stack).findWarning(
      '/Away/Run',
      Match.stringLikeRegexp('timeout is'),
    );
    expect(warnings.length > 0).toBe(isWarned);
  });
});

describe('a state machine that may start itself', () => {
  it.each([
    ['the request bucket', true],
    ['another bucket', false],
  ])('is worth a warning if its files come from %s', (_, isWarned) => {
    const stack = new Stack(exampleApp(bundles), 'Example');
    const requestBucket = Bucket.fromBucketName(stack, 'Own', 'our-files');
    const batchdrop = new Batchdrop(stack, 'Batchdrop', { requestBucket });
    const sourceBuckets = [Bucket.fromBucketName(stack, 'Source', isWarned ? 'our-files' : 'their-files')];
    batchdrop.startAndWait(stack, 'Run', { sourceBuckets, timeout: LONG });
    const warnings = Annotations.fromStack(stack).findWarning(
      '/Example/Run',
      Match.stringLikeRegexp('names the request bucket'),
    );
    expect(warnings.length > 0).toBe(isWarned);
  });
});
