import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListEventBusesCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import type { Credentials } from '../../../local/aws/iam/signature.ts';
import { parseStatements } from '../../../local/aws/iam/statement.ts';
import { startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { Engines } from '../../../local/runtime/engines.ts';

const OWNER = { accessKeyId: 'BATCHDROPOWNER', secretAccessKey: 'made for this directory' };
const ROLE = 'arn:aws:iam::000000000000:role/worker-role';
const KEY_SECRET = 'keys/api';
const KEY = 'sk-nobody-else';
const AHEAD_MS = 5 * 60 * 60_000; // how far the functions' time is ahead of the wall clock

const closing: (() => unknown)[] = [];
let signed: string;
let unsigned: string;
let worker: Credentials;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'batchdrop-signed-'));
  const clock = new VirtualClock({ start: Date.now() + AHEAD_MS });
  const authorizer = new Authorizer();
  const invocations = { invoke: async () => {}, invokeLater: () => {}, report: () => {} };
  const engines = new Engines({ directory, clock, invocations, authorizer });
  engines.s3.createBucket('files', { versioned: true, eventBridge: false });
  engines.sqs.queues.createQueue('work', { time: 'clock' });
  engines.secrets.putFunctionSecret(KEY_SECRET, KEY);
  engines.secrets.putSecret('others', 'readable');
  const Statement = [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }];
  const ofRoles = new Map([[ROLE, parseStatements({ Statement }, 'P')]]);
  const identity = { accessKeyId: 'LOCALWorker', roleArn: ROLE, sessionName: 'worker' };
  authorizer.enforce({ ofRoles, trust: new Map(), ofResources: new Map() }, [identity], () => undefined);
  worker = authorizer.credentialsOf('LOCALWorker');
  const common = { services: engines.all, port: 0, identities: authorizer, functionNow: () => clock.now() };
  const endpoints = [await startEndpoint({ ...common, owner: OWNER }), await startEndpoint(common)];
  [signed = '', unsigned = ''] = endpoints.map(({ url }) => url);
  closing.push(
    () => rmSync(directory, { recursive: true }),
    () => clock.close(),
    () => engines.close(),
    () => Promise.all(endpoints.map((endpoint) => endpoint.close())),
  );
});

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

function clientOf<C extends { destroy(): void }>(
  Client: new (config: object) => C,
  endpoint: string,
  credentials: Credentials,
): C {
  const client = new Client({
    endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
    forcePathStyle: true,
  });
  closing.push(() => client.destroy());
  return client;
}

type Calling = (endpoint: string, credentials: Credentials) => Promise<unknown>;

/** One call of each service. */
const CALLS: Record<string, Calling> = {
  S3: (...at) =>
    clientOf(S3Client, ...at).send(
      new PutObjectCommand({ Bucket: 'files', Key: 'a b/ü+%.jsonl', Body: '{}', Metadata: { who: 'me' } }),
    ),
  SQS: (...at) =>
    clientOf(SQSClient, ...at).send(
      new SendMessageCommand({ QueueUrl: `${at[0]}/000000000000/work`, MessageBody: 'x' }),
    ),
  EventBridge: (...at) => clientOf(EventBridgeClient, ...at).send(new ListEventBusesCommand()),
  DynamoDB: (...at) => clientOf(DynamoDBClient, ...at).send(new ListTablesCommand()),
  Scheduler: (...at) =>
    clientOf(SchedulerClient, ...at).send(new ListSchedulesCommand({ NamePrefix: 'x y' })),
  'Secrets Manager': (...at) =>
    clientOf(SecretsManagerClient, ...at).send(new GetSecretValueCommand({ SecretId: 'others' })),
  CloudFormation: (...at) => clientOf(CloudFormationClient, ...at).send(new DescribeStacksCommand()),
};

describe.each(Object.entries(CALLS))('a call to %s where calls must be signed', (service, call) => {
  it("is accepted with the owner's credentials", async () => {
    await expect(call(signed, OWNER)).resolves.toBeDefined();
  });

  it('is refused with a wrong secret, or with any other key', async () => {
    const mismatch = service === 'S3' ? 'SignatureDoesNotMatch' : 'InvalidSignatureException';
    const unknown = service === 'S3' ? 'InvalidAccessKeyId' : 'UnrecognizedClientException';
    const wrong = { ...OWNER, secretAccessKey: 'guessed' };
    await expect(call(signed, wrong)).rejects.toMatchObject({ name: mismatch });
    await expect(call(signed, { ...worker, secretAccessKey: 'local' })).rejects.toMatchObject({
      name: mismatch,
    });
    const anybody = { accessKeyId: 'anybody', secretAccessKey: 'anything' };
    await expect(call(signed, anybody)).rejects.toMatchObject({
      name: unknown,
      message: expect.stringContaining('signed with the credentials in its data directory'),
    });
  });

  it('is accepted with any credentials where calls need not be signed', async () => {
    await expect(call(unsigned, { accessKeyId: 'anybody', secretAccessKey: 'x' })).resolves.toBeDefined();
  });
});

describe('a request without a signature where calls must be signed', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])('is refused: %s', async (method) => {
    for (const path of ['/', '/files', '/files/a', '/000000000000/work?X-Amz-Credential=a/b/c/sqs/d']) {
      expect((await fetch(`${signed}${path}`, { method })).status).toBe(403);
    }
  });

  it('is refused after 15 minutes, by the wall clock and by the time of the functions', async () => {
    const at = async (ms: number) => {
      const client = clientOf(S3Client, signed, OWNER);
      client.config.systemClockOffset = ms;
      return client.send(new GetObjectCommand({ Bucket: 'files', Key: 'none' })).catch(({ name }) => name);
    };
    const minute = 60_000;
    expect(await at(0)).toBe('NoSuchKey');
    expect(await at(14 * minute)).toBe('NoSuchKey');
    expect(await at(AHEAD_MS)).toBe('NoSuchKey');
    expect(await at(-16 * minute)).toBe('RequestTimeTooSkewed');
    expect(await at(16 * minute)).toBe('RequestTimeTooSkewed');
    expect(await at(AHEAD_MS + 16 * minute)).toBe('RequestTimeTooSkewed');
  });
});

describe("the secret with the API's key", () => {
  const read = (endpoint: string, credentials: Credentials, SecretId = KEY_SECRET) =>
    clientOf(SecretsManagerClient, endpoint, credentials)
      .send(new GetSecretValueCommand({ SecretId }))
      .then(({ SecretString }) => SecretString);

  it.each(['signed', 'unsigned'] as const)('is readable only by functions (%s calls)', async (kind) => {
    const endpoint = { signed, unsigned }[kind];
    expect(await read(endpoint, worker)).toBe(KEY);
    const denied = { name: 'AccessDeniedException' };
    const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:keys/api';
    for (const id of [KEY_SECRET, arn]) {
      await expect(read(endpoint, OWNER, id)).rejects.toMatchObject(
        id === arn ? { name: expect.stringMatching(/^(AccessDenied|ResourceNotFound)/) } : denied,
      );
    }
    // Everybody knows the name of a function's key, but nobody knows its secret.
    await expect(read(endpoint, { ...worker, secretAccessKey: 'local' })).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });

  it('remains so when its owner stores another key, and its description reveals nothing', async () => {
    const client = clientOf(SecretsManagerClient, signed, OWNER);
    await client.send(new PutSecretValueCommand({ SecretId: KEY_SECRET, SecretString: KEY }));
    await expect(read(signed, OWNER)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const described = await client.send(new DescribeSecretCommand({ SecretId: KEY_SECRET }));
    expect(JSON.stringify(described)).not.toContain(KEY);
  });
});
