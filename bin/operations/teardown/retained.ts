/**
 * Finds what a deletion of the stack leaves: CloudFormation keeps the buckets and the ledger, because they contain data. Its
 * events name them for 90 days after the deletion, also if only the construct was removed from the stack. The logical ids say
 * which ones are Batchdrop's, so a bucket of your own is never found.
 */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  paginateDescribeStacks,
  paginateListStackResources,
  paginateListStacks,
  type StackSummary,
} from '@aws-sdk/client-cloudformation';
import { clientConfigAt, stackIn, type Target } from '../../connection/target.ts';
import { Failure } from '../../terminal/failure.ts';

/** What a resource holds. */
export type RetainedKind = 'requests' | 'results' | 'accessLogs' | 'ledger';

/** A bucket or a table that CloudFormation keeps. */
export interface Retained {
  readonly kind: RetainedKind;
  /** The path of the construct, as in its logical id. */
  readonly construct: string;
  /** The name of the bucket or the table. */
  readonly name: string;
}

/** A stack with its resources, or what is left of it. */
export interface StackRemains {
  /** The ARN of the stack. */
  readonly stackId: string;
  /** The secret with the API key, which the stack does not own. */
  readonly secret: string | undefined;
  /** The account that owns the stack. */
  readonly account: string;
  /** The Batchdrop is still deployed. */
  readonly isLive: boolean;
  readonly retained: readonly Retained[];
  /** Retained resources that another stack uses by now, with the name of that stack. They are not touched. */
  readonly inUse: readonly (Retained & { readonly by: string })[];
}

const KINDS: Readonly<Record<string, RetainedKind>> = {
  BucketsRequests: 'requests',
  BucketsResults: 'results',
  BucketsAccessLogs: 'accessLogs',
  LedgerTable: 'ledger',
};
const TYPES: ReadonlySet<string> = new Set(['AWS::S3::Bucket', 'AWS::DynamoDB::Table']);
const LOGICAL_ID = new RegExp(`^(?<construct>\\w+?)(?<path>${Object.keys(KINDS).join('|')})[0-9A-F]{8}$`);

type AccountTarget = Extract<Target, { kind: 'account' }>;

/** Returns the remains of the stack. Throws a Failure if CloudFormation knows no such stack. */
export async function remainsOf(target: AccountTarget): Promise<StackRemains> {
  const client = new CloudFormationClient(clientConfigAt(target));
  try {
    const live = await liveStack(client, stackIn(target));
    const present = live === undefined ? [] : ofConstruct(target, await presentIn(client, live.id));
    const isLive = present.length > 0 && live?.status !== 'DELETE_FAILED';
    const stackId = live?.id ?? (await deletedStackId(client, stackIn(target)));
    const found = present.length > 0 ? present : ofConstruct(target, await leftBy(client, stackId));
    const secret = await secretOf(client, stackId);
    const users = isLive ? new Map<string, string>() : await usersOf(client, found);
    return {
      ...{ stackId, secret, account: stackId.split(':')[4] ?? '', isLive },
      retained: found.filter(({ name }) => !users.has(name)).sort(byOrder),
      inUse: found.flatMap((each) => {
        const by = users.get(each.name);
        return by === undefined ? [] : [{ ...each, by }];
      }),
    };
  } finally {
    client.destroy();
  }
}

/** A queue that only a Batchdrop has: it tells its construct from one of yours with buckets of the same names. */
const OWN_QUEUE = /^(?<construct>\w+?)IntakeWorkQueue[0-9A-F]{8}$/;
const SECRET_OUTPUT = /(^|Names)ApiKeySecret([0-9A-F]{8})?$/;
const GONE: ReadonlySet<string> = new Set(['DELETE_COMPLETE', 'DELETE_SKIPPED']);

/** The access logs are the last: S3 still delivers some, of the deletion itself as well. */
const ORDER: readonly RetainedKind[] = ['requests', 'results', 'ledger', 'accessLogs'];

function byOrder(one: Retained, other: Retained): number {
  return ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind);
}

interface Resource {
  readonly LogicalResourceId?: string | undefined;
  readonly PhysicalResourceId?: string | undefined;
  readonly ResourceType?: string | undefined;
  readonly ResourceStatus?: string | undefined;
}

/** Returns the data of the Batchdrops among the resources of which `holds` is true. */
function retainedIn(resources: readonly Resource[], holds: (status: string) => boolean): Retained[] {
  const constructs = new Set(
    resources.flatMap(({ LogicalResourceId = '', ResourceType }) =>
      ResourceType === 'AWS::SQS::Queue' ? (OWN_QUEUE.exec(LogicalResourceId)?.groups?.construct ?? []) : [],
    ),
  );
  const holding = resources.filter(({ ResourceStatus = '' }) => holds(ResourceStatus));
  const found = holding.flatMap(
    ({ LogicalResourceId = '', PhysicalResourceId: name = '', ResourceType = '' }) => {
      const { construct = '', path = '' } = LOGICAL_ID.exec(LogicalResourceId)?.groups ?? {};
      const kind = KINDS[path];
      if (kind === undefined || name === '' || !TYPES.has(ResourceType)) return [];
      return constructs.has(construct) ? [{ kind, construct, name }] : [];
    },
  );
  return [...new Map(found.map((each) => [each.name, each])).values()];
}

function ofConstruct(target: AccountTarget, all: readonly Retained[]): Retained[] {
  const wanted = target.construct?.replace(/[^A-Za-z0-9]/g, '');
  const fitting = wanted === undefined ? all : all.filter(({ construct }) => construct === wanted);
  const constructs = [...new Set(fitting.map(({ construct }) => construct))];
  if (constructs.length <= 1) return [...fitting];
  throw new Failure(
    `The stack ${target.stack} has data of ${constructs.length} Batchdrops. Select one with --construct: ${constructs.join(', ')}.`,
  );
}

async function liveStack(client: CloudFormationClient, StackName: string) {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    return stack && { id: stack.StackId ?? '', status: stack.StackStatus };
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** Returns the secret that the outputs name; the id also finds a stack that is deleted. */
async function secretOf(client: CloudFormationClient, StackName: string): Promise<string | undefined> {
  const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const named = (stack?.Outputs ?? []).find(({ OutputKey = '' }) => SECRET_OUTPUT.test(OutputKey));
  return named?.OutputValue;
}

/** Returns the id of the stack of this name that was deleted last. */
async function deletedStackId(client: CloudFormationClient, name: string): Promise<string> {
  let newest: StackSummary | undefined;
  for await (const { StackSummaries = [] } of paginateListStacks(
    { client },
    { StackStatusFilter: ['DELETE_COMPLETE'] },
  ))
    for (const stack of StackSummaries)
      if (stack.StackName === name && timeOf(stack) >= timeOf(newest)) newest = stack;
  if (newest?.StackId !== undefined) return newest.StackId;
  throw new Failure(
    `CloudFormation knows no stack ${name}, and none that was deleted in the last 90 days. Select another with --stack, another Region with --region, or another account with --profile.`,
  );
}

function timeOf(stack: StackSummary | undefined): number {
  return (stack?.DeletionTime ?? stack?.CreationTime)?.getTime() ?? 0;
}

async function presentIn(client: CloudFormationClient, StackName: string): Promise<Retained[]> {
  const resources: Resource[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName }))
    resources.push(...StackResourceSummaries);
  return retainedIn(resources, (status) => !GONE.has(status));
}

/** Returns what left the stack without being deleted. */
async function leftBy(client: CloudFormationClient, StackName: string): Promise<Retained[]> {
  const resources: Resource[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName }))
    resources.push(...StackEvents);
  return retainedIn(resources, (status) => status === 'DELETE_SKIPPED');
}

/** Returns the stacks whose outputs name one of the resources: someone deployed a Batchdrop over the retained data. */
async function usersOf(
  client: CloudFormationClient,
  retained: readonly Retained[],
): Promise<Map<string, string>> {
  const names = new Set(retained.map(({ name }) => name));
  const users = new Map<string, string>();
  if (names.size === 0) return users;
  for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {}))
    for (const { StackName = '', Outputs = [] } of Stacks)
      for (const { OutputValue = '' } of Outputs)
        if (names.has(OutputValue)) users.set(OutputValue, StackName);
  return users;
}
