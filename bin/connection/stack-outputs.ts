import { CloudFormationClient, paginateDescribeStacks, type Stack } from '@aws-sdk/client-cloudformation';
import { outputsByConstruct } from '../../local/runtime/template/batchdrops.ts';
import { Failure } from '../terminal/failure.ts';
import { clientConfigAt, type Target } from './target.ts';

/** The outputs of one Batchdrop in a stack. */
export interface StackOutputs {
  readonly stack: string;
  /** The prefix of the logical ids of its resources: the path of the construct. */
  readonly idPrefix: string;
  /** Returns the value of an output. Throws a Failure if there is none. */
  readonly value: (name: string) => string;
  /** Returns the value of an output that the stack may not have. */
  readonly optional: (name: string) => string | undefined;
}

/** One Batchdrop of one stack. */
interface Found {
  readonly stack: string;
  readonly path: string;
  readonly outputs: ReadonlyMap<string, string>;
}

/** Reads the outputs from CloudFormation. Throws a Failure that says how to select another Batchdrop. */
export async function outputsAt(target: Target): Promise<StackOutputs> {
  const found = (await describedStacks(target)).flatMap(({ StackName = '', Outputs = [] }) => {
    const outputs = new Map(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
    return [...outputsByConstruct(outputs)].map(([path, its]) => ({ stack: StackName, path, outputs: its }));
  });
  const { stack, path, outputs } = chosen(found, target);
  const value = (name: string) => {
    const output = outputs.get(name);
    if (output !== undefined) return output;
    throw new Failure(
      `The Batchdrop in the stack ${stack} has no output ${name}, because its version differs from the version of this command.`,
    );
  };
  return { stack, idPrefix: path, value, optional: (name) => outputs.get(name) };
}

function chosen(found: readonly Found[], target: Target): Found {
  const wanted = target.construct?.replace(/[^A-Za-z0-9]/g, ''); // as in the CDK's logical ids
  const fitting = wanted === undefined ? found : found.filter(({ path }) => path === wanted);
  const [only, another] = fitting;
  if (only !== undefined && another === undefined) return only;
  const where = target.stack === undefined ? 'The app on this machine' : `The stack ${target.stack}`;
  if (found.length === 0)
    throw new Failure(`${where} contains no Batchdrop, or its deployment has not completed.`);
  const which = listOf(found);
  throw new Failure(
    only === undefined
      ? `${where} contains no Batchdrop ${target.construct}. It contains: ${which}.`
      : `${where} contains ${fitting.length} Batchdrops. Select one with ${howToSelect(found, target)}: ${which}.`,
  );
}

/** The stacks of an app on this machine may have constructs of the same name. */
function howToSelect(found: readonly Found[], target: Target): string {
  const local = target.kind === 'local' ? '--local ' : '';
  const stacks = new Set(found.map(({ stack }) => stack));
  return stacks.size > 1 ? `${local}--stack and --construct` : `${local}--construct`;
}

function listOf(found: readonly Found[]): string {
  const isOneStack = new Set(found.map(({ stack }) => stack)).size === 1;
  return found.map(({ stack, path }) => (isOneStack ? path : `${stack} ${path}`)).join(', ');
}

/** Returns the stack that is named, or on this machine all stacks of the app. */
async function describedStacks(target: Target): Promise<Stack[]> {
  const client = new CloudFormationClient(clientConfigAt(target));
  const named = target.stack === undefined ? {} : { StackName: target.stack };
  try {
    const stacks: Stack[] = [];
    for await (const page of paginateDescribeStacks({ client }, named)) stacks.push(...(page.Stacks ?? []));
    if (stacks.length === 0)
      throw new Failure(`CloudFormation returned no description of ${target.stack ?? 'any stack'}.`);
    return stacks;
  } catch (cause) {
    if (!(cause instanceof Error) || !/does not exist/.test(cause.message)) throw cause;
    throw new Failure(
      `There is no stack ${target.stack}. Select another stack with --stack, another Region with --region, or another account with --profile.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}
