import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { WHEREABOUTS_SECRET, type Whereabouts } from '../local/runtime/data-directory.ts';
import { Failure } from './failure.ts';
import { clientConfigAt, type Place, stackIn } from './place.ts';

/** What the outputs of a stack name. */
export interface StackNames {
  readonly requestBucket: string;
  readonly resultsBucket: string;
  readonly cancelQueueUrl: string;
  readonly eventBus: string;
  readonly ledgerTable: string;
}

/** The API that the functions call, and the secret with its key. */
export interface ApiNames {
  readonly baseUrl: string;
  readonly secret: string;
}

/** Asks CloudFormation, on one machine as in an account; throws a Failure when that is no Batchdrop. */
export async function namesOf(place: Place): Promise<StackNames> {
  const output = await outputsOf(place);
  return {
    requestBucket: output('RequestBucket'),
    resultsBucket: output('ResultsBucket'),
    cancelQueueUrl: output('CancelQueueUrl'),
    eventBus: output('EventBus'),
    ledgerTable: output('LedgerTable'),
  };
}

/** The same for the API. On one machine the functions call another than the template says, which the runtime tells. */
export async function apiOf(place: Place): Promise<ApiNames> {
  const output = await outputsOf(place);
  const baseUrl = place.kind === 'local' ? (await whereabouts(place)).openAiUrl : output('ApiBaseUrl');
  return { baseUrl, secret: output('ApiKeySecret') };
}

async function outputsOf(place: Place): Promise<(name: string) => string> {
  const { Outputs = [] } = await describe(place);
  return (name) => {
    const value = Outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue;
    if (value !== undefined) return value;
    throw new Failure(
      `The stack ${stackIn(place)} has no output ${name}: it is no Batchdrop, or not up yet, or of another version.`,
    );
  };
}

async function whereabouts(place: Place): Promise<Whereabouts> {
  const client = new SecretsManagerClient(clientConfigAt(place));
  try {
    const { SecretString = '' } = await client.send(
      new GetSecretValueCommand({ SecretId: WHEREABOUTS_SECRET }),
    );
    const told: Whereabouts = JSON.parse(SecretString);
    return told;
  } finally {
    client.destroy();
  }
}

async function describe(place: Place): Promise<Stack> {
  const client = new CloudFormationClient(clientConfigAt(place));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackIn(place) }));
    const [stack] = Stacks;
    if (stack === undefined) throw new Failure(`CloudFormation did not describe ${stackIn(place)}.`);
    return stack;
  } catch (cause) {
    if (!(cause instanceof Error) || !/does not exist/.test(cause.message)) throw cause;
    throw new Failure(
      `There is no stack ${stackIn(place)} there: give its name with --stack, its region with --region and its account with --profile.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}
