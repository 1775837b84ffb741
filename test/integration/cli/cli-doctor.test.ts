import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DisableRuleCommand, EnableRuleCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import {
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, ListQueuesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionTo } from '../../../bin/connection/connection.ts';
import { serverTime } from '../../../bin/connection/server-time.ts';
import { diagnose } from '../../../bin/operations/doctor-checks.ts';
import type { Finding } from '../../../bin/operations/finding.ts';
import { aPart } from '../../contracts/samples.ts';
import { chatRows } from '../../local/endpoint/chat-rows.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { startS3 } from '../../local/s3/s3-engine-server.ts';
import { batchdrop, ChildRuntime } from '../child-runtime.ts';

const SPEED = 120;
const CHECKS = [
  ...[
    'stack',
    'secret',
    'API key',
    'request bucket',
    'new files',
    'functions',
    'queues',
    'permissions',
    'schedule',
    'last tick',
    'clock',
    'submission',
    'account',
    'waiting',
    'stalled',
    'files',
  ],
  ...['DLQ intake', 'DLQ submit', 'DLQ deliver', 'DLQ cancel', 'DLQ approve', 'DLQ undelivered'],
  ...['webhook', 'webhook secret', 'last webhook'],
];

let runtime: ChildRuntime;
let user: UserProgram;

beforeAll(async () => {
  // The example's webhook could arrive before the first test.
  runtime = await ChildRuntime.start({ speed: SPEED, isIdle: true });
  user = new UserProgram(runtime.names);
});

afterAll(async () => {
  user?.close();
  await runtime?.discard();
});

const cli = (...args: string[]) => batchdrop([...args, '--data', runtime.directory]);

/** Returns the findings of the doctor by check. */
async function diagnosis(): Promise<{ code: number | null; by: Map<string, Finding> }> {
  const { code, stdout, stderr } = await cli('doctor', '--json');
  expect(stderr).toBe('');
  const findings: Finding[] = JSON.parse(stdout);
  expect(findings.map(({ check }) => check)).toEqual(CHECKS);
  return { code, by: new Map(findings.map((finding) => [finding.check, finding])) };
}

/** Returns what is not well. */
async function troubles(): Promise<Finding[]> {
  return [...(await diagnosis()).by.values()].filter(({ verdict }) => verdict === 'failed');
}

async function healthy(): Promise<void> {
  // The first tick is one minute after the start: half a second of real time.
  await expect.poll(troubles).toEqual([]);
}

const client = () => clientConfig(runtime.names.url);

async function queueNamed(prefix: string): Promise<string> {
  const { QueueUrls = [] } = await user.sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
  const [url, ...others] = QueueUrls;
  expect(others).toEqual([]);
  return url ?? '';
}

async function countMessages(QueueUrl: string): Promise<number> {
  const { Attributes } = await user.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages);
}

describe('batchdrop doctor', () => {
  it('passes on a healthy stack, with one line per check', async () => {
    await healthy();
    expect((await diagnosis()).by.get('last webhook')).toMatchObject({
      verdict: 'note',
      found: 'none has arrived',
    });
    const proven = await cli('webhook', 'test');
    expect(proven).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await cli('doctor');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(CHECKS.length);
    for (const [nth, check] of CHECKS.entries()) expect(lines[nth]).toMatch(new RegExp(`^ok {6}${check} `));
  });

  it('does not read the key, which only the functions can read', async () => {
    const { by } = await diagnosis();
    expect(by.get('secret')).toMatchObject({ verdict: 'ok', found: 'batchdrop/openai exists' });
    expect(by.get('API key')).toMatchObject({ verdict: 'ok', found: expect.stringContaining('accepts it') });
  });

  it('does not check the webhooks of one machine, which its runtime sets up', async () => {
    const { by } = await diagnosis();
    expect(by.get('webhook secret')).toMatchObject({
      verdict: 'ok',
      found: 'only the functions can read batchdrop/webhook',
    });
    for (const action of ['enable', 'rotate', 'disable']) {
      const { code, stderr } = await cli('webhook', action);
      expect(code, action).toBe(1);
      expect(stderr).toMatch(/^A runtime on this machine sets up its webhooks itself\./);
    }
    expect((await cli('webhook', 'status')).code).toBe(0);
  });

  it('says what to do if the key of a stack cannot be read', async () => {
    const { accessKeyId, secretAccessKey } = client().credentials;
    const { code, stdout } = await batchdrop(['doctor', '--json', '--stack', 'Batchdrop'], {
      env: {
        AWS_ENDPOINT_URL: runtime.names.url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
    });
    const findings: Finding[] = JSON.parse(stdout);
    const by = new Map(findings.map((finding) => [finding.check, finding]));
    expect(code).toBe(1);
    for (const check of ['secret', 'API key']) {
      expect(by.get(check)).toMatchObject({
        verdict: 'failed',
        found: 'read the secret batchdrop/openai: AccessDeniedException',
        advice: expect.stringContaining('needs secretsmanager:GetSecretValue on batchdrop/openai'),
      });
    }
    expect(by.get('schedule')?.verdict).toBe('ok'); // a failed check does not prevent the others
  });

  it.each([
    [
      'sends no events',
      { versioned: true, eventBridge: false },
      'sends no events to EventBridge, so no file is noticed',
      `aws s3api put-bucket-notification-configuration --bucket mine --notification-configuration '{"EventBridgeConfiguration":{}}'`,
    ],
    [
      'has no versioning',
      { versioned: false, eventBridge: true },
      'versioning is off, so every file is rejected',
      'put-bucket-versioning --bucket mine',
    ],
    [
      'has neither',
      { versioned: false, eventBridge: false },
      'versioning is off, so every file is rejected; sends no events to EventBridge, so no file is noticed',
      'Status=Enabled; aws s3api put-bucket-notification-configuration --bucket mine',
    ],
  ])("fails if the user's own bucket %s", async (_, settings, found, advice) => {
    const directory = mkdtempSync(join(tmpdir(), 'batchdrop-doctor-'));
    const storage = await startS3(directory);
    storage.engine.createBucket('mine', settings);
    const s3 = new S3Client({ ...client(), endpoint: storage.url, forcePathStyle: true });
    const connection = connectionTo(runtime.names);
    const findings: Finding[] = [];
    const names = { ...connection.names, requestBucket: 'mine' };
    for await (const finding of diagnose({ ...connection, s3, names })) findings.push(finding);
    const skewMs = (await serverTime({ s3, names })) - Date.now();
    connection.close();
    s3.destroy();
    await storage.stop();
    rmSync(directory, { recursive: true });
    expect(Math.abs(skewMs)).toBeLessThan(60_000); // without the runtime's header, the time is the date of the response
    expect(findings.find(({ check }) => check === 'request bucket')).toEqual({
      check: 'request bucket',
      verdict: 'failed',
      found,
      advice: expect.stringContaining(advice),
    });
  });

  it('fails if the schedule is off, and if ticks are late', async () => {
    const scheduler = new SchedulerClient(client());
    const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({}));
    const { Name, ScheduleExpression, FlexibleTimeWindow, Target } = await scheduler.send(
      new GetScheduleCommand({ Name: Schedules[0]?.Name }),
    );
    const turn = (State: 'ENABLED' | 'DISABLED') =>
      scheduler.send(
        new UpdateScheduleCommand({ Name, ScheduleExpression, FlexibleTimeWindow, Target, State }),
      );
    await turn('DISABLED');
    expect((await diagnosis()).by.get('schedule')).toMatchObject({
      verdict: 'failed',
      found: expect.stringContaining('DISABLED'),
      advice: expect.stringMatching(
        /^aws scheduler update-schedule --cli-input-json '\{"Name":.*"State":"ENABLED"\}'$/,
      ),
    });
    const tick = async () => (await diagnosis()).by.get('last tick')?.verdict;
    await expect.poll(tick, { timeout: 30_000 }).toBe('failed');
    await turn('ENABLED');
    scheduler.destroy();
    await healthy();
  });

  it('names stalled parts', async () => {
    const connection = connectionTo(runtime.names);
    const stalled = { code: 'tries_used_up', message: 'search: 14 tries have failed' };
    const in90Days = Date.now() + 90 * 24 * 3_600_000;
    const part = aPart({
      stalled,
      tries: 14,
      dueAt: in90Days,
      backoffUntil: in90Days,
      phase: 'ready',
      expiresAt: in90Days,
    });
    await connection.ledger.createPart(part);
    const { code, by } = await diagnosis();
    await connection.ledger.replacePart({ ...part, tries: 0 });
    connection.close();
    expect(code).toBe(1);
    expect(by.get('stalled')?.found).toBe(`job ${part.jobId} part ${part.number}: ${stalled.message}`);
    await healthy();
  });

  it('notes a pause, which is intended, and exits with 0', async () => {
    await cli('pause');
    const { code, by } = await diagnosis();
    await cli('resume');
    expect(by.get('submission')).toMatchObject({
      verdict: 'note',
      advice: expect.stringContaining('resume'),
    });
    expect(code).toBe(0);
  });

  it('says what to do if there is no Batchdrop', async () => {
    const { code, stderr } = await batchdrop(['doctor', '--endpoint', 'http://127.0.0.1:9']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^No Batchdrop is running at the endpoint/);
  });
});

describe('batchdrop redrive', () => {
  it('moves undelivered events to the intake queue, and their files become jobs', async () => {
    const undelivered = await queueNamed('batchdrop-intake-undelivered');
    const Bucket = runtime.names.requestBucket;
    // A file without an event, and its event in the queue for undelivered events.
    const { Rules = [] } = await user.events.send(new ListRulesCommand({ NamePrefix: 'batchdrop-intake' }));
    const [{ Name } = {}] = Rules;
    await user.events.send(new DisableRuleCommand({ Name }));
    const versionId = await user.put('lost.jsonl', chatRows(3, 'lost'));
    await user.events.send(new EnableRuleCommand({ Name }));
    const object = { key: 'lost.jsonl', 'version-id': versionId, size: 1, etag: 'e' };
    const event = {
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: { bucket: { name: Bucket }, object },
    };
    await user.sqs.send(
      new SendMessageCommand({ QueueUrl: undelivered, MessageBody: JSON.stringify(event) }),
    );
    expect((await cli('list', '--json')).stdout).not.toContain('lost.jsonl');

    const before = await diagnosis();
    expect(before.by.get('DLQ undelivered')).toMatchObject({
      verdict: 'failed',
      found: expect.stringMatching(/^1 message; one, of .*: Object Created s3:\/\/.*\/lost\.jsonl$/),
      advice: expect.stringContaining('batchdrop redrive undelivered'),
    });
    const { code, stdout } = await cli('redrive', 'undelivered');
    expect(stdout).toBe('Moved 1 message to the intake queue.\n');
    expect(code).toBe(0);
    const list = async () => (await cli('list', '--json')).stdout;
    await expect.poll(list, { timeout: 30_000 }).toContain('lost.jsonl');
    expect(await countMessages(undelivered)).toBe(0);
    await healthy();
  });

  it('moves every message of a queue unchanged, even if there are more than one call returns', async () => {
    const [dead, home] = [
      await queueNamed('batchdrop-cancellation-work-dead-letters'),
      await queueNamed('batchdrop-cancellation-work-queue'),
    ];
    const subscription = await user.subscribe('cancel-outcomes', runtime.names.eventBus, {
      'detail-type': ['OpenAI Batch Cancel Outcome'],
    });
    const jobs = Array.from({ length: 23 }, (_, nth) => `job-${nth}`);
    for (const jobId of jobs) {
      await user.sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody: JSON.stringify({ jobId }) }));
    }
    const { stdout } = await cli('redrive', 'cancel', '--json');
    expect(JSON.parse(stdout)).toEqual({ queue: 'cancel', moved: 23 });
    const answered = () =>
      new Set(subscription.received.map(({ detail }) => Object(detail.data.request).jobId as unknown));
    await subscription.until('the last outcome', () => answered().size === jobs.length);
    expect([...answered()].sort()).toEqual(jobs.sort());
    expect(await countMessages(dead)).toBe(0);
    expect(await countMessages(home)).toBe(0);
  });

  it('says if a queue is empty or does not exist', async () => {
    expect((await cli('redrive', 'submit')).stdout).toBe('The queue submit has no dead letters.\n');
    const { code, stderr } = await cli('redrive', 'nonsense');
    expect(code).toBe(2);
    expect(stderr).toContain('intake, submit, deliver, cancel, approve, answer, undelivered');
  });
});
