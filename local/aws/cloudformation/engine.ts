import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { notImplemented, readBody } from '../protocol/json-protocol.ts';
import { pageOf } from '../protocol/paging.ts';
import { writeDocument, type XmlContent } from '../protocol/xml.ts';
import { stackId } from './stack-id.ts';

/** A stack of the local runtime, with every name resolved. */
export interface Stack {
  readonly name: string;
  readonly description?: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly outputs: readonly StackOutput[];
  readonly resources: readonly StackResource[];
}

interface StackOutput {
  readonly key: string;
  readonly value: string;
  readonly description?: string | undefined;
}

interface StackResource {
  readonly logicalId: string;
  /** The value of `Ref`. */
  readonly physicalId: string;
  readonly type: string;
}

/** A stack with its id and creation time (ISO 8601). */
interface DeployedStack extends Stack {
  readonly id: string;
  readonly since: string;
}

type Operation = (form: URLSearchParams) => { readonly [element: string]: XmlContent };

const NAMESPACE = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';
const STATUS = 'CREATE_COMPLETE';
const RESOURCES_PER_PAGE = 100; // as in AWS's ListStackResources

/**
 * CloudFormation on the endpoint: lists the deployed stacks and their resources. The creation time of a stack is the
 * start of this runtime, not of its first run.
 */
export class CloudFormationEngine implements AwsService {
  readonly signingName = 'cloudformation';
  readonly #now: () => number;
  readonly #stacks = new Map<string, DeployedStack>();
  readonly #operations: Readonly<Record<string, Operation>> = {
    DescribeStacks: (form) => ({ Stacks: list(this.#asked(form).map(describeStack)) }),
    ListStacks: (form) => ({ StackSummaries: list(this.#ofStatus(form).map(summarize)) }),
    DescribeStackResources: (form) => {
      const stack = this.#named(form);
      return { StackResources: list(stack.resources.map((resource) => describeResource(stack, resource))) };
    },
    ListStackResources: (form) => listResources(this.#named(form), form.get('NextToken') ?? undefined),
  };

  /** `now` returns milliseconds since the epoch. */
  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** Adds the stack, or replaces the one with the same name. */
  add(stack: Stack): void {
    const since = new Date(this.#now()).toISOString();
    this.#stacks.set(stack.name, { ...stack, id: stackId(stack.name), since });
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    const requestId = randomUUID();
    try {
      const form = new URLSearchParams((await readBody(request)).toString('utf8'));
      const action = form.get('Action') ?? '';
      const operation = Object.hasOwn(this.#operations, action) ? this.#operations[action] : undefined;
      if (operation === undefined) throw notImplemented(action === '' ? 'A request without Action' : action);
      const name = form.get('StackName');
      const resource = name === null ? '*' : name.startsWith('arn:') ? name : stackId(name);
      caller.demand({ action: `cloudformation:${action}`, resource });
      const answer = { [`${action}Result`]: operation(form), ResponseMetadata: { RequestId: requestId } };
      send(response, 200, writeDocument(`${action}Response`, answer, NAMESPACE));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const { queryCode, code, message: Message } = error;
      const answer = { Error: { Type: 'Sender', Code: queryCode ?? code, Message }, RequestId: requestId };
      send(response, error.status, writeDocument('ErrorResponse', answer, NAMESPACE));
    }
  }

  async close(): Promise<void> {}

  /** Returns the stack with the requested name or id, or all stacks. */
  #asked(form: URLSearchParams): DeployedStack[] {
    return form.has('StackName') ? [this.#named(form)] : [...this.#stacks.values()];
  }

  #ofStatus(form: URLSearchParams): DeployedStack[] {
    const wanted = [...form].filter(([name]) => name.startsWith('StackStatusFilter.member.'));
    const isWanted = wanted.length === 0 || wanted.some(([, status]) => status === STATUS);
    return isWanted ? [...this.#stacks.values()] : [];
  }

  #named(form: URLSearchParams): DeployedStack {
    const given = form.get('StackName') ?? '';
    if (given === '') throw refuse('StackName must be specified');
    const found = [...this.#stacks.values()].find(({ name, id }) => given === name || given === id);
    if (found === undefined) throw refuse(`Stack with id ${given} does not exist`);
    return found;
  }
}

function describeStack(stack: DeployedStack) {
  const parameters = Object.entries(stack.parameters);
  return {
    StackId: stack.id,
    StackName: stack.name,
    Description: stack.description,
    Parameters: list(parameters.map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }))),
    CreationTime: stack.since,
    StackStatus: STATUS,
    DisableRollback: false,
    EnableTerminationProtection: false,
    Outputs: list(
      stack.outputs.map(({ key, value, description }) => ({
        OutputKey: key,
        OutputValue: value,
        Description: description,
      })),
    ),
  };
}

function summarize({ id, name, description, since }: DeployedStack) {
  return {
    StackId: id,
    StackName: name,
    TemplateDescription: description,
    CreationTime: since,
    StackStatus: STATUS,
  };
}

function describeResource(stack: DeployedStack, { logicalId, physicalId, type }: StackResource) {
  return {
    StackId: stack.id,
    StackName: stack.name,
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    Timestamp: stack.since,
    ResourceStatus: STATUS,
  };
}

function listResources(stack: DeployedStack, token: string | undefined) {
  const sorted = stack.resources.toSorted((a, b) => (a.logicalId < b.logicalId ? -1 : 1));
  const { items, nextToken } = pageOf(sorted, ({ logicalId }) => logicalId, {
    token,
    size: RESOURCES_PER_PAGE,
    refuse,
  });
  const summaries = items.map(({ logicalId, physicalId, type }) => ({
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    LastUpdatedTimestamp: stack.since,
    ResourceStatus: STATUS,
  }));
  return {
    StackResourceSummaries: list(summaries),
    ...(nextToken !== undefined && { NextToken: nextToken }),
  };
}

/** Returns a list in the format of the query protocol. */
function list(member: readonly XmlContent[]): XmlContent {
  return { member };
}

function refuse(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

function send(response: ServerResponse, status: number, document: string): void {
  const body = Buffer.from(document);
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': body.length });
  response.end(body);
}
