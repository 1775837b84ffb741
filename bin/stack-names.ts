import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import { Failure } from './failure.ts';
import { clientConfigAt, type Place, STACK_NAME } from './place.ts';

/** What the outputs of a stack name. */
export interface StackNames {
  readonly requestBucket: string;
  readonly resultsBucket: string;
  readonly cancelQueueUrl: string;
  readonly eventBus: string;
  readonly ledgerTable: string;
}

/** Asks CloudFormation, on one machine as in an account; throws a Failure when that is no Batchdrop. */
export async function namesOf(place: Place): Promise<StackNames> {
  const { Outputs = [] } = await describe(place);
  const output = (name: string) => {
    const value = Outputs.find(({ OutputKey }) => OutputKey === name)?.OutputValue;
    if (value !== undefined) return value;
    throw new Failure(
      `The stack ${stackIn(place)} has no output ${name}: it is no Batchdrop, or not up yet.`,
    );
  };
  return {
    requestBucket: output('RequestBucket'),
    resultsBucket: output('ResultsBucket'),
    cancelQueueUrl: output('CancelQueueUrl'),
    eventBus: output('EventBus'),
    ledgerTable: output('LedgerTable'),
  };
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

function stackIn(place: Place): string {
  return place.kind === 'local' ? STACK_NAME : place.stack;
}
