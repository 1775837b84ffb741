import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { Failure } from '../terminal/failure.ts';
import { clientConfigAt, stackIn, type Target } from './target.ts';

/** The outputs of one Batchdrop in a stack. */
export interface StackOutputs {
  /** The prefix of the logical ids of its resources: the path of the construct. */
  readonly idPrefix: string;
  /** Returns the value of an output. Throws a Failure if there is none. */
  readonly value: (name: string) => string;
  /** Returns the value of an output that the stack may not have. */
  readonly optional: (name: string) => string | undefined;
}

/** The construct of this project's own stack. The names of its outputs have no path. */
const LONE_CONSTRUCT = 'Batchdrop';
const PATHED_OUTPUT = /^(?<path>\w*)Names(?<name>[A-Z][A-Za-z]+)[0-9A-F]{8}$/;

/** Reads the outputs from CloudFormation. Throws a Failure that says how to select another Batchdrop. */
export async function outputsAt(target: Target): Promise<StackOutputs> {
  const stack = stackIn(target);
  const byPath = pathsOf(await describedOutputs(target));
  const construct = target.kind === 'account' ? target.construct : undefined;
  const idPrefix = chosenPath([...byPath.keys()], stack, construct);
  const outputs = byPath.get(idPrefix);
  const value = (name: string) => {
    const found = outputs?.get(name);
    if (found !== undefined) return found;
    throw new Failure(
      `The Batchdrop in the stack ${stack} has no output ${name}, because its version differs from the version of this command.`,
    );
  };
  return { idPrefix, value, optional: (name) => outputs?.get(name) };
}

/** Returns the outputs of each Batchdrop by the path of its construct, without the stack's other outputs. */
function pathsOf(outputs: ReadonlyMap<string, string>): Map<string, ReadonlyMap<string, string>> {
  const found = new Map<string, Map<string, string>>();
  for (const [key, value] of outputs) {
    const { path, name } = PATHED_OUTPUT.exec(key)?.groups ?? {};
    if (path === undefined || name === undefined) continue;
    const its = found.get(path) ?? new Map<string, string>();
    found.set(path, its.set(name, value));
  }
  const batchdrops = [...found].filter(([, its]) => its.has('CancelQueueUrl'));
  if (batchdrops.length === 0 && outputs.has('CancelQueueUrl')) return new Map([[LONE_CONSTRUCT, outputs]]);
  return new Map(batchdrops);
}

function chosenPath(paths: readonly string[], stack: string, construct: string | undefined): string {
  const wanted = construct?.replace(/[^A-Za-z0-9]/g, ''); // as in the CDK's logical ids
  const fitting = wanted === undefined ? paths : paths.filter((path) => path === wanted);
  const [path, another] = fitting;
  if (path !== undefined && another === undefined) return path;
  if (paths.length === 0)
    throw new Failure(`The stack ${stack} contains no Batchdrop, or its deployment has not completed.`);
  const which = paths.join(', ');
  throw new Failure(
    path === undefined
      ? `The stack ${stack} contains no Batchdrop ${construct}. It contains: ${which}.`
      : `The stack ${stack} contains ${paths.length} Batchdrops. Select one with --construct: ${which}.`,
  );
}

async function describedOutputs(target: Target): Promise<ReadonlyMap<string, string>> {
  const client = new CloudFormationClient(clientConfigAt(target));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackIn(target) }));
    const [stack] = Stacks;
    if (stack === undefined)
      throw new Failure(`CloudFormation returned no description of the stack ${stackIn(target)}.`);
    const outputs = stack.Outputs ?? [];
    return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  } catch (cause) {
    if (!(cause instanceof Error) || !/does not exist/.test(cause.message)) throw cause;
    throw new Failure(
      `There is no stack ${stackIn(target)}. Select another stack with --stack, another Region with --region, or another account with --profile.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}
