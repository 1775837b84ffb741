import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { Failure } from '../terminal/failure.ts';
import { clientConfigAt, stackIn, type Target } from './target.ts';

/** A Batchdrop in a stack, by the outputs that its construct makes. */
export interface StackOutputs {
  /** What the logical ids of its resources begin with: the path of the construct. */
  readonly idPrefix: string;
  /** The value of an output; throws a Failure if there is none. */
  readonly value: (name: string) => string;
}

/** The construct of a stack that holds nothing else, whose outputs have plain names. */
const LONE_CONSTRUCT = 'Batchdrop';
const PATHED_OUTPUT = /^(?<path>\w*)Names(?<name>[A-Z][A-Za-z]+)[0-9A-F]{8}$/;

/** Asks CloudFormation, on one machine as in an account. Throws a Failure that says how to name the right one. */
export async function outputsAt(target: Target): Promise<StackOutputs> {
  const stack = stackIn(target);
  const byPath = pathsOf(await describedOutputs(target));
  const construct = target.kind === 'account' ? target.construct : undefined;
  const idPrefix = chosenPath([...byPath.keys()], stack, construct);
  const outputs = byPath.get(idPrefix);
  const value = (name: string) => {
    const found = outputs?.get(name);
    if (found !== undefined) return found;
    throw new Failure(`The Batchdrop in the stack ${stack} has no output ${name}: it is of another version.`);
  };
  return { idPrefix, value };
}

/** Outputs by name by the paths of their constructs; none of anything else in the stack. */
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
  const wanted = construct?.replace(/[^A-Za-z0-9]/g, ''); // as the CDK makes logical ids of paths
  const fitting = wanted === undefined ? paths : paths.filter((path) => path === wanted);
  const [path, another] = fitting;
  if (path !== undefined && another === undefined) return path;
  if (paths.length === 0) throw new Failure(`The stack ${stack} holds no Batchdrop, or it is not up yet.`);
  const which = `there ${paths.length === 1 ? 'is' : 'are'} ${paths.join(', ')}`;
  throw new Failure(
    path === undefined
      ? `The stack ${stack} holds no Batchdrop ${construct}: ${which}.`
      : `The stack ${stack} holds ${paths.length} Batchdrops: say with --construct which one, ${which}.`,
  );
}

async function describedOutputs(target: Target): Promise<ReadonlyMap<string, string>> {
  const client = new CloudFormationClient(clientConfigAt(target));
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackIn(target) }));
    const [stack] = Stacks;
    if (stack === undefined) throw new Failure(`CloudFormation did not describe ${stackIn(target)}.`);
    const outputs = stack.Outputs ?? [];
    return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  } catch (cause) {
    if (!(cause instanceof Error) || !/does not exist/.test(cause.message)) throw cause;
    throw new Failure(
      `There is no stack ${stackIn(target)} there: give its name with --stack, its region with --region and its account with --profile.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}
