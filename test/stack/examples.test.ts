import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { jobStatusExamples } from '../../functions/shared/contract/index.ts';
import { BUNDLES_CONTEXT } from '../../lib/stages/function-bundles.ts';
import { parseInputTransformer, transform } from '../../local/aws/events/input-transformer.ts';
import { Input } from '../../local/aws/protocol/input.ts';
import { placeholderBundles, temporaryDirectory } from './synthesis.ts';
import { at } from './template-reading.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const run = promisify(execFile);

/**
 * Runs in one process, which loads the CDK once. Each app finds its output folder in the environment, as with `cdk
 * synth`.
 */
const RUN_EACH = `for (const [app, outdir] of Object.entries(JSON.parse(process.argv[1]))) {
  process.env.CDK_OUTDIR = outdir;
  await import(app);
}`;

/** Runs the apps as `cdk synth` does. Returns the templates of each app as text, by the name of their stack. */
async function synthesized(apps: readonly string[]): Promise<Map<string, Record<string, string>>> {
  const outputs = new Map(apps.map((app) => [app, join(temporaryDirectory(), 'cdk.out')]));
  const byUrl = [...outputs].map(([app, output]) => [
    pathToFileURL(join(EXAMPLES, 'apps', app)).href,
    output,
  ]);
  await run(
    process.execPath,
    ['--input-type=module', '--eval', RUN_EACH, JSON.stringify(Object.fromEntries(byUrl))],
    {
      cwd: EXAMPLES,
      env: {
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        CDK_VALIDATION: 'false', // takes seconds per stack
        CDK_CONTEXT_JSON: JSON.stringify({ [BUNDLES_CONTEXT]: placeholderBundles() }),
      },
    },
  );
  return new Map([...outputs].map(([app, output]) => [app, templatesIn(output)]));
}

function templatesIn(output: string): Record<string, string> {
  const templates = readdirSync(output).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(
    templates.map((file) => [file.replace('.template.json', ''), readFileSync(join(output, file), 'utf8')]),
  );
}

/** What each example demonstrates, as it appears in its templates. */
const SHOWN: Record<string, Record<string, string[]>> = {
  'minimal.ts': { Minimal: ['"DropHere"', '"ReadHere"'] },
  'own-bucket-and-mail.ts': {
    OwnBucketAndMail: [
      '"name":["our-files"]',
      '"prefix":"batches/"',
      '"team@example.com"',
      '"status":["failed"]',
      '"status":["rejected"]',
      '"AlarmActions"',
      '"Service":"cloudwatch.amazonaws.com"',
    ],
  },
  'alarms-to-slack.ts': {
    AlarmsToSlack: [
      '"AWS::Chatbot::SlackChannelConfiguration"',
      '"Protocol":"https"',
      '"Service":"cloudwatch.amazonaws.com"',
      '"AWS::CloudWatch::Dashboard"',
      '"status":["unapproved"]',
    ],
  },
  'fan-out-results.ts': {
    FanOutResults: ['"status":["completed"]', '"python3.13"', '"s3:GetObject"', '"ExpirationInDays":30'],
  },
  'cross-account-subscriber.ts': {
    Publisher: ['event-bus/batch-status', '"events:PutEvents"'],
    Subscriber: [
      '"batch-status"',
      ':iam::111111111111:root',
      '"status":["completed","failed","expired","cancelled"]',
    ],
  },
  'another-vendor.ts': {
    AnotherVendor: [
      'https://api.groq.com/openai/v1',
      'https://api.openai.com/v1',
      'batchdrop/groq',
      '"7d"',
      'rate(5 minutes)',
    ],
  },
  'two-batchdrops.ts': {
    Events: ['AWS::Events::EventBus'],
    Reports: [
      '"Reports.Nightly"',
      '"Reports.ByRequest"',
      '"ZipFile"',
      '"nodejs22.x"',
      '"status":["completed"]',
    ],
  },
  'step-functions.ts': {
    StepFunctions: [
      'lambda:invoke.waitForTaskToken',
      'taskToken.$',
      'TimeoutSeconds',
      '"states:SendTaskSuccess"',
      'Batchdrop.Rejected',
    ],
  },
  'cancel-from-a-service.ts': { CancelFromAService: ['"CANCEL_QUEUE_URL"', '"sqs:SendMessage"'] },
};

describe('the examples', () => {
  let templatesOf: Map<string, Record<string, string>>;

  beforeAll(async () => {
    templatesOf = await synthesized(Object.keys(SHOWN));
  });

  it('are all tested', () => {
    expect(readdirSync(join(EXAMPLES, 'apps')).sort()).toEqual(Object.keys(SHOWN).sort());
  });

  it.each(Object.entries(SHOWN))('%s synthesizes and demonstrates its feature', (app, stacks) => {
    const templates = templatesOf.get(app) ?? {};
    expect(Object.keys(templates).sort()).toEqual(Object.keys(stacks).sort());
    const all = Object.values(templates).map((text) => JSON.parse(text));
    const functions = all.flatMap((template) =>
      Object.values(Object(at(template, 'Resources'))).filter(
        (resource) => at(resource, 'Type') === 'AWS::Lambda::Function',
      ),
    );
    expect(functions.length).toBeGreaterThanOrEqual(5);
    for (const [stack, shown] of Object.entries(stacks)) {
      const text = JSON.stringify(JSON.parse(templates[stack] ?? ''));
      for (const piece of shown) expect(text, stack).toContain(piece);
    }
  });

  it.each(['failed', 'rejected', 'unapproved'] as const)(
    'alarms-to-slack.ts shows an event in the format of custom notifications, with the reason and the next command: %s',
    (status) => {
      const template = JSON.parse(templatesOf.get('alarms-to-slack.ts')?.AlarmsToSlack ?? '');
      const transformer = Object.values(Object(at(template, 'Resources')))
        .filter(
          (resource) => at(resource, 'Properties', 'EventPattern', 'detail', 'data', 'status', 0) === status,
        )
        .map((resource) => at(resource, 'Properties', 'Targets', 0, 'InputTransformer'))[0];
      const parsed = parseInputTransformer(status, Input.of(transformer, 'MissingParameter'));
      const example = jobStatusExamples[status];
      const reason = 'it said "no" and\n<b>stopped</b>';
      const detail = JSON.parse(JSON.stringify(example.detail), (key, value) =>
        key === 'message' ? reason : value,
      );
      const event = { ...example, version: '0' as const, detail };
      const text = transform(parsed, event, { ruleArn: 'arn:aws:events:us-east-1:1:rule/r', acceptedAt: 0 });
      const { jobId } = example.detail.metadata;
      const next = status === 'unapproved' ? 'approve' : 'show';
      expect(JSON.parse(text)).toEqual({
        version: '1.0',
        source: 'custom',
        id: example.id,
        content: {
          textType: 'client-markdown',
          title: expect.stringMatching(/^A (job|file) /),
          description: reason,
          nextSteps: [`Run \`batchdrop ${next} ${jobId}\``],
          keywords: [example.detail.data.requestFile.key],
        },
        metadata: {
          threadId: jobId,
          summary: expect.stringMatching(/^A (job|file) /),
          eventType: 'OpenAI Batch Job Status Change',
        },
      });
    },
  );
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

describe.skipIf(!hasPython)('the consumer in Python', () => {
  /** Handles one record per body in one call. Returns the printed lines and the ids of the failed records. */
  function consume(bodies: string[]): { printed: string[]; again: string[] } {
    const Records = bodies.map((body, nth) => ({ messageId: `message-${nth}`, body }));
    const program = [
      'import json, sys',
      `sys.path.insert(0, ${JSON.stringify(join(EXAMPLES, 'python'))})`,
      'from consume_events import handler',
      'answer = handler(json.load(sys.stdin), None)',
      'print(json.dumps(answer))',
    ].join('\n');
    const options = { input: JSON.stringify({ Records }), encoding: 'utf8' } as const;
    const { stdout, stderr, status } = spawnSync('python3', ['-B', '-c', program], options);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    const { batchItemFailures } = JSON.parse(lines.at(-1) ?? '');
    return {
      printed: lines.slice(0, -1),
      again: batchItemFailures.map((one: { itemIdentifier: string }) => one.itemIdentifier),
    };
  }

  const bodyOf = (status: keyof typeof jobStatusExamples) => JSON.stringify(jobStatusExamples[status]);

  it('handles the example of every job status', () => {
    const statuses = Object.keys(jobStatusExamples) as (keyof typeof jobStatusExamples)[];
    expect(statuses.length).toBe(9);
    const each = statuses.map((status) => consume([bodyOf(status)]));
    expect(each.flatMap(({ again }) => again)).toEqual([]);
    const printing = statuses.filter((_, nth) => (each[nth]?.printed.length ?? 0) > 0);
    expect(printing.sort()).toEqual(['cancelled', 'completed', 'expired', 'failed', 'rejected']);
  });

  it('ignores the second copy of an event', () => {
    expect(consume([bodyOf('completed'), bodyOf('completed')]).printed).toHaveLength(1);
  });

  it('returns a record that it cannot read, and handles the others', () => {
    const { printed, again } = consume(['no JSON', bodyOf('completed')]);
    expect(again).toEqual(['message-0']);
    expect(printed.filter((line) => line.includes('s3://'))).toHaveLength(1);
  });
});
