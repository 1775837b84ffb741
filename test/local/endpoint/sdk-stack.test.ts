import {
  CloudFormationClient,
  paginateDescribeStacks,
  paginateListStackResources,
  waitUntilStackCreateComplete,
  waitUntilStackExists,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { S3Client, waitUntilBucketExists } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChildRuntime } from '../../integration/child-runtime.ts';
import { clientConfig } from './client-config.ts';

const PATIENT = { maxWaitTime: 30, minDelay: 0.1, maxDelay: 0.1 };
const SUCCESS = { state: 'SUCCESS' };
const StackName = 'Batchdrop';
let runtime: ChildRuntime;
let client: CloudFormationClient;

beforeAll(async () => {
  runtime = await ChildRuntime.start({});
  client = new CloudFormationClient(clientConfig(runtime.names.url));
});

afterAll(async () => {
  client?.destroy();
  await runtime?.discard();
});

async function outputs(): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for await (const { Stacks = [] } of paginateDescribeStacks({ client }, { StackName })) {
    for (const { Outputs = [] } of Stacks) {
      found.push(...Outputs.map((each): [string, string] => [each.OutputKey ?? '', each.OutputValue ?? '']));
    }
  }
  return Object.fromEntries(found);
}

it('the stack of npm start exists and is complete', async () => {
  expect(await waitUntilStackExists({ client, ...PATIENT }, { StackName })).toMatchObject(SUCCESS);
  expect(await waitUntilStackCreateComplete({ client, ...PATIENT }, { StackName })).toMatchObject(SUCCESS);
});

it('its outputs name the resources', async () => {
  const { requestBucket, resultsBucket, cancelQueueUrl, eventBus, ledgerTable, url } = runtime.names;
  expect(await outputs()).toMatchObject({
    RequestBucket: requestBucket,
    ResultsBucket: resultsBucket,
    CancelQueueUrl: cancelQueueUrl,
    EventBus: eventBus,
    LedgerTable: ledgerTable,
  });
  const s3 = new S3Client(clientConfig(url));
  const dynamoDb = new DynamoDBClient(clientConfig(url));
  const waits = await Promise.all([
    waitUntilBucketExists({ client: s3, ...PATIENT }, { Bucket: requestBucket }),
    waitUntilTableExists({ client: dynamoDb, ...PATIENT }, { TableName: ledgerTable }),
  ]);
  expect(waits).toMatchObject([SUCCESS, SUCCESS]);
  s3.destroy();
  dynamoDb.destroy();
});

it('its resources are those of the template, with their local names', async () => {
  const found = new Map<string, string[]>();
  for await (const page of paginateListStackResources({ client }, { StackName })) {
    for (const { ResourceType = '', PhysicalResourceId = '' } of page.StackResourceSummaries ?? []) {
      found.set(ResourceType, [...(found.get(ResourceType) ?? []), PhysicalResourceId]);
    }
  }
  expect(found.get('AWS::DynamoDB::Table')).toEqual([runtime.names.ledgerTable]);
  expect(found.get('AWS::SQS::Queue')).toContain(runtime.names.cancelQueueUrl);
  expect(found.get('AWS::Lambda::Function')).toHaveLength(7); // with WEBHOOK
});
