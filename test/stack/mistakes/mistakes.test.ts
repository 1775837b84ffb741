/** Runs the code of every row of docs/mistakes.md as JavaScript, and compares the whole message. */
import { readFileSync } from 'node:fs';
import { compileFunction, runInNewContext } from 'node:vm';
import { App, CfnParameter, Duration, RemovalPolicy, SecretValue, Stack } from 'aws-cdk-lib';
import { SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key, KeySpec } from 'aws-cdk-lib/aws-kms';
import { LogGroup, LogGroupClass } from 'aws-cdk-lib/aws-logs';
import { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { Batchdrop } from '../../../lib/batchdrop.ts';
import type { BatchdropProps } from '../../../lib/batchdrop-props.ts';
import { BatchdropStack } from '../../../lib/batchdrop-stack.ts';
import { readContext } from '../../../lib/context.ts';
import { baseUrlProblems, completionWindowProblems } from '../../../lib/guards/vendors.ts';
import { BUNDLES_CONTEXT } from '../../../lib/stages/function-bundles.ts';
import type { Profile } from '../../../local/openai/profiles/profile.ts';
import { PROFILES } from '../../../local/openai/profiles/profiles.ts';
import { placeholderBundles } from '../synthesis.ts';

/** What the code on the page may use. */
const KNOWN = {
  Batchdrop,
  Bucket,
  CfnBucket,
  CfnParameter,
  Duration,
  Key,
  KeySpec,
  LogGroup,
  LogGroupClass,
  Queue,
  RemovalPolicy,
  Secret,
  SecretValue,
  SecurityGroup,
  SqsDestination,
  SubnetType,
  Topic,
  Vpc,
};

interface Row {
  readonly code: string;
  readonly message: string;
}

const PAGE = readFileSync('docs/mistakes.md', 'utf8');
const BUNDLES = placeholderBundles();
const ENV = { account: '111111111111', region: 'us-east-1' };

/** Returns the rows of a chapter of the page. */
function rowsOf(chapter: string): Row[] {
  const [, text = ''] = PAGE.split(new RegExp(`^## ${chapter}$`, 'm'));
  const [own = ''] = text.split(/^## /m);
  return [...own.matchAll(/^\| `(.+)` \| `(.+)` \|$/gm)].map(([, code = '', message = '']) => ({
    code,
    message,
  }));
}

const appWith = (context: Record<string, unknown> = {}) =>
  new App({ context: { [BUNDLES_CONTEXT]: BUNDLES, ...context } });

/** Runs code in a stack, with `more` names. Returns the value of the code. */
function run(code: string, stack: Stack, more: Record<string, unknown> = {}): unknown {
  const names = { ...KNOWN, ...more };
  return Reflect.apply(compileFunction(code, Object.keys(names)), stack, Object.values(names));
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (failure) {
    if (failure instanceof Error) return failure.message;
  }
  return 'nothing failed';
}

const IN_PROPS = rowsOf('A prop is wrong');
const TOGETHER = rowsOf('Constructs that do not fit together');
const IN_METHODS = rowsOf('A method gets something wrong');
const IN_STACKS = rowsOf('The ready-made stack and its context');
const WARNINGS = rowsOf('Warnings');

it('the page has at least forty mistakes, and every row of it is run', () => {
  const run = [IN_PROPS, TOGETHER, IN_METHODS, IN_STACKS, WARNINGS];
  for (const rows of run) expect(rows.length).toBeGreaterThan(1);
  const heads = PAGE.match(/^\| (code|---) /gm) ?? [];
  expect(run.flat()).toHaveLength((PAGE.match(/^\|/gm) ?? []).length - heads.length);
  expect(run.flat().length).toBeGreaterThan(40);
});

describe('a wrong prop fails the constructor', () => {
  it.each(IN_PROPS)('$code', ({ code, message }) => {
    const stack = new Stack(appWith(), 'Example', { env: ENV });
    const construct = () =>
      Reflect.construct(Batchdrop, [stack, 'Batchdrop', run(`return {${code}}`, stack)]);
    expect(messageOf(construct)).toBe(`Example/Batchdrop: ${message}`);
  });
});

describe('constructs that do not fit together fail the validation', () => {
  it.each(TOGETHER)('$code', ({ code, message }) => {
    const stack = new Stack(appWith(), 'Example', { env: ENV });
    run(code, stack);
    expect(stack.node.findAll().flatMap(problemsOf)).toEqual([`[Example/Batchdrop] ${message}`]);
  });

  const problemsOf = (construct: Construct) =>
    construct.node.validate().map((problem) => `[${construct.node.path}] ${problem}`);
});

describe('what a method cannot use fails the call', () => {
  const stack = new Stack(appWith(), 'Example', { env: ENV });
  const batchdrop = new Batchdrop(stack, 'Batchdrop');
  const queue = new Queue(stack, 'Queue');
  const names = { batchdrop, queue, stack, target: new SqsQueue(queue) };

  it.each(IN_METHODS)('$code', ({ code, message }) => {
    expect(messageOf(() => run(code, stack, names))).toBe(message);
  });
});

describe('the ready-made stack fails for', () => {
  it.each(IN_STACKS)('$code', ({ code, message }) => {
    const [, name, value] = /^-c (\w+)=(.*)$/.exec(code) ?? [];
    const act = name
      ? () => readContext(appWith({ [name]: value }).node)
      : () =>
          Reflect.construct(BatchdropStack, [
            appWith(),
            'Example',
            run(`return {${code}}`, new Stack(appWith(), 'Other')),
          ]);
    expect(messageOf(act)).toBe(message);
  });
});

describe('what synth cannot know is a warning', () => {
  it.each(WARNINGS)('$code', ({ code, message }) => {
    const stack = new Stack(appWith(), 'Example', { env: ENV });
    run(code, stack);
    for (const { node } of stack.node.findAll()) expect(node.validate()).toEqual([]);
    const warnings = stack.node
      .findChild('Batchdrop')
      .node.metadata.filter(({ type }) => type === 'aws:cdk:warning');
    expect(warnings.map(({ data }) => data)).toEqual([message]);
  });
});

describe('no mistake', () => {
  it('is an object from another realm, as in jest', () => {
    const props: object = runInNewContext(
      "({ budget: { perDay: 5, by: 'team', each: { a: 1 } }, shares: { by: 'team' }, enqueuedTokens: { m: 90000 }, webhook: {} })",
    );
    const stack = new Stack(appWith(), 'Example');
    expect(() => Reflect.construct(Batchdrop, [stack, 'Batchdrop', props])).not.toThrow();
  });

  it('is a prop that a subclass adds for itself', () => {
    class Nightly extends Batchdrop {
      constructor(scope: Construct, id: string, props: BatchdropProps & { readonly hour: number }) {
        super(scope, id, props);
      }
    }
    expect(() => new Nightly(new Stack(appWith(), 'Example'), 'Batchdrop', { hour: 3 })).not.toThrow();
  });

  it('is a prop of stacks that a later CDK may add; it is a warning', () => {
    const props = { env: ENV, description: 'mine', stackColour: 'red' };
    const stack = new BatchdropStack(appWith(), 'Example', props);
    const warnings = stack.node.metadata.filter(({ type }) => type === 'aws:cdk:warning');
    expect(warnings.map(({ data }) => data)).toEqual([
      'stackColour is not a prop of Batchdrop and has no effect on it; docs/quotas-and-tuning.md lists every prop. [ack: batchdrop:unknownProp]',
    ]);
  });
});

it('all problems are reported together, of every prop that can be judged', () => {
  const stack = new Stack(appWith(), 'Example');
  const props = {
    colour: 'red',
    requestBucket: 'my-files',
    requestPrefix: '/in',
    maxAttempts: 0,
    pollInterval: 5,
    webhook: {},
    observeInterval: Duration.hours(2),
    budget: { perday: 5 },
  };
  const message = messageOf(() => Reflect.construct(Batchdrop, [stack, 'Batchdrop', props]));
  expect(message.split('\n').map((line) => line.replace(/^(Example\/Batchdrop: \S+) .*$/, '$1'))).toEqual([
    'Example/Batchdrop: colour',
    'Example/Batchdrop: requestBucket',
    'Example/Batchdrop: pollInterval',
    'Example/Batchdrop: budget',
    'Example/Batchdrop: requestPrefix',
    'Example/Batchdrop: maxAttempts',
    'Example/Batchdrop: observeInterval',
  ]);
});

describe('the base paths and windows of the vendors agree with the profiles of the local server:', () => {
  it.each<[profile: keyof typeof PROFILES, host: string]>([
    ['openai', 'https://api.openai.com'],
    ['groq', 'https://api.groq.com'],
    ['azure', 'https://mine.openai.azure.com'],
    ['deepinfra', 'https://api.deepinfra.com'],
  ])('%s', (name, host) => {
    const { basePath, windows }: Profile = PROFILES[name];
    expect([...baseUrlProblems(host + basePath)]).toEqual([]);
    expect([...baseUrlProblems(host)]).toHaveLength(1);
    for (const window of windows) expect([...completionWindowProblems(window, host + basePath)]).toEqual([]);
    for (const window of ['23h', '8d'])
      expect([...completionWindowProblems(window, host + basePath)]).toHaveLength(1);
  });

  it('every profile is compared', () => {
    expect(Object.keys(PROFILES)).toEqual(['openai', 'groq', 'azure', 'deepinfra']);
  });
});
