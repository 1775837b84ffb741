import { CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { parseBatchLimits } from '../../functions/shared/adapters/lambda/batch-limits.ts';
import { parseHoldPolicy } from '../../functions/shared/adapters/lambda/hold-policy.ts';
import { parsePriceSettings } from '../../functions/shared/contract/price-settings.ts';
import { Batchdrop } from '../../lib/batchdrop.ts';
import { BatchdropStack } from '../../lib/batchdrop-stack.ts';
import { readContext } from '../../lib/context.ts';
import { exampleApp, synthesize, temporaryDirectory } from './synthesis.ts';
import { at, legible, list, resources } from './template-reading.ts';

const variable = (template: Template, stage: string, name: string): unknown => {
  const found = resources(template, 'AWS::Lambda::Function').find(
    ({ id }) => id === `${stage}WorkerFunction`,
  );
  return at(found?.Properties, 'Environment', 'Variables', name);
};

describe('props', () => {
  it('default to OpenAI, 24 hours, three attempts and deleted files', () => {
    const template = synthesize();
    expect(variable(template, 'Submission', 'OPENAI_BASE_URL')).toBe('https://api.openai.com/v1');
    expect(variable(template, 'Submission', 'COMPLETION_WINDOW')).toBe('24h');
    expect(variable(template, 'Delivery', 'KEEP_OPENAI_FILES')).toBe('no');
    expect(variable(template, 'Delivery', 'MAX_ATTEMPTS')).toBe('3');
    expect(variable(template, 'Delivery', 'RERUN_MISSING')).toBe('no');
    expect(variable(template, 'Delivery', 'FLAT_RESULTS')).toBeUndefined();
  });

  it('reach the functions', () => {
    const template = synthesize((stack) => ({
      apiKeySecret: Secret.fromSecretNameV2(stack, 'Key', 'team/key'),
      baseUrl: 'https://api.groq.com/openai/v1',
      completionWindow: '7d',
      keepOpenAiFiles: true,
      maxAttempts: 5,
      rerunMissing: true,
      flatResults: true,
    }));
    for (const stage of ['Submission', 'Polling', 'Delivery', 'Cancellation']) {
      expect(variable(template, stage, 'OPENAI_BASE_URL')).toBe('https://api.groq.com/openai/v1');
      expect(variable(template, stage, 'OPENAI_SECRET_ID')).toBe('team/key');
    }
    expect(variable(template, 'Submission', 'COMPLETION_WINDOW')).toBe('7d');
    expect(variable(template, 'Delivery', 'KEEP_OPENAI_FILES')).toBe('yes');
    expect(variable(template, 'Delivery', 'MAX_ATTEMPTS')).toBe('5');
    expect(variable(template, 'Delivery', 'RERUN_MISSING')).toBe('yes');
    expect(variable(template, 'Delivery', 'FLAT_RESULTS')).toBe('yes');
  });

  it('hold only the files that ask for it by default, for seven days', () => {
    const found = ['APPROVE_ABOVE', 'APPROVAL_EXPIRES_AFTER'].map((name) =>
      variable(synthesize(), 'Intake', name),
    );
    expect(found).toEqual([undefined, undefined]);
    expect(parseHoldPolicy(undefined, undefined)).toEqual({ expiresAfterMs: 7 * 86_400_000 });
  });

  it.each([
    [20, 20_000_000_000_000n],
    [0.5, 500_000_000_000n],
    [0, 0n],
  ])('hold what may cost more than %d, in the form that INTAKE reads', (approveAbove, amount) => {
    const template = synthesize({ approveAbove, approvalExpiresAfter: Duration.days(2) });
    const [above, after] = ['APPROVE_ABOVE', 'APPROVAL_EXPIRES_AFTER'].map((name) =>
      String(variable(template, 'Intake', name)),
    );
    expect(parseHoldPolicy(above, after)).toEqual({ approveAbove: amount, expiresAfterMs: 2 * 86_400_000 });
  });

  it.each([
    [{}, { MaximumConcurrency: 5 }],
    [{ maxConcurrency: 20 }, { MaximumConcurrency: 20 }],
    [{ maxConcurrency: 0 }, undefined],
    [{ monitoring: 'none' as const }, undefined],
    [{ monitoring: 'none' as const, maxConcurrency: 5 }, { MaximumConcurrency: 5 }],
  ])(
    'let INTAKE, SUBMIT and DELIVER handle as many files and batches at a time as %o says',
    (props, scaling) => {
      const mappings = Object.entries(synthesize(props).findResources('AWS::Lambda::EventSourceMapping'));
      const scalingOf = (stage: string) =>
        mappings.find(([id]) => id.includes(stage))?.[1].Properties.ScalingConfig;
      for (const stage of ['Intake', 'Submission', 'Delivery']) expect(scalingOf(stage)).toEqual(scaling);
      for (const stage of ['Cancellation', 'Approval']) expect(scalingOf(stage)).toBeUndefined();
      expect(mappings).toHaveLength(5);
    },
  );

  it('set no batch limits by default', () => {
    for (const stage of ['Intake', 'Submission', 'Polling'])
      expect(variable(synthesize(), stage, 'BATCH_LIMITS')).toBe('{"enqueuedTokens":{}}');
  });

  it('give the same batch limits to every function that needs them, in the format that it reads', () => {
    const limits = {
      enqueuedTokens: { 'gpt-4o-mini': 2_000_000, 'ft:gpt-4o:us': 90_000 },
      maxOpenBatches: 20,
      shares: { by: 'team', weights: { search: 3, '*': 0.5 } },
    };
    const template = synthesize(limits);
    for (const stage of ['Intake', 'Submission', 'Polling'])
      expect(parseBatchLimits(String(variable(template, stage, 'BATCH_LIMITS')))).toEqual(limits);
    for (const stage of ['Delivery', 'Cancellation'])
      expect(variable(template, stage, 'BATCH_LIMITS')).toBeUndefined();
  });

  it('give the budget in the form that the functions read', () => {
    const budget = { perDay: 100, perMonth: 0.1, by: 'team', each: { search: 50 }, others: 20 };
    const template = synthesize({ budget });
    for (const stage of ['Intake', 'Submission', 'Polling'])
      expect(parseBatchLimits(String(variable(template, stage, 'BATCH_LIMITS'))).budget).toEqual({
        all: { day: 100n * 10n ** 12n, month: 10n ** 11n },
        by: 'team',
        each: { search: { day: 50n * 10n ** 12n } },
        others: { day: 20n * 10n ** 12n },
      });
  });

  it('give prices to the functions that know what jobs cost and will cost, in the form that it reads', () => {
    const prices = { models: { 'my-model*': { input: 0.3, output: 1.2 } }, batchDiscount: 0.4 };
    const given = variable(synthesize({ prices }), 'Delivery', 'PRICES');
    expect(parsePriceSettings(String(given))).toEqual({ settings: prices });
    expect(variable(synthesize({ prices }), 'Intake', 'PRICES')).toBe(given);
    expect(variable(synthesize(), 'Delivery', 'PRICES')).toBeUndefined();
  });

  it.each([
    [{ budget: {} }, 'budget sets no amount; set perDay, perMonth, each or others.'],
    [
      { budget: JSON.parse('{ "perDay": 5, "perday": 5 }') }, // as from cdk.json
      'budget has the unknown field perday; did you mean perDay?',
    ],
    [
      { budget: JSON.parse('{ "perDay": 5, "stopAtBudget": "yes" }') },
      'budget.stopAtBudget is "yes"; set true or false.',
    ],
    [{ budget: { perDay: 0 } }, 'budget.perDay is 0; set an amount above 0'],
    [{ budget: { perMonth: -5 } }, 'budget.perMonth is -5;'],
    [{ budget: { others: 0.0000001 } }, 'budget.others is 1e-7;'],
    [{ budget: { perDay: Number.NaN } }, 'budget.perDay is NaN;'],
    [{ budget: { by: 'team', each: { search: 0 } } }, 'budget.each.search is 0;'],
    [{ budget: { by: 'team', each: { '': 1 } } }, 'budget.each names the group "";'],
    [{ budget: { each: { search: 1 } } }, 'budget.each names search without budget.by; set budget.by'],
    [{ budget: { perDay: 1, by: 'Team' } }, 'budget.by is "Team"; set the name of a metadata pair'],
    [{ prices: { models: { m: { input: -1 } } } }, 'prices.models["m"].input is -1; set a number'],
    [
      {
        prices: {
          models: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`model-${n}`, { input: 1 }])),
        },
        enqueuedTokens: Object.fromEntries(
          Array.from({ length: 50 }, (_, n) => [`limited-model-of-a-long-name-${n}`, 90_000]),
        ),
      },
      'prices, enqueuedTokens, shares and budget together take',
    ],
    [{ maxOpenBatches: 0 }, 'maxOpenBatches is 0; set a whole number from 1 to 1500.'],
    [{ maxOpenBatches: 1_501 }, 'maxOpenBatches is 1501;'],
    [{ enqueuedTokens: { m: 0 } }, 'enqueuedTokens of m is 0; set a whole number above 0.'],
    [{ enqueuedTokens: { m: 1.5 } }, 'enqueuedTokens of m is 1.5;'],
    [{ enqueuedTokens: { '': 5 } }, 'enqueuedTokens names the model "";'],
    [
      { enqueuedTokens: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`m${n}`, 1])) },
      'enqueuedTokens names 51 models',
    ],
    [{ shares: { by: 'Team' } }, 'shares.by is "Team"; set the name of a metadata pair in lower case'],
    [{ shares: { by: '' } }, 'shares.by is "";'],
    [{ shares: { by: 'a team' } }, 'shares.by is "a team";'],
    [
      { shares: { by: 'team', weights: { search: 0 } } },
      'shares.weights of search is 0; set a number from 0.01 to 100.',
    ],
    [{ shares: { by: 'team', weights: { search: Number.NaN } } }, 'shares.weights of search is NaN;'],
    [{ shares: { by: 'team', weights: { search: 101 } } }, 'shares.weights of search is 101;'],
    [{ shares: { by: 'team', weights: { '': 1 } } }, 'shares.weights names the share "";'],
    [{ shares: { weights: { search: 2 } } }, 'shares.weights names search without shares.by; set shares.by'],
    [
      {
        shares: {
          by: 'team',
          weights: Object.fromEntries(Array.from({ length: 31 }, (_, n) => [`t${n}`, 1])),
        },
      },
      'shares.weights names 31 shares; name at most 30.',
    ],
    [{ approveAbove: -1 }, 'approveAbove is -1; set an amount of money, 0 or more, such as 20 or 0.5.'],
    [{ approveAbove: Number.NaN }, 'approveAbove is NaN;'],
    [{ approveAbove: Number.POSITIVE_INFINITY }, 'approveAbove is Infinity;'],
    [{ approveAbove: 1e-7 }, 'approveAbove is 1e-7;'],
    [{ approveAbove: 1e21 }, 'approveAbove is 1e+21;'],
    [
      { approvalExpiresAfter: Duration.seconds(90) },
      'approvalExpiresAfter is 1 minute 30 seconds; set whole minutes, from one minute to 365 days.',
    ],
    [{ approvalExpiresAfter: Duration.days(366) }, 'approvalExpiresAfter is 366 days;'],
    [{ maxAttempts: 0 }, 'maxAttempts is 0; set a whole number from 1 to 10.'],
    [{ maxAttempts: 11 }, 'maxAttempts is 11;'],
    [{ maxAttempts: 1.5 }, 'maxAttempts is 1.5;'],
    [{ completionWindow: '24' }, 'completionWindow is "24"; set hours or days, such as 24h or 7d.'],
    [{ completionWindow: '0h' }, 'completionWindow is "0h";'],
    [{ completionWindow: '1w' }, 'completionWindow is "1w";'],
    [{ completionWindow: '' }, 'completionWindow is "";'],
    [{ pollInterval: Duration.minutes(61) }, 'pollInterval is 1 hour 1 minute; set whole minutes'],
    [{ pollInterval: Duration.seconds(90) }, 'pollInterval is 1 minute 30 seconds;'],
    [{ pollInterval: Duration.minutes(0) }, 'pollInterval is 0 minutes;'],
    [{ expireFilesAfter: Duration.days(6) }, 'expireFilesAfter is 6 days; a job of 3 attempts'],
    [
      { expireFilesAfter: Duration.days(7), maxAttempts: 4 },
      'expireFilesAfter is 7 days; a job of 4 attempts',
    ],
    [{ expireFilesAfter: Duration.hours(180) }, 'expireFilesAfter is 7 days 12 hours;'],
    [{ vpcSubnets: { availabilityZones: ['a'] } }, 'vpcSubnets is set without vpc; set both or neither.'],
    [{ securityGroups: [] }, 'securityGroups is set without vpc; set both or neither.'],
    [{ resultsPrefix: 'out' }, 'resultsPrefix is "out"; set a folder such as batchdrop/'],
    [{ resultsPrefix: '/' }, 'resultsPrefix is "/";'],
    [{ resultsPrefix: 'a//b/' }, 'resultsPrefix is "a//b/";'],
    [{ resultsPrefix: 'team-*/' }, 'resultsPrefix is "team-*/";'],
    [{ resultsPrefix: `${'x'.repeat(80)}/` }, 'resultsPrefix is "xxx'],
    [{ requestPrefix: 'in/' }, 'requestPrefix is set without requestBucket; set both or neither.'],
    [
      { monitoring: JSON.parse('"all"') }, // as from cdk.json
      'monitoring is "all"; set none, basic or full.',
    ],
    [
      { monitoring: 'none' as const, alarmEmail: 'team@example.com' },
      'alarmEmail is set, but there are no alarms, because monitoring is none; set monitoring to basic or full, or remove alarmEmail.',
    ],
    [
      { monitoring: 'none' as const, pageAction: { bind: () => ({ alarmActionArn: 'arn:aws:sns:x' }) } },
      'pageAction is set, but there are no alarms, because monitoring is none;',
    ],
  ])('that are invalid fail at synth: %j', (props, sentence) => {
    expect(() => synthesize(props)).toThrow(`Example/Batchdrop: ${sentence}`);
  });

  it('that are invalid are reported together', () => {
    expect(() => synthesize({ maxAttempts: 0, completionWindow: '24' })).toThrow(
      /^Example\/Batchdrop: maxAttempts is 0;.*\nExample\/Batchdrop: completionWindow is "24";.*$/,
    );
  });

  it('that are tokens are checked only by the functions', () => {
    const template = synthesize((stack) => ({
      baseUrl: new CfnParameter(stack, 'Url').valueAsString,
      completionWindow: new CfnParameter(stack, 'Window').valueAsString,
    }));
    expect(legible(variable(template, 'Polling', 'OPENAI_BASE_URL'))).toBe('<Url>');
    expect(legible(variable(template, 'Submission', 'COMPLETION_WINDOW'))).toBe('<Window>');
  });

  it('expire files in the buckets that Batchdrop creates', () => {
    const template = synthesize({ expireFilesAfter: Duration.days(30) });
    const expiring = resources(template, 'AWS::S3::Bucket').filter(({ Properties }) =>
      JSON.stringify(at(Properties, 'LifecycleConfiguration')).includes('"ExpirationInDays":30'),
    );
    expect(expiring.map(({ id }) => id).sort()).toEqual(['BucketsRequests', 'BucketsResults']);
  });

  it('expire files and their old versions only if they have the tag of an ended job', () => {
    const template = synthesize({ expireFilesAfter: Duration.days(30) });
    const rulesOf = (bucket: string) =>
      list(
        at(
          resources(template, 'AWS::S3::Bucket').find(({ id }) => id === bucket)?.Properties,
          'LifecycleConfiguration',
          'Rules',
        ),
      );
    const ended = { TagFilters: [{ Key: 'batchdrop-job', Value: 'ended' }], Status: 'Enabled' };
    const aborting = { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' };
    expect(rulesOf('BucketsResults')).toEqual([aborting, { ExpirationInDays: 30, ...ended }]);
    expect(rulesOf('BucketsRequests')).toEqual([
      aborting,
      { ExpirationInDays: 30, ...ended },
      { NoncurrentVersionExpiration: { NoncurrentDays: 30 }, ...ended },
      { ExpiredObjectDeleteMarker: true, Status: 'Enabled' }, // S3 allows no tag filter here, because a marker has no tags
    ]);
  });
});

describe('context', () => {
  const read = (context: Record<string, unknown>) => {
    const app = exampleApp();
    for (const [name, value] of Object.entries(context)) app.node.setContext(name, value);
    return readContext(app.node);
  };

  it('becomes props', () => {
    const { props, unknown } = read({
      requestBucketName: 'my-files',
      requestPrefix: 'in/',
      resultsBucketName: 'my-results',
      resultsPrefix: 'out/',
      apiKeySecretName: 'team/key',
      baseUrl: 'https://example.com/v1',
      completionWindow: '7d',
      pollMinutes: '5',
      observeMinutes: '15',
      webhook: 'yes',
      webhookSecretName: 'team/webhook',
      stackName: 'Batchdrop-two',
      maxConcurrency: '0',
      expireFilesAfterDays: 30,
      maxAttempts: '5',
      rerunMissing: 'yes',
      flatResults: 'yes',
      enqueuedTokens: 'gpt-4o-mini=2000000, ft:gpt-4o:us=90000',
      maxOpenBatches: '20',
      sharesBy: 'team',
      budget: '{"perDay":100,"by":"team","each":{"search":50}}',
      shareWeights: 'search=3, *=0.5',
      prices: '{"models":{"mine":{"input":0.1}}}',
      keepOpenAiFiles: 'yes',
      monitoring: 'full',
      alarmEmail: 'team@example.com',
      removal: 'destroy',
    });
    expect(unknown).toEqual([]);
    expect(props).toEqual({
      requestBucketName: 'my-files',
      requestPrefix: 'in/',
      resultsBucketName: 'my-results',
      resultsPrefix: 'out/',
      apiKeySecretName: 'team/key',
      baseUrl: 'https://example.com/v1',
      completionWindow: '7d',
      pollInterval: Duration.minutes(5),
      observeInterval: Duration.minutes(15),
      webhook: {},
      webhookSecretName: 'team/webhook',
      stackName: 'Batchdrop-two',
      maxConcurrency: 0,
      expireFilesAfter: Duration.days(30),
      maxAttempts: 5,
      rerunMissing: true,
      flatResults: true,
      enqueuedTokens: { 'gpt-4o-mini': 2_000_000, 'ft:gpt-4o:us': 90_000 },
      maxOpenBatches: 20,
      shares: { by: 'team', weights: { search: 3, '*': 0.5 } },
      budget: { perDay: 100, by: 'team', each: { search: 50 } },
      prices: { models: { mine: { input: 0.1 } } },
      keepOpenAiFiles: true,
      monitoring: 'full',
      alarmEmail: 'team@example.com',
      removalPolicy: RemovalPolicy.DESTROY,
    });
  });

  it('changes no default when it is empty', () => {
    const { props } = read({});
    expect(Object.keys(props).length).toBeGreaterThan(0);
    expect(Object.values(props).filter((value) => value !== undefined)).toEqual([]);
  });

  it.each([
    ['pollMinutes', '0', 'a whole number above 0'],
    ['pollMinutes', '1.5', 'a whole number above 0'],
    ['maxOpenBatches', '0', 'a whole number above 0'],
    ['maxConcurrency', 'none', 'a whole number'],
    [
      'enqueuedTokens',
      'gpt-4o',
      'models and whole numbers of tokens, such as gpt-4o-mini=2000000,gpt-4o=90000',
    ],
    [
      'enqueuedTokens',
      'gpt-4o=1,gpt-4o=2',
      'models and whole numbers of tokens, such as gpt-4o-mini=2000000,gpt-4o=90000',
    ],
    ['keepOpenAiFiles', 'maybe', 'yes or no'],
    ['webhook', 'true', 'yes or no'],
    ['removal', 'toString', 'retain or destroy'],
    ['monitoring', 'all', 'none, basic or full'],
    ['requestPrefix', ' ', 'some text'],
    ['prices', 'no-such-file.json', 'a JSON file with prices, or JSON'],
  ])('rejects %s=%s', (name, value, kind) => {
    expect(() => read({ [name]: value })).toThrow(`context ${name} is "${value}"; set ${kind}.`);
  });

  it.each([
    ['pollMinute', 'pollMinutes'],
    ['pollminutes', 'pollMinutes'],
    ['basUrl', 'baseUrl'],
    ['baseURL', 'baseUrl'],
    ['maxAttemps', 'maxAttempts'],
    ['Removal', 'removal'],
    ['pollInterval', 'pollMinutes'],
    ['observeInterval', 'observeMinutes'],
    ['webhooks', 'webhook'],
    ['expireFilesAfter', 'expireFilesAfterDays'],
    ['removalPolicy', 'removal'],
    ['alarmMail', 'alarmEmail'],
    ['requestBucket', 'requestBucketName'],
    ['resultsBucket', 'resultsBucketName'],
    ['apiKeySecret', 'apiKeySecretName'],
  ])('rejects a name that is close to a known one: %s', (name, meant) => {
    expect(() => read({ [name]: '5' })).toThrow(`context ${name} is unknown; did you mean ${meant}?`);
  });

  it("lists other names that nothing reads, except the CDK's own", () => {
    const { unknown } = read({
      stage: 'prod',
      'company.team': 'search',
      'availability-zones:account=111111111111:region=us-east-1': ['a'],
      '@aws-cdk/core:bootstrapQualifier': 'q',
      'aws:cdk:enable-asset-metadata': true,
      'acknowledged-issue-numbers': [16603],
      'cdk-migrate': true,
      'cli-telemetry': false,
    });
    expect(unknown).toEqual(['stage', 'company.team']);
  });
});

describe('the stack', () => {
  const stack = new BatchdropStack(exampleApp(), 'Example', {});
  const template = Template.fromStack(stack);
  const output = (name: string): string => legible(at(template.toJSON(), 'Outputs', name, 'Value'));

  it('can be deployed to any account and region', () => {
    expect(stack.environment).toBe('aws://unknown-account/unknown-region');
  });

  it("accepts the CDK's own stack props", () => {
    const env = { account: '111111111111', region: 'eu-west-1' };
    const own = new BatchdropStack(exampleApp(), 'Example', { env, terminationProtection: true });
    expect(own.environment).toBe('aws://111111111111/eu-west-1');
    expect(own.terminationProtection).toBe(true);
  });

  it('has commands to copy as outputs', () => {
    expect(output('SubmitFile')).toBe('aws s3 cp requests.jsonl s3://<BucketsRequests>/');
    expect(output('ListResults')).toBe('aws s3 ls --recursive s3://<BucketsResults>/');
    expect(output('CancelFile')).toBe(
      `aws sqs send-message --queue-url <CancellationWorkQueue> --message-body '{"bucket":"<BucketsRequests>","key":"requests.jsonl"}'`,
    );
    expect(output('StoreApiKey')).toContain('create-secret --name batchdrop/openai --secret-string file://');
    expect(output('SubscribeToStatuses')).toContain(
      `'{"source":["batchdrop"],"detail":{"data":{"status":["completed","failed"]}},"detail-type":["OpenAI Batch Job Status Change"]}'`,
    );
  });

  it('has outputs with everything that the CLI needs', () => {
    expect(
      ['RequestBucket', 'ResultsBucket', 'CancelQueueUrl', 'ApprovalQueueUrl', 'EventBus', 'LedgerTable'].map(
        output,
      ),
    ).toEqual([
      '<BucketsRequests>',
      '<BucketsResults>',
      '<CancellationWorkQueue>',
      '<ApprovalWorkQueue>',
      '<StatusEventsBus>',
      '<LedgerTable>',
    ]);
  });

  it('accepts buckets by name', () => {
    const own = new BatchdropStack(exampleApp(), 'Example', {
      requestBucketName: 'my-files',
      requestPrefix: 'in/',
    });
    const value = legible(at(Template.fromStack(own).toJSON(), 'Outputs', 'SubmitFile', 'Value'));
    expect(value).toBe('aws s3 cp requests.jsonl s3://my-files/in/');
  });

  it('can be deployed beside another one, with its own name and its own secret for webhooks', () => {
    const props = { stackName: 'Batchdrop-two', webhook: {}, webhookSecretName: 'team/webhook' };
    const second = new BatchdropStack(exampleApp(), 'Batchdrop', props);
    expect(second.stackName).toBe('Batchdrop-two');
    expect(second.batchdrop.instance).toBe('Batchdrop-two.Batchdrop');
    const outputs = at(Template.fromStack(second).toJSON(), 'Outputs');
    expect(at(outputs, 'WebhookSecret', 'Value')).toBe('team/webhook');
    expect(() => new BatchdropStack(exampleApp(), 'Batchdrop', { webhookSecretName: 'x' })).toThrow(
      'Batchdrop: webhookSecretName is set without webhook; set both or neither.',
    );
  });

  it('is plain ASCII, because CloudFormation replaces other characters by question marks', () => {
    const text = JSON.stringify(template.toJSON());
    expect([...text].filter((character) => character.charCodeAt(0) > 126)).toEqual([]);
  });

  it('does not synthesize without bundles, and says how to make them', () => {
    const nothing = temporaryDirectory();
    expect(() => new Batchdrop(new Stack(exampleApp(nothing), 'Example'), 'Batchdrop')).toThrow(
      /^Example\/Batchdrop\/Delivery\/Worker: the bundle of deliver is not in .*; run `npm run bundle`\.$/,
    );
  });
});
