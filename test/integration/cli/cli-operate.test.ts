/** `key set`, `teardown`, and the checks of `doctor` that need something broken, on a deployed stack that runs no function. */
import { DisableRuleCommand, EnableRuleCommand, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DeleteSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../bin/connection/connection.ts';
import { apiOf } from '../../../bin/connection/stack-names.ts';
import { diagnose } from '../../../bin/operations/doctor-checks.ts';
import type { Finding } from '../../../bin/operations/finding.ts';
import { newApiKey } from '../../../bin/operations/key/set-api-key.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { aJob, aPart } from '../../contracts/samples.ts';
import { clientConfig } from '../../local/endpoint/client-config.ts';
import { UserProgram } from '../../local/endpoint/user-program.ts';
import { batchdrop } from '../child-runtime.ts';
import { API_KEY, WebhookStack } from './webhook-stack.ts';

const SECRET = 'batchdrop/openai';
const HOUR = 3_600_000;
const environment = { ...process.env };

let stack: WebhookStack;
let connection: Connection;
let secrets: SecretsManagerClient;
let user: UserProgram;

async function open(): Promise<void> {
  stack = await WebhookStack.open();
  Object.assign(process.env, stack.environment);
  connection = await stack.connect();
  const url = stack.environment.AWS_ENDPOINT_URL ?? '';
  secrets = new SecretsManagerClient(clientConfig(url));
  const { approvalQueueUrl = '' } = connection.names;
  const place = { stack: 'Batchdrop', construct: 'Batchdrop', batchdrops: [] };
  user = new UserProgram({ ...connection.names, ...place, approvalQueueUrl, url, openAiUrl: '', pid: 0 });
}

async function close(): Promise<void> {
  user.close();
  secrets.destroy();
  connection.close();
  await stack.close();
}

beforeAll(open);

afterAll(async () => {
  await close();
  process.env = environment;
});

/** A job with a part whose file or batch belongs to this account. */
async function openWork(account: string): Promise<void> {
  const [dueAt, expiresAt] = [Date.now() + 30 * 24 * HOUR, Date.now() + 90 * 24 * HOUR];
  const part = aPart({ intent: { id: 'i', at: 1, account, fileId: 'file-1', sendBy: 2 }, dueAt, expiresAt });
  await connection.ledger.createJob(aJob({ status: 'submitted', dueAt, expiresAt }));
  await connection.ledger.createPart(part);
}

/** The job of `openWork` is over. */
async function noOpenWork(): Promise<void> {
  await connection.removal.remove(aJob().jobId, []);
}

describe('batchdrop key set', () => {
  const set = async (stdin: string, ...args: string[]) => {
    const run = await batchdrop(['key', 'set', '--stack', 'Batchdrop', ...args], {
      env: stack.environment,
      stdin,
    });
    expect(run.stdout + run.stderr).not.toContain(stdin.trim() || 'no key was given to look for');
    return run;
  };
  const stored = async () =>
    (await secrets.send(new GetSecretValueCommand({ SecretId: SECRET }))).SecretString;

  it('creates the secret that is missing, after the API has accepted the key', async () => {
    await secrets.send(new DeleteSecretCommand({ SecretId: SECRET, ForceDeleteWithoutRecovery: true }));
    const { code, stdout } = await set(`${API_KEY}\n`);
    expect({ code, stored: await stored() }).toEqual({ code: 0, stored: API_KEY });
    expect(stdout).toContain(`Created the secret ${SECRET} with the key`);
    expect(stdout).toContain('The API accepts the key');
    expect((await set(API_KEY)).stdout).toContain(`The secret ${SECRET} has this key already`);
  });

  it('rotates the key, and keeps for which organization it is used', async () => {
    stack.engines.secrets.putSecret(SECRET, '{"apiKey":"sk-old","organization":"org-mine"}');
    const { code, stdout } = await set(API_KEY, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      secret: SECRET,
      stored: 'changed',
      verified: true,
      concern: null,
    });
    expect(code).toBe(0);
    expect(JSON.parse((await stored()) ?? '')).toEqual({ apiKey: API_KEY, organization: 'org-mine' });
    await set(`{"apiKey":"${API_KEY}"}`);
    expect(await stored()).toBe(API_KEY);
  });

  it('stores no key that the API rejects', async () => {
    const { code, stderr } = await set('sk-mistyped');
    expect(code).toBe(1);
    expect(stderr).toContain('Nothing was stored, because 127.0.0.1:');
    expect(await stored()).toBe(API_KEY);
  });

  it.each([
    ['a space in it', 'sk-a b', 'its apiKey is not valid'],
    ['JSON that is broken', '{"apiKey":"sk-c"', 'it begins with "{" but is not valid JSON'],
    ['JSON without a key', '{"key":"sk-d"}', 'it contains no key'],
  ])('stores no text with %s', async (_, typed, sentence) => {
    const api = await apiOf(connection.target);
    await expect(newApiKey(connection, api, { typed, verify: true })).rejects.toThrow(sentence);
  });

  it('refuses a key as an argument, and does not repeat it', async () => {
    const { code, stdout, stderr } = await batchdrop(
      ['key', 'set', 'sk-typed-here', '--stack', 'Batchdrop'],
      {
        env: stack.environment,
      },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Do not give the key as an argument: it stays in the history/);
    expect(stdout + stderr).not.toContain('sk-typed-here');
  });

  it('stores a key unchecked only for a reason', async () => {
    expect((await set('sk-inside', '--no-verify')).code).toBe(2);
    expect((await set('sk-inside', '--no-verify', ' ')).stderr).toContain('Give a reason');
    const { stdout } = await set('sk-inside', '--no-verify', 'only the VPC reaches it', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ verified: false, reason: 'only the VPC reaches it' });
    expect(await stored()).toBe('sk-inside');
    await set(API_KEY);
  });

  it('warns that running batches are not visible with a key of another account', async () => {
    stack.engines.secrets.putSecret(SECRET, 'sk-old');
    await openWork('org-other/proj-1');
    const refused = await set(API_KEY);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      'which is another account, and 1 unfinished part has a batch or a file that it does not see',
    );
    expect(await stored()).toBe('sk-old');
    const { code, stdout } = await set(API_KEY, '--yes');
    expect({ code, stored: await stored() }).toEqual({ code: 0, stored: API_KEY });
    expect(stdout).toContain('They wait until the old key is back');
    await noOpenWork();
    stack.engines.secrets.putSecret(SECRET, 'sk-old');
    expect((await set(API_KEY)).code).toBe(0);
  });
});

describe('batchdrop doctor', () => {
  async function diagnosis(of: Connection = connection): Promise<Map<string, Finding>> {
    const found = new Map<string, Finding>();
    for await (const finding of diagnose(of)) found.set(finding.check, finding);
    return found;
  }
  const worker = (name: string) => {
    const described = stack.plan.functions.find((each) => each.name === `batchdrop-${name}-worker-function`);
    if (described === undefined) throw new Error(`there is no function ${name}`);
    return described;
  };
  /** Breaks something, returns the finding of one check, and puts it right. */
  async function broken(
    check: string,
    breakIt: () => unknown,
    mend: () => unknown,
  ): Promise<Finding | undefined> {
    await breakIt();
    try {
      return (await diagnosis()).get(check);
    } finally {
      await mend();
    }
  }

  it('finds nothing wrong with what the stack consists of', async () => {
    const found = await diagnosis();
    for (const check of [
      'secret',
      'API key',
      'request bucket',
      'new files',
      'functions',
      'queues',
      'permissions',
      'waiting',
      'files',
      'clock',
    ])
      expect(found.get(check), check).toMatchObject({ verdict: 'ok' });
  });

  it('says how to create a secret that is missing', async () => {
    const remove = () =>
      secrets.send(new DeleteSecretCommand({ SecretId: SECRET, ForceDeleteWithoutRecovery: true }));
    const finding = await broken('secret', remove, () => stack.engines.secrets.putSecret(SECRET, API_KEY));
    expect(finding).toMatchObject({
      verdict: 'failed',
      found: `there is no secret ${SECRET}, so nothing can be sent`,
      advice: 'To create it with the key of the API: batchdrop key set',
    });
  });

  it('says what to do about a key that the API rejects, and about an API that cannot be reached', async () => {
    const rejected = await broken(
      'API key',
      () => stack.engines.secrets.putSecret(SECRET, 'sk-revoked'),
      () => stack.engines.secrets.putSecret(SECRET, API_KEY),
    );
    expect(rejected).toMatchObject({
      verdict: 'failed',
      advice: 'To store a valid key of the same account: batchdrop key set',
    });
    const unreachable = await broken(
      'API key',
      () => stack.describeWith({ ApiBaseUrl: 'http://127.0.0.1:9/v1' }),
      () => stack.describeWith({}),
    );
    expect(unreachable).toMatchObject({
      verdict: 'failed',
      found: expect.stringContaining('127.0.0.1:9 gave no usable answer to this machine: list batches: '),
      advice: expect.stringContaining('http://127.0.0.1:9/v1/models'),
    });
  });

  it('sees an event source that is switched off, and one whose function may not read its queue', async () => {
    const mapping = stack.plan.mappings.find(
      ({ functionName }) => functionName === worker('submission').name,
    );
    if (mapping === undefined) throw new Error('SUBMIT has no event source');
    const put = (change: object) => stack.engines.lambda.putMapping({ ...mapping, ...change });
    expect(
      await broken(
        'queues',
        () => put({ enabled: false }),
        () => put({}),
      ),
    ).toMatchObject({
      verdict: 'failed',
      found: 'the event source of SUBMIT is Disabled, so its messages wait',
      advice: `aws lambda update-event-source-mapping --uuid ${mapping.id} --enabled`,
    });
    const problem = 'PROBLEM: Function call failed';
    expect(
      await broken(
        'queues',
        () => put({ lastResult: problem }),
        () => put({}),
      ),
    ).toMatchObject({
      verdict: 'failed',
      found: `the event source of SUBMIT reports "${problem}"`,
    });
  });

  it('sees a reserved concurrency of 0, and a function that Lambda cannot run', async () => {
    const described = worker('delivery');
    const put = (change: object) => stack.engines.lambda.putFunction({ ...described, ...change });
    expect(
      await broken(
        'functions',
        () => put({ reservedConcurrency: 0 }),
        () => put({}),
      ),
    ).toMatchObject({
      verdict: 'failed',
      found: 'the reserved concurrency of DELIVER is 0, so it never runs',
      advice: `aws lambda delete-function-concurrency --function-name ${described.name}`,
    });
    const inactive = { code: 'KMSKeyAccessDenied', reason: 'Lambda was unable to decrypt the environment' };
    expect(
      await broken(
        'functions',
        () => put({ inactive }),
        () => put({}),
      ),
    ).toMatchObject({
      verdict: 'failed',
      found: 'DELIVER cannot run: Lambda was unable to decrypt the environment (KMSKeyAccessDenied)',
    });
  });

  it.each([
    [
      'secretsmanager:GetSecretValue',
      /^(SUBMIT|POLL|DELIVER|CANCEL|WEBHOOK) may not secretsmanager:GetSecretValue on arn:aws:secretsmanager:.*:secret:batchdrop\/openai-/,
    ],
    ['dynamodb:PutItem', /^INTAKE may not dynamodb:PutItem on arn:aws:dynamodb:.*; and 4 more$/],
    [
      's3:GetObjectVersion',
      /^INTAKE may not s3:GetObjectVersion on arn:aws:s3:::batchdrop-buckets-requests\/x\.jsonl; SUBMIT may not/,
    ],
  ])('sees that functions lack %s', async (action, found) => {
    const without = new Map(
      [...stack.plan.policies.ofRoles].map(([role, statements]) => [
        role,
        statements.map((each) => ({ ...each, actions: each.actions.filter((name) => name !== action) })),
      ]),
    );
    expect(
      await broken(
        'permissions',
        () => stack.enforce(without),
        () => stack.enforce(),
      ),
    ).toMatchObject({
      verdict: 'failed',
      found: expect.stringMatching(found),
      advice: expect.stringContaining('aws cloudformation detect-stack-drift --stack-name Batchdrop'),
    });
  });

  it('shows what a function itself could not do', async () => {
    const dueAt = Date.now() + HOUR;
    const said = `read the secret ${SECRET}: AccessDeniedException`;
    const obstacle = { for: 'account', since: Date.now(), said } as const;
    const part = aPart({ phase: 'ready', obstacle, dueAt, expiresAt: dueAt + 24 * HOUR });
    expect(await broken('waiting', () => connection.ledger.createPart(part), noOpenWork)).toMatchObject({
      verdict: 'failed',
      found: `job ${part.jobId} part 1 waits (account): ${said}`,
      advice: expect.stringContaining('A function lacks a permission'),
    });
  });

  it('shows one of the dead letters', async () => {
    const dead = [...stack.described.resources].find(({ logicalId }) =>
      /IntakeUndelivered[0-9A-F]{8}$/.test(logicalId),
    );
    const detail = { bucket: { name: 'requests' }, object: { key: 'lost.jsonl' } };
    const MessageBody = JSON.stringify({ 'detail-type': 'Object Created', detail });
    await user.sqs.send(new SendMessageCommand({ QueueUrl: dead?.physicalId, MessageBody }));
    for (const _ of ['first', 'again'])
      expect((await diagnosis()).get('DLQ undelivered')).toMatchObject({
        verdict: 'failed',
        found: expect.stringMatching(
          /^1 message; one, of [-\d: ]{16}: Object Created s3:\/\/requests\/lost\.jsonl$/,
        ),
      });
  });

  it('sees a rule that is switched off', async () => {
    const [rule] = stack.plan.rules.filter(({ name }) => name.startsWith('batchdrop-intake'));
    const turned = (Command: typeof DisableRuleCommand | typeof EnableRuleCommand) => () =>
      user.events.send(new Command({ Name: rule?.name }));
    expect(await broken('new files', turned(DisableRuleCommand), turned(EnableRuleCommand))).toMatchObject({
      verdict: 'failed',
      found: `the rule ${rule?.name} is DISABLED, so no file is noticed`,
      advice: expect.stringContaining(`aws events enable-rule --name ${rule?.name}`),
    });
  });

  describe('about files in a wrong place', () => {
    const { requestBucket: requests, resultsBucket: results } = {
      requestBucket: 'batchdrop-buckets-requests',
      resultsBucket: 'batchdrop-buckets-results',
    };
    const put = (Bucket: string, Key: string) =>
      user.s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}\n' }));
    const remove = (Bucket: string, Key: string) => user.s3.send(new DeleteObjectCommand({ Bucket, Key }));

    it.each([
      [
        'in the results bucket',
        results,
        'mine.jsonl',
        'mine.jsonl is in the results bucket',
        `aws s3 mv s3://${results}/mine.jsonl s3://${requests}/mine.jsonl`,
      ],
      [
        'compressed',
        requests,
        'rows.jsonl.gz',
        'rows.jsonl.gz is compressed',
        `| gunzip | aws s3 cp - s3://${requests}/rows.jsonl`,
      ],
    ])('notes one %s', async (_, bucket, key, found, advice) => {
      expect(
        await broken(
          'files',
          () => put(bucket, key),
          () => remove(bucket, key),
        ),
      ).toMatchObject({
        verdict: 'note',
        found: expect.stringContaining(found),
        advice: expect.stringContaining(advice),
      });
    });

    it('notes one outside the request prefix', async () => {
      const [rule] = stack.plan.rules.filter(({ name }) => name.startsWith('batchdrop-intake'));
      const putRule = (pattern: object) =>
        user.events.send(new PutRuleCommand({ Name: rule?.name, EventPattern: JSON.stringify(pattern) }));
      const { detail, ...others } = Object(rule?.pattern);
      const breakIt = async () => {
        await putRule({ ...others, detail: { ...detail, object: { key: [{ prefix: 'batches/' }] } } });
        await put(requests, 'outside.jsonl');
      };
      const mend = async () => {
        await putRule({ ...others, detail });
        await remove(requests, 'outside.jsonl');
      };
      expect(await broken('files', breakIt, mend)).toMatchObject({
        verdict: 'note',
        found: 'outside.jsonl is not under the request prefix batches/, so Batchdrop does not see it',
        advice: expect.stringContaining(`s3://${requests}/batches/outside.jsonl`),
      });
    });

    it('fails if nobody noticed one, ten minutes after it came', async () => {
      await put(requests, 'unseen.jsonl');
      expect((await diagnosis()).get('files')).toMatchObject({ verdict: 'ok' });
      const later = await startEndpoint({
        services: stack.engines.all,
        port: 0,
        functionNow: () => Date.now() + HOUR,
      });
      const s3 = new S3Client({ ...clientConfig(later.url), forcePathStyle: true });
      const found = await diagnosis({ ...connection, s3 });
      expect(found.get('files')).toMatchObject({
        verdict: 'failed',
        found: 'unseen.jsonl is without a job, because nobody noticed it',
      });
      expect(found.get('clock')).toMatchObject({
        verdict: 'failed',
        found: expect.stringMatching(/off by (59:59|1:00:0\d)/),
      });
      s3.destroy();
      await later.close();
      await remove(requests, 'unseen.jsonl');
    });
  });
});

describe('batchdrop teardown', () => {
  beforeAll(async () => {
    await close();
    await open();
  });

  const teardown = (...args: string[]) => stack.cli('teardown', ...args);
  const buckets = async () =>
    (await user.s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name);
  const REQUESTS = 'batchdrop-buckets-requests';
  const RESULTS = 'batchdrop-buckets-results';
  const ALL = ['batchdrop-buckets-access-logs', REQUESTS, RESULTS];
  const USERS = 'data-buckets-requests';

  it('shows what a deletion of the stack will leave, and cancels what runs only if it is told to', async () => {
    // The user's own bucket, in a construct of the same stack with the same names.
    stack.engines.s3.createBucket(USERS, { versioned: true, eventBridge: false });
    const own = {
      logicalId: 'DataBucketsRequests0A1B2C3D',
      physicalId: USERS,
      type: 'AWS::S3::Bucket',
      isRetained: true,
    };
    stack.engines.cloudFormation.add({ ...stack.described, resources: [...stack.described.resources, own] });
    await user.s3.send(new PutObjectCommand({ Bucket: USERS, Key: 'mine', Body: 'mine' }));
    await user.s3.send(new PutObjectCommand({ Bucket: REQUESTS, Key: 'a.jsonl', Body: 'one' }));
    await user.s3.send(new PutObjectCommand({ Bucket: REQUESTS, Key: 'a.jsonl', Body: 'two' }));
    await user.s3.send(new DeleteObjectCommand({ Bucket: REQUESTS, Key: 'a.jsonl' }));
    await user.s3.send(new CreateMultipartUploadCommand({ Bucket: RESULTS, Key: 'half.jsonl' }));
    await user.s3.send(new PutObjectCommand({ Bucket: RESULTS, Key: 'done.jsonl', Body: 'done' }));
    await openWork('org-1/proj-1');

    const shown = await teardown();
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('The stack Batchdrop of account 000000000000 is deployed');
    expect(shown.stdout).toMatch(/request files {2}batchdrop-buckets-requests {2}3 versions, 6 bytes\n/);
    expect(shown.stdout).toMatch(
      /results {8}batchdrop-buckets-results {2}1 version, 4 bytes, 1 incomplete upload\n/,
    );
    expect(shown.stdout).toContain('1 job is not over, with 1 batch that may run at the API');
    expect(shown.stdout).toContain('To delete the stack: npx cdk destroy Batchdrop');
    expect(shown.stdout).not.toContain(USERS);
    expect((await connection.ledger.readControl()).paused).toBe(false);

    const { stdout } = await teardown('--cancel', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      deployed: true,
      openJobs: 1,
      openBatches: 1,
      cancelled: true,
    });
    expect((await connection.ledger.readControl()).paused).toBe(true);
    const { Messages = [] } = await user.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: connection.names.cancelQueueUrl }),
    );
    expect(Messages.map(({ Body }) => JSON.parse(Body ?? ''))).toEqual([{ jobId: aJob().jobId }]);
    expect(await buckets()).toEqual([...ALL, USERS]);
  });

  it('deletes what the deleted stack left, after its name was given, and can be repeated', async () => {
    stack.engines.cloudFormation.remove('Batchdrop');
    const unnamed = await teardown();
    expect(unnamed.stdout).toContain('The stack Batchdrop of account 000000000000 is deleted. It left:');
    expect(unnamed).toMatchObject({ code: 1, stderr: expect.stringContaining('Add --yes Batchdrop') });
    expect((await teardown('--yes', 'batchdrop')).stderr).toContain(
      '--yes names batchdrop, but the stack is Batchdrop',
    );
    expect(await buckets()).toEqual([...ALL, USERS]);

    const kept = await teardown('--yes', 'Batchdrop', '--keep', 'results');
    expect(kept).toMatchObject({ code: 0, stderr: '' });
    expect(kept.stdout).toContain(`Deleted the request files: ${REQUESTS}`);
    expect(kept.stdout).toContain('Deleted the ledger: batchdrop-ledger-table');
    expect(kept.stdout).toContain(`delete-secret --secret-id ${SECRET}\n`);
    expect(kept.stdout).toContain(`${RESULTS}  1 version, 4 bytes, 1 incomplete upload (kept)`);
    expect(await buckets()).toEqual([RESULTS, USERS]);

    const { stdout } = await teardown('--yes', 'Batchdrop', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      deployed: false,
      deleted: [{ kind: 'results', name: RESULTS }],
    });
    expect(await buckets()).toEqual([USERS]);
    expect((await teardown()).stdout).toContain('is deleted. It left no data.');
    expect(await user.read(USERS, 'mine')).toBe('mine');
  });

  it('leaves data that another stack uses by now', async () => {
    stack.engines.s3.createBucket(RESULTS, { versioned: false, eventBridge: false });
    const output = { key: 'ResultsBucket', value: RESULTS };
    stack.engines.cloudFormation.add({ name: 'Next', parameters: {}, outputs: [output], resources: [] });
    const { code, stdout } = await teardown('--yes', 'Batchdrop');
    expect(code).toBe(0);
    expect(stdout).toContain(`${RESULTS} is used by the stack Next, so it is not touched.`);
    expect(await buckets()).toEqual([RESULTS, USERS]);
  });

  it('says if there was no such stack, and that one machine needs no teardown', async () => {
    const never = await batchdrop(['teardown', '--stack', 'Never'], { env: stack.environment });
    expect(never).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CloudFormation knows no stack Never'),
    });
    const local = await batchdrop(['teardown', '--endpoint', 'http://127.0.0.1:9'], { env: {} });
    expect(local).toMatchObject({ code: 1, stderr: expect.stringContaining('delete the directory') });
  });
});
