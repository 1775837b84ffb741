import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as secretsmanager from '@aws-sdk/client-secrets-manager';
import * as sqs from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { Engines } from '../../../local/runtime/engines.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from './client-config.ts';

/** A client of one service, and all exports of its package. */
interface Sdk {
  readonly client: { send(command: object): Promise<unknown>; destroy(): void };
  readonly exported: object;
}

type Command = new (input: object) => object;

// The input that the SDK needs to address a request, and that distinguishes operations of S3.
const INPUT = {
  Bucket: 'bucket',
  Key: 'key',
  Body: '',
  UploadId: 'upload',
  CopySource: 'bucket/key',
  Id: 'id',
  Name: 'name',
  ResourceArn: 'arn',
  // Parts of Lambda's paths.
  CallbackId: 'callback',
  CapacityProviderName: 'provider',
  CodeSigningConfigArn: 'arn',
  DurableExecutionArn: 'arn',
  FunctionName: 'function',
  LayerName: 'layer',
  Resource: 'arn',
  StatementId: 'statement',
  UUID: 'uuid',
  VersionNumber: 1,
};
// Sent to a different host, not to the client's endpoint.
const OF_ANOTHER_HOST = new Set(['WriteGetObjectResponse']);
const SERVICES = [
  's3',
  'sqs',
  'events',
  'dynamodb',
  'scheduler',
  'secretsmanager',
  'cloudformation',
  'lambda',
  'iam',
] as const;

const directory = mkdtempSync(join(tmpdir(), 'batchdrop-operations-'));
const engines = new Engines({
  directory,
  clock: new ManualClock(),
  invocations: { invoke: async () => {}, invokeLater: () => {}, report: () => {} },
  authorizer: new Authorizer(),
});
let endpoint: Endpoint;
let sdks: Record<(typeof SERVICES)[number], Sdk>;

beforeAll(async () => {
  endpoint = await startEndpoint({ services: engines.all, port: 0 });
  const config = { ...clientConfig(endpoint.url), maxAttempts: 1 };
  sdks = {
    s3: { client: new s3.S3Client({ ...config, forcePathStyle: true }), exported: s3 },
    sqs: { client: new sqs.SQSClient(config), exported: sqs },
    events: { client: new events.EventBridgeClient(config), exported: events },
    dynamodb: { client: new dynamodb.DynamoDBClient(config), exported: dynamodb },
    scheduler: { client: new scheduler.SchedulerClient(config), exported: scheduler },
    secretsmanager: { client: new secretsmanager.SecretsManagerClient(config), exported: secretsmanager },
    cloudformation: { client: new cloudformation.CloudFormationClient(config), exported: cloudformation },
    lambda: { client: new lambda.LambdaClient(config), exported: lambda },
    iam: { client: new iam.IAMClient(config), exported: iam },
  };
});

afterAll(async () => {
  for (const { client } of Object.values(sdks)) client.destroy();
  await endpoint.close();
  await engines.close();
  rmSync(directory, { recursive: true });
});

const isCommand = (exported: unknown): exported is Command =>
  typeof exported === 'function' && 'getEndpointParameterInstructions' in exported;

/** Returns every operation of the service in the SDK, with its command. */
function commandsOf({ exported }: Sdk): [string, Command][] {
  return Object.entries(exported)
    .filter((entry): entry is [string, Command] => entry[0] !== '$Command' && isCommand(entry[1]))
    .map(([name, command]): [string, Command] => [name.replace(/Command$/, ''), command])
    .filter(([name]) => !OF_ANOTHER_HOST.has(name));
}

/**
 * Returns whether the endpoint has the operation, so that the status is not 501. Throws if the request was not sent.
 */
async function isImplemented({ client }: Sdk, Command: Command): Promise<boolean> {
  try {
    await client.send(new Command(INPUT));
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    return status !== 501;
  }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { $metadata } = error;
  if (typeof $metadata !== 'object' || $metadata === null || !('httpStatusCode' in $metadata))
    return undefined;
  return typeof $metadata.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined;
}

/** Returns the README's table: operations by the service's signing name. */
function documented(): Map<string, string[]> {
  const readme = readFileSync(new URL('../../../local/aws/README.md', import.meta.url), 'utf8');
  const rows = readme.matchAll(/^\| `(?<service>[a-z0-9]+)` \|.*\| (?<operations>[^|]+) \|$/gm);
  return new Map(
    [...rows].map(({ groups = {} }) => [
      groups.service ?? '',
      [...(groups.operations ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    ]),
  );
}

it('the README has a line for each service of the endpoint', () => {
  const served = engines.all.map(({ signingName }) => signingName);
  expect([...documented().keys()].toSorted()).toEqual(served.toSorted());
  expect([...SERVICES].toSorted()).toEqual(served.toSorted());
});

it.each(SERVICES)('%s: the README lists the operations that an AWS client can call', async (service) => {
  const sdk = sdks[service];
  const implemented: string[] = [];
  for (const [name, command] of commandsOf(sdk)) {
    if (await isImplemented(sdk, command)) implemented.push(name);
  }
  expect(documented().get(service)).toEqual(implemented.toSorted());
});
