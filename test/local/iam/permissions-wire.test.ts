import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { parseStatements } from '../../../local/aws/iam/statement.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { VirtualClock } from '../../../local/clock.ts';
import { Engines } from '../../../local/runtime/engines.ts';

const ROLE = 'arn:aws:iam::000000000000:role/worker-role';
const WORKER =
  'User: arn:aws:sts::000000000000:assumed-role/worker-role/worker is not authorized to perform: ';
const UNALLOWED = (action: string) => ` because no identity-based policy allows the ${action} action`;
const TABLE = {
  TableName: 'ledger',
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' as const }],
};

let directory: string;
let clock: VirtualClock;
let engines: Engines;
let endpoint: Endpoint;
let authorizer: Authorizer;
const clients: { destroy(): void }[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'batchdrop-wire-'));
  clock = new VirtualClock();
  authorizer = new Authorizer();
  const invocations = { invoke: async () => {}, invokeLater: () => {}, report: () => {} };
  engines = new Engines({ directory, clock, invocations, authorizer });
  engines.s3.createBucket('files', { versioned: true, eventBridge: false });
  engines.sqs.queues.createQueue('work', { time: 'clock' });
  engines.secrets.putSecret('keys/api', 'secret');
  await engines.dynamoDb.createTable(TABLE);
  endpoint = await startEndpoint({
    services: engines.all,
    port: 0,
    identities: authorizer,
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await endpoint.close();
  await engines.close();
  clock.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Allows the worker only these statements. */
function allow(...statements: object[]): void {
  const Statement = statements.map((each) => ({ Effect: 'Allow', Resource: '*', ...each }));
  authorizer.enforce(
    {
      ofRoles: new Map([[ROLE, parseStatements({ Statement }, 'P')]]),
      trust: new Map(),
      ofResources: new Map(),
    },
    [{ accessKeyId: 'LOCALWorker', roleArn: ROLE, sessionName: 'worker' }],
    () => undefined,
  );
}

function as<C extends { destroy(): void }>(accessKeyId: string, Client: new (config: object) => C): C {
  const credentials = { accessKeyId, secretAccessKey: authorizer.secretOf(accessKeyId) ?? 'anything' };
  const client = new Client({
    endpoint: endpoint.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  });
  clients.push(client);
  return client;
}

const worker = <C extends { destroy(): void }>(Client: new (config: object) => C) =>
  as('LOCALWorker', Client);
const owner = <C extends { destroy(): void }>(Client: new (config: object) => C) => as('anybody', Client);

describe('a call that the role of a function does not allow', () => {
  beforeEach(() => allow({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::files/own/*' }));

  it.each([
    [
      'SQS',
      () =>
        worker(SQSClient).send(
          new SendMessageCommand({ QueueUrl: `${endpoint.url}/000000000000/work`, MessageBody: 'x' }),
        ),
      'sqs:SendMessage',
      'arn:aws:sqs:us-east-1:000000000000:work',
    ],
    [
      'DynamoDB',
      () => worker(DynamoDBClient).send(new GetItemCommand({ TableName: 'ledger', Key: { pk: { S: 'a' } } })),
      'dynamodb:GetItem',
      'arn:aws:dynamodb:us-east-1:000000000000:table/ledger',
    ],
    [
      'DynamoDB, of an index',
      () =>
        worker(DynamoDBClient).send(
          new QueryCommand({ TableName: 'ledger', IndexName: 'due', KeyConditionExpression: 'a = :a' }),
        ),
      'dynamodb:Query',
      'arn:aws:dynamodb:us-east-1:000000000000:table/ledger/index/due',
    ],
    [
      'EventBridge',
      () =>
        worker(EventBridgeClient).send(
          new PutEventsCommand({
            Entries: [{ Source: 's', DetailType: 't', Detail: '{}', EventBusName: 'status' }],
          }),
        ),
      'events:PutEvents',
      'arn:aws:events:us-east-1:000000000000:event-bus/status',
    ],
    [
      'Secrets Manager, by the name',
      () => worker(SecretsManagerClient).send(new GetSecretValueCommand({ SecretId: 'keys/api' })),
      'secretsmanager:GetSecretValue',
      expect.stringMatching(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:keys\/api-\w{6}$/),
    ],
  ])('is denied by %s with the caller, the action and the resource', async (_, call, action, resource) => {
    const refusal = await call().then(
      () => new Error('it was allowed'),
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    expect(refusal.name).toMatch(/^AccessDenied(Exception)?$/); // the SDK shows SQS's older name
    const { message } = refusal;
    const [, found = ''] = / on resource: (\S+) because /.exec(message) ?? [];
    expect(found).toEqual(resource);
    expect(message).toBe(`${WORKER}${action} on resource: ${found}${UNALLOWED(action)}`);
  });

  it('is denied by S3 with its own error code', async () => {
    const put = new PutObjectCommand({ Bucket: 'files', Key: 'other/a', Body: 'x' });
    await expect(worker(S3Client).send(put)).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
      message: `${WORKER}s3:PutObject on resource: arn:aws:s3:::files/other/a${UNALLOWED('s3:PutObject')}`,
    });
  });

  it('is denied by a service that no function needs', async () => {
    await expect(worker(CloudFormationClient).send(new DescribeStacksCommand({}))).rejects.toThrow();
    await owner(CloudFormationClient).send(new DescribeStacksCommand({}));
  });

  it('is allowed for the account’s owner, who has any other key', async () => {
    await owner(S3Client).send(new PutObjectCommand({ Bucket: 'files', Key: 'other/a', Body: 'x' }));
    await worker(S3Client).send(new PutObjectCommand({ Bucket: 'files', Key: 'own/a', Body: 'x' }));
  });
});

describe('S3 checks', () => {
  const Bucket = 'files';

  async function put(Key: string): Promise<string> {
    const { VersionId } = await owner(S3Client).send(new PutObjectCommand({ Bucket, Key, Body: 'content' }));
    return VersionId ?? '';
  }

  it('another permission to read a version than to read the newest', async () => {
    const VersionId = await put('a');
    allow({ Action: 's3:GetObjectVersion' });
    await worker(S3Client).send(new GetObjectCommand({ Bucket, Key: 'a', VersionId }));
    await expect(worker(S3Client).send(new GetObjectCommand({ Bucket, Key: 'a' }))).rejects.toThrow(
      's3:GetObject on',
    );
    allow({ Action: 's3:GetObject' });
    await worker(S3Client).send(new GetObjectCommand({ Bucket, Key: 'a' }));
    await expect(
      worker(S3Client).send(new GetObjectCommand({ Bucket, Key: 'a', VersionId })),
    ).rejects.toThrow('s3:GetObjectVersion on');
  });

  it('the permission to list, before it reports that an object is missing', async () => {
    const head = new HeadObjectCommand({ Bucket, Key: 'missing' });
    allow({ Action: 's3:GetObject' });
    await expect(worker(S3Client).send(head)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    allow({ Action: ['s3:GetObject', 's3:ListBucket'] });
    await expect(worker(S3Client).send(head)).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  });

  it('another permission to tag, for a write with tags as well, and for the tags of a version', async () => {
    const VersionId = await put('a');
    const tagged = new PutObjectCommand({ Bucket, Key: 'a', Body: 'x', Tagging: 'k=v' });
    const begun = new CreateMultipartUploadCommand({ Bucket, Key: 'a', Tagging: 'k=v' });
    const tags = new PutObjectTaggingCommand({ Bucket, Key: 'a', Tagging: { TagSet: [] } });
    const ofVersion = new PutObjectTaggingCommand({ ...tags.input, VersionId });
    allow({ Action: ['s3:PutObject', 's3:PutObjectVersionTagging', 's3:GetObjectTagging'] });
    const denied = 's3:PutObjectTagging on';
    await expect(worker(S3Client).send(tagged)).rejects.toThrow(denied);
    await expect(worker(S3Client).send(begun)).rejects.toThrow(denied);
    await expect(worker(S3Client).send(tags)).rejects.toThrow(denied);
    await worker(S3Client).send(ofVersion);
    await worker(S3Client).send(new GetObjectTaggingCommand({ Bucket, Key: 'a' }));
    const read = new GetObjectTaggingCommand({ Bucket, Key: 'a', VersionId });
    await expect(worker(S3Client).send(read)).rejects.toThrow('s3:GetObjectVersionTagging on');
    allow({ Action: ['s3:PutObject', 's3:PutObjectTagging', 's3:GetObjectVersionTagging'] });
    await worker(S3Client).send(tagged);
    await worker(S3Client).send(begun);
    await worker(S3Client).send(tags);
    await worker(S3Client).send(read);
    await expect(worker(S3Client).send(ofVersion)).rejects.toThrow('s3:PutObjectVersionTagging on');
  });

  it('the permissions to read the source of a copy and to write its target', async () => {
    await put('a');
    const copy = new CopyObjectCommand({ Bucket, Key: 'b', CopySource: 'files/a' });
    allow({ Action: 's3:PutObject' });
    await expect(worker(S3Client).send(copy)).rejects.toThrow(
      's3:GetObject on resource: arn:aws:s3:::files/a ',
    );
    allow({ Action: 's3:GetObject' });
    await expect(worker(S3Client).send(copy)).rejects.toThrow(
      's3:PutObject on resource: arn:aws:s3:::files/b ',
    );
    allow({ Action: ['s3:GetObject', 's3:PutObject'] });
    await worker(S3Client).send(copy);
  });

  it('the permission to delete each object, and deletes the allowed ones', async () => {
    allow({ Action: 's3:DeleteObject', Resource: 'arn:aws:s3:::files/own/*' });
    const Objects = [{ Key: 'own/a' }, { Key: 'other/a' }];
    const answer = await worker(S3Client).send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted).toMatchObject([{ Key: 'own/a' }]);
    expect(answer.Errors).toMatchObject([{ Key: 'other/a', Code: 'AccessDenied' }]);
  });

  it('only the permission to write for a multipart upload, and only the one to list for a listing', async () => {
    allow({ Action: 's3:PutObject', Resource: 'arn:aws:s3:::files/*' });
    await worker(S3Client).send(new CreateMultipartUploadCommand({ Bucket, Key: 'a' }));
    await expect(worker(S3Client).send(new ListObjectsV2Command({ Bucket }))).rejects.toThrow(
      's3:ListBucket on resource: arn:aws:s3:::files ',
    );
  });
});

describe('a policy', () => {
  const get = () => worker(SecretsManagerClient).send(new GetSecretValueCommand({ SecretId: 'keys/api' }));
  const suffixed = (ending: string) =>
    `arn:aws:secretsmanager:us-east-1:000000000000:secret:keys/api${ending}`;

  it.each([
    [
      'with exactly six characters after a secret’s name',
      { Action: 'secretsmanager:GetSecretValue', Resource: suffixed('-??????') },
    ],
    ['with any number of characters', { Action: 'secretsmanager:Get*', Resource: suffixed('*') }],
    ['with another case of the action', { Action: 'SecretsManager:getsecretvalue' }],
    ['for all actions', { Action: '*' }],
  ])('%s allows', async (_, statement) => {
    allow(statement);
    await expect(get()).resolves.toMatchObject({ SecretString: 'secret' });
  });

  it.each([
    ['with five characters', { Action: 'secretsmanager:GetSecretValue', Resource: suffixed('-?????') }],
    ['with another case of the resource', { Action: '*', Resource: suffixed('*').toUpperCase() }],
    ['with a false condition', { Action: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
    [
      'with a condition on a key that the request does not have',
      { Action: '*', Condition: { ArnLike: { 'aws:SourceArn': '*:*:*:*:*:*' } } },
    ],
  ])('%s does not', async (_, statement) => {
    allow(statement);
    await expect(get()).rejects.toThrow('no identity-based policy allows');
  });

  it('that denies overrides all that allow', async () => {
    allow({ Action: '*' }, { Effect: 'Deny', Action: 'secretsmanager:*', Resource: suffixed('*') });
    await expect(get()).rejects.toThrow('with an explicit deny');
  });
});
