import type { BatchdropProps } from '../batchdrop-props.ts';
import type { BudgetProps } from '../budget-props.ts';
import { NAME_OF_PROP } from '../context-names.ts';
import type { SharesProps } from '../shares-props.ts';
import type { WebhookProps } from '../webhook-props.ts';
import { nearestName } from './nearest-name.ts';
import {
  durationSuchAs,
  having,
  JUDGED,
  listOf,
  named,
  objectWith,
  type Shape,
  shapeProblems,
  textLike,
  YES_OR_NO,
} from './shape.ts';
import { nameShown } from './shown.ts';

export const BUCKET = having(
  ['bucketArn', 'arnForObjects'],
  "a bucket construct, such as Bucket.fromBucketName(this, 'Files', 'my-files'), or Bucket.fromCfnBucket() of a CfnBucket",
);

const ACTION = having(
  ['bind'],
  'an action of aws-cdk-lib/aws-cloudwatch-actions, such as new SnsAction(topic)',
);

function secretCalled(name: string): Shape {
  const instead = `the secret as a construct, such as Secret.fromSecretNameV2(this, 'Key', '${name}')`;
  return { ...having(['secretArn', 'secretName'], instead), isSecret: true };
}

const BUDGET = objectWith(
  {
    perDay: JUDGED,
    perMonth: JUDGED,
    by: textLike('the name of a metadata pair, such as team'),
    each: named("amounts by group, such as { search: 50 }, and budget.by: 'team'"),
    eachPerMonth: named("amounts by group, such as { search: 900 }, and budget.by: 'team'"),
    others: JUDGED,
    othersPerMonth: JUDGED,
    stopAtBudget: YES_OR_NO,
  } satisfies Record<keyof BudgetProps, Shape>,
  'an object such as { perDay: 100 }',
);

const SHARES = objectWith(
  {
    by: textLike('the name of a metadata pair, such as team'),
    weights: named("weights by share, such as { search: 3, '*': 1 }"),
  } satisfies Record<keyof SharesProps, Shape>,
  "an object such as { by: 'team' }",
);

const WEBHOOK = objectWith(
  { secret: secretCalled('batchdrop/webhook'), reservedConcurrency: JUDGED } satisfies Record<
    keyof WebhookProps,
    Shape
  >,
  '{}, or an object with secret and reservedConcurrency',
);

/** Every prop. Without an entry here, a new one is refused as unknown. */
const PROPS: Readonly<Record<keyof BatchdropProps, Shape>> = {
  requestBucket: BUCKET,
  requestPrefix: textLike('the beginning of the keys, such as batches/'),
  resultsBucket: BUCKET,
  resultsPrefix: textLike('a folder such as batchdrop/'),
  apiKeySecret: secretCalled('batchdrop/openai'),
  eventBus: having(
    ['eventBusArn', 'grantPutEventsTo'],
    "a bus construct, such as EventBus.fromEventBusName(this, 'Bus', 'company-bus')",
  ),
  baseUrl: textLike('a URL such as https://api.openai.com/v1'),
  completionWindow: textLike('hours or days, such as 24h or 7d'),
  pollInterval: durationSuchAs('Duration.minutes(1)'),
  webhook: WEBHOOK,
  observeInterval: durationSuchAs('Duration.minutes(15)'),
  maxConcurrency: JUDGED,
  removalPolicy: JUDGED,
  keepOpenAiFiles: YES_OR_NO,
  maxAttempts: JUDGED,
  rerunMissing: YES_OR_NO,
  flatResults: YES_OR_NO,
  enqueuedTokens: named("limits by model, such as { 'gpt-4o-mini': 2_000_000 }"),
  maxOpenBatches: JUDGED,
  shares: SHARES,
  budget: BUDGET,
  approveAbove: JUDGED,
  approvalExpiresAfter: durationSuchAs('Duration.days(7)'),
  prices: named("an object such as { models: { 'my-model': { input: 0.15, output: 0.6 } } }"),
  expireFilesAfter: durationSuchAs('Duration.days(30)'),
  encryptionKey: having(
    ['keyArn', 'keyId', 'grant'],
    "a key construct, such as Key.fromKeyArn(this, 'Key', 'arn:aws:kms:...')",
  ),
  vpc: having(
    ['vpcId', 'selectSubnets'],
    "a VPC construct, such as Vpc.fromLookup(this, 'Vpc', { vpcId: 'vpc-...' })",
  ),
  vpcSubnets: named('a selection such as { subnetType: SubnetType.PRIVATE_WITH_EGRESS }'),
  securityGroups: listOf(
    having(
      ['securityGroupId', 'connections'],
      "a list of security groups, such as [SecurityGroup.fromSecurityGroupId(this, 'Group', 'sg-...')]",
    ),
  ),
  logGroup: having(
    ['logGroupArn', 'grantWrite'],
    "a log group construct, such as LogGroup.fromLogGroupName(this, 'Logs', 'my-logs')",
  ),
  tracing: having(
    ['_environment', '_layers'],
    'BatchdropTracing.xRay(), or BatchdropTracing.openTelemetry() with a layer',
  ),
  monitoring: JUDGED,
  alarmEmail: textLike('one mail address, such as team@example.com'),
  alarmAction: ACTION,
  pageAction: ACTION,
  ticketAction: ACTION,
};

/** Names that are not close to the prop that they may stand for. */
const MEANT: Readonly<Record<string, keyof BatchdropProps>> = {
  apiKey: 'apiKeySecret',
  openAiApiKey: 'apiKeySecret',
  bucket: 'requestBucket',
  prefix: 'requestPrefix',
  bus: 'eventBus',
  network: 'vpc',
  subnets: 'vpcSubnets',
  webhookSecretName: 'webhook',
};

/** The props as they were given, to know which ones are set. */
export type Given = Readonly<Partial<Record<keyof BatchdropProps, unknown>>>;

/** Finds problems of kind. `judged` are the other props, which can be judged further. */
export function shapesOf(given: Given): { problems: string[]; judged: BatchdropProps } {
  const all = Object.entries(given).flatMap(([name, value]) =>
    isProp(name) ? [{ name, value, found: [...shapeProblems(name, value, PROPS[name])] }] : [],
  );
  const fit = all.filter(({ found }) => found.length === 0).map(({ name, value }) => [name, value]);
  return { problems: all.flatMap(({ found }) => found), judged: Object.fromEntries(fit) };
}

/** Yields the names of props that nothing reads, with the prop that may be meant. */
export function* unknownPropProblems(props: object): Generator<string> {
  for (const [name, value] of Object.entries(props)) {
    if (isProp(name) || value === undefined) continue;
    const meant = propMeantBy(name);
    if (meant === 'apiKeySecret')
      yield `${nameShown(name)} is not a prop; set apiKeySecret to ${PROPS.apiKeySecret.instead}. If the value is a key, revoke it, because others may have seen the code.`;
    else if (meant !== undefined) yield `${nameShown(name)} is not a prop; did you mean ${meant}?`;
    else yield `${nameShown(name)} is not a prop; docs/quotas-and-tuning.md lists every prop.`;
  }
}

/** Returns the prop that a user may have meant by an unknown name. */
export function propMeantBy(name: string): string | undefined {
  if (Object.hasOwn(MEANT, name)) return MEANT[name];
  const [inContext] = Object.entries(NAME_OF_PROP).find(([, one]) => one === name) ?? [];
  return inContext ?? nearestName(name, Object.keys(PROPS));
}

function isProp(name: string): name is keyof BatchdropProps {
  return Object.hasOwn(PROPS, name);
}
