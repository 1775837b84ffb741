import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Authorizer } from '../../../local/aws/iam/authorizer.ts';
import { IamEngine } from '../../../local/aws/iam/engine.ts';
import { parseStatements } from '../../../local/aws/iam/statement.ts';
import { type Endpoint, startEndpoint } from '../../../local/aws/protocol/endpoint.ts';
import { clientConfig } from '../endpoint/client-config.ts';

const ROLE = 'arn:aws:iam::000000000000:role/worker';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:queue';
const authorizer = new Authorizer();
let endpoint: Endpoint;
let client: IAMClient;

beforeAll(async () => {
  const allow = { Effect: 'Allow', Action: ['sqs:SendMessage', 'sqs:ReceiveMessage'], Resource: `${QUEUE}*` };
  const deny = { Effect: 'Deny', Action: 'sqs:SendMessage', Resource: `${QUEUE}-closed` };
  const statements = parseStatements({ Version: '2012-10-17', Statement: [allow, deny] }, ROLE);
  authorizer.enforce(
    { ofRoles: new Map([[ROLE, statements]]), trust: new Map(), ofResources: new Map() },
    [],
    () => undefined,
  );
  endpoint = await startEndpoint({ services: [new IamEngine({ authorizer })], port: 0 });
  client = new IAMClient(clientConfig(endpoint.url));
});

afterAll(async () => {
  client.destroy();
  await endpoint.close();
});

const simulate = (PolicySourceArn: string) =>
  client.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn,
      ActionNames: ['sqs:SendMessage', 'sqs:DeleteMessage'],
      ResourceArns: [QUEUE, `${QUEUE}-closed`],
    }),
  );

it('says of each action on each resource what the policies of the role say', async () => {
  const { EvaluationResults = [] } = await simulate(ROLE);
  const said = EvaluationResults.map(
    ({ EvalActionName, EvalResourceName, EvalDecision }) =>
      `${EvalActionName} ${EvalResourceName?.split(':').at(-1)} ${EvalDecision}`,
  );
  expect(said).toEqual([
    'sqs:SendMessage queue allowed',
    'sqs:SendMessage queue-closed explicitDeny',
    'sqs:DeleteMessage queue implicitDeny',
    'sqs:DeleteMessage queue-closed implicitDeny',
  ]);
});

it('knows no other role', async () => {
  await expect(simulate(`${ROLE}-2`)).rejects.toMatchObject({ name: 'NoSuchEntityException' });
});
