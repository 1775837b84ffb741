import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  paginateListStackResources,
  waitUntilStackCreateComplete,
} from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudFormationEngine } from '../../../local/aws/cloudformation/engine.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { describeStack } from '../../../local/runtime/template/describe-stack.ts';
import { AppScope } from '../../../local/runtime/template/template-scope.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { clientConfig } from '../endpoint/client-config.ts';

const clock = new ManualClock();
const engine = new CloudFormationEngine({ now: () => clock.now() });
let endpoint: Endpoint;
let client: CloudFormationClient;

const MANY = Array.from({ length: 250 }, (_, at) => ({
  logicalId: `Queue${String(at).padStart(3, '0')}`,
  physicalId: `http://127.0.0.1:4566/000000000000/queue-${at}`,
  type: 'AWS::SQS::Queue',
}));

beforeAll(async () => {
  engine.add({
    name: 'Batchdrop',
    description: 'Runs <files> & tells',
    parameters: { BootstrapVersion: '/cdk-bootstrap/version' },
    outputs: [
      { key: 'EventBus', value: 'batchdrop-bus', description: 'events: "put-rule" & more' },
      { key: 'CancelQueueUrl', value: 'http://127.0.0.1:4566/000000000000/cancel' },
    ],
    resources: [{ logicalId: 'Bus', physicalId: 'batchdrop-bus', type: 'AWS::Events::EventBus' }],
  });
  engine.add({ name: 'Large', parameters: {}, outputs: [], resources: MANY });
  endpoint = await startEndpoint({ services: [engine], port: 0 });
  client = new CloudFormationClient(clientConfig(endpoint.url));
});

afterAll(async () => {
  client.destroy();
  await endpoint.close();
});

async function onlyStack(StackName: string) {
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  expect(Stacks).toHaveLength(1);
  return Stacks[0];
}

describe('a stack', () => {
  it('is described with its outputs and parameters', async () => {
    expect(await onlyStack('Batchdrop')).toMatchObject({
      StackName: 'Batchdrop',
      StackStatus: 'CREATE_COMPLETE',
      Description: 'Runs <files> & tells',
      CreationTime: new Date(clock.now()),
      Parameters: [{ ParameterKey: 'BootstrapVersion', ParameterValue: '/cdk-bootstrap/version' }],
      Outputs: [
        {
          OutputKey: 'EventBus',
          OutputValue: 'batchdrop-bus',
          Description: 'events: "put-rule" & more',
        },
        { OutputKey: 'CancelQueueUrl', OutputValue: 'http://127.0.0.1:4566/000000000000/cancel' },
      ],
    });
  });

  it('is also found by its id', async () => {
    const { StackId = '' } = (await onlyStack('Batchdrop')) ?? {};
    expect(StackId).toMatch(
      /^arn:aws:cloudformation:us-east-1:000000000000:stack\/Batchdrop\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
    expect(await onlyStack(StackId)).toMatchObject({ StackName: 'Batchdrop' });
  });

  it('without outputs and parameters has empty lists', async () => {
    expect(await onlyStack('Large')).toMatchObject({ Outputs: [], Parameters: [] });
  });

  it('is one of all stacks if no name is given', async () => {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
    expect(Stacks.map((stack) => stack.StackName)).toEqual(['Batchdrop', 'Large']);
  });

  it('is listed with its status and no other', async () => {
    const names = async (StackStatusFilter?: ('CREATE_COMPLETE' | 'DELETE_COMPLETE')[]) => {
      const { StackSummaries = [] } = await client.send(new ListStacksCommand({ StackStatusFilter }));
      return StackSummaries.map((summary) => summary.StackName);
    };
    expect(await names()).toEqual(['Batchdrop', 'Large']);
    expect(await names(['DELETE_COMPLETE', 'CREATE_COMPLETE'])).toEqual(['Batchdrop', 'Large']);
    expect(await names(['DELETE_COMPLETE'])).toEqual([]);
  });

  it('that is missing fails with the message of CloudFormation', async () => {
    await expect(client.send(new DescribeStacksCommand({ StackName: 'Nowhere' }))).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'Stack with id Nowhere does not exist',
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('has resources with their physical ids', async () => {
    const { StackResources } = await client.send(
      new DescribeStackResourcesCommand({ StackName: 'Batchdrop' }),
    );
    expect(StackResources).toMatchObject([
      {
        StackName: 'Batchdrop',
        LogicalResourceId: 'Bus',
        PhysicalResourceId: 'batchdrop-bus',
        ResourceType: 'AWS::Events::EventBus',
        ResourceStatus: 'CREATE_COMPLETE',
      },
    ]);
  });

  it('that was deleted is found by its id only, and its events say what it left', async () => {
    const resources = [
      { logicalId: 'Data', physicalId: 'data-bucket', type: 'AWS::S3::Bucket', isRetained: true },
      { logicalId: 'Queue', physicalId: 'queue', type: 'AWS::SQS::Queue' },
    ];
    const brief = { parameters: {}, outputs: [] };
    engine.add({ name: 'Brief', ...brief, resources });
    const { StackId = '' } = (await onlyStack('Brief')) ?? {};
    const left = async () => {
      const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: StackId }));
      return StackEvents.map((event) => `${event.PhysicalResourceId} ${event.ResourceStatus}`).sort();
    };
    expect(await left()).toEqual([]);
    engine.remove('Brief');
    expect(await left()).toEqual(['data-bucket DELETE_SKIPPED', 'queue DELETE_COMPLETE']);
    expect(await onlyStack(StackId)).toMatchObject({ StackStatus: 'DELETE_COMPLETE' });
    await expect(client.send(new DescribeStacksCommand({ StackName: 'Brief' }))).rejects.toThrow(
      'does not exist',
    );
    const { StackSummaries } = await client.send(
      new ListStacksCommand({ StackStatusFilter: ['DELETE_COMPLETE'] }),
    );
    expect(StackSummaries).toMatchObject([{ StackName: 'Brief', StackId }]);

    engine.add({ name: 'Brief', ...brief, resources });
    const again = await onlyStack('Brief');
    expect(again?.StackId).not.toBe(StackId);
    engine.add({ name: 'Brief', ...brief, resources: [] });
    const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: 'Brief' }));
    expect(StackEvents).toHaveLength(2);
    engine.remove('Brief');
  });

  it('has its resources listed in pages of a hundred, each once', async () => {
    const pages: string[][] = [];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources(
      { client },
      { StackName: 'Large' },
    )) {
      pages.push(StackResourceSummaries.flatMap(({ LogicalResourceId }) => LogicalResourceId ?? []));
    }
    expect(pages.map((page) => page.length)).toEqual([100, 100, 50]);
    expect(pages.flat()).toEqual(MANY.map(({ logicalId }) => logicalId));
  });

  it('rejects an unknown token', async () => {
    const asking = client.send(new ListStackResourcesCommand({ StackName: 'Large', NextToken: 'mine' }));
    await expect(asking).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('ends the wait of a waiter when it is created', async () => {
    const waiting = waitUntilStackCreateComplete(
      { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
      { StackName: 'Batchdrop' },
    );
    await expect(waiting).resolves.toMatchObject({ state: 'SUCCESS' });
  });
});

describe('a request', () => {
  const post = (body: string) =>
    fetch(endpoint.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization:
          'AWS4-HMAC-SHA256 Credential=any/20261101/us-east-1/cloudformation/aws4_request, Signature=x',
      },
      body,
    });

  it('for an operation that is not implemented fails with its name', async () => {
    const answer = await post('Action=CreateStack&StackName=Mine&Version=2010-05-15');
    expect(answer.status).toBe(501);
    expect(await answer.text()).toContain(
      '<Message>CreateStack is not implemented by this local endpoint.</Message>',
    );
  });

  it('for resources without a stack name fails', async () => {
    const answer = await post('Action=DescribeStackResources&Version=2010-05-15');
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(
      '<Code>ValidationError</Code><Message>StackName must be specified</Message>',
    );
  });
});

describe('a template', () => {
  const template = {
    Description: 'Mine',
    Mappings: {},
    Parameters: { Stage: { Default: 'dev' } },
    Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
    Resources: {
      WorkQueue1A2B3C4D: { Type: 'AWS::SQS::Queue' },
      Bus1A2B3C4D: { Type: 'AWS::Events::EventBus', Properties: { Name: 'own-bus' } },
      Other1A2B3C4D: { Type: 'AWS::SQS::Queue', Condition: 'Never' },
    },
    Outputs: {
      Command: {
        Value: { 'Fn::Join': ['', ['send to ', { Ref: 'WorkQueue1A2B3C4D' }]] },
        Description: 'how',
      },
      Hidden: { Value: { Ref: 'Other1A2B3C4D' }, Condition: 'Never' },
    },
  };
  const { stacks } = new AppScope(
    [{ name: 'Batchdrop', environment: {}, template }],
    'http://127.0.0.1:4566',
  );
  const [described] = stacks.map(describeStack);

  it('is described with the values of Ref, without the resources whose conditions are false', () => {
    expect(described).toEqual({
      name: 'Batchdrop',
      description: 'Mine',
      parameters: { Stage: 'dev' },
      outputs: [
        {
          key: 'Command',
          value: 'send to http://127.0.0.1:4566/000000000000/batchdrop-work-queue',
          description: 'how',
        },
      ],
      resources: [
        {
          logicalId: 'WorkQueue1A2B3C4D',
          physicalId: 'http://127.0.0.1:4566/000000000000/batchdrop-work-queue',
          type: 'AWS::SQS::Queue',
        },
        { logicalId: 'Bus1A2B3C4D', physicalId: 'own-bus', type: 'AWS::Events::EventBus' },
      ],
    });
  });
});
