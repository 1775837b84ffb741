import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { pageOf } from '../protocol/paging.ts';
import {
  queryList as list,
  type QueryOperation,
  type QueryProtocol,
  serveQuery,
  textsIn,
} from '../protocol/query-protocol.ts';
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
  /** A deletion of the stack leaves the resource. */
  readonly isRetained?: boolean;
}

/** A stack with its id and creation time (ISO 8601). */
interface DeployedStack extends Stack {
  readonly id: string;
  readonly since: string;
  readonly status: 'CREATE_COMPLETE' | 'DELETE_COMPLETE';
}

/** A resource that left the stack. */
interface ResourceEvent extends StackResource {
  readonly at: string;
}

const STATUS = 'CREATE_COMPLETE';
const RESOURCES_PER_PAGE = 100; // as in AWS's ListStackResources

/**
 * CloudFormation on the endpoint: lists the deployed stacks and their resources, and what left them. The creation time of a
 * stack is the start of this runtime, not of its first run.
 */
export class CloudFormationEngine implements AwsService {
  readonly signingName = 'cloudformation';
  readonly #now: () => number;
  /** By id. A deleted stack is found by its id only. */
  readonly #stacks = new Map<string, DeployedStack>();
  /** By the id of the stack. */
  readonly #events = new Map<string, ResourceEvent[]>();
  readonly #protocol: QueryProtocol = {
    signingName: this.signingName,
    namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
    resourceOf: (form) => {
      const name = form.get('StackName');
      return name === null ? '*' : name.startsWith('arn:') ? name : stackId(name);
    },
    operations: this.#operations(),
  };

  /** `now` returns milliseconds since the epoch. */
  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  /** Adds the stack, or replaces the one with the same name. */
  add(stack: Stack): void {
    const known = this.#live(stack.name);
    const nth = [...this.#stacks.values()].filter(({ name }) => name === stack.name).length;
    const id = known?.id ?? stackId(stack.name, nth);
    const left = known?.resources.filter(
      (each) => !stack.resources.some((now) => now.logicalId === each.logicalId),
    );
    this.#noteLeft(id, left ?? []);
    this.#stacks.set(id, { ...stack, id, since: this.#time(), status: STATUS });
  }

  /** Marks the stack as deleted. The services keep its resources. */
  remove(name: string): void {
    const stack = this.#live(name);
    if (stack === undefined) throw refuse(`Stack with id ${name} does not exist`);
    this.#noteLeft(stack.id, stack.resources);
    this.#stacks.set(stack.id, { ...stack, status: 'DELETE_COMPLETE' });
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    return serveQuery(this.#protocol, request, response, caller);
  }

  async close(): Promise<void> {}

  #operations(): Record<string, QueryOperation> {
    return {
      DescribeStacks: (form) => ({ Stacks: list(this.#asked(form).map(describeStack)) }),
      ListStacks: (form) => ({ StackSummaries: list(this.#ofStatus(form).map(summarize)) }),
      DescribeStackEvents: (form) => {
        const stack = this.#named(form);
        const events = (this.#events.get(stack.id) ?? []).toReversed(); // newest first, as on AWS
        return { StackEvents: list(events.map((event, nth) => describeEvent(stack, event, nth))) };
      },
      DescribeStackResources: (form) => {
        const stack = this.#named(form);
        return { StackResources: list(stack.resources.map((resource) => describeResource(stack, resource))) };
      },
      ListStackResources: (form) => listResources(this.#named(form), form.get('NextToken') ?? undefined),
    };
  }

  #noteLeft(id: string, resources: readonly StackResource[]): void {
    const at = this.#time();
    const before = this.#events.get(id) ?? [];
    this.#events.set(id, [...before, ...resources.map((resource) => ({ ...resource, at }))]);
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }

  #live(name: string): DeployedStack | undefined {
    return [...this.#stacks.values()].find((stack) => stack.name === name && stack.status === STATUS);
  }

  /** Returns the stack with the requested name or id, or all stacks. */
  #asked(form: URLSearchParams): DeployedStack[] {
    if (form.has('StackName')) return [this.#named(form)];
    return [...this.#stacks.values()].filter(({ status }) => status === STATUS);
  }

  #ofStatus(form: URLSearchParams): DeployedStack[] {
    const wanted = textsIn(form, 'StackStatusFilter');
    return [...this.#stacks.values()].filter(({ status }) => wanted.length === 0 || wanted.includes(status));
  }

  #named(form: URLSearchParams): DeployedStack {
    const given = form.get('StackName') ?? '';
    if (given === '') throw refuse('StackName must be specified');
    const found = this.#stacks.get(given) ?? this.#live(given);
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
    StackStatus: stack.status,
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

function summarize({ id, name, description, since, status }: DeployedStack) {
  return {
    StackId: id,
    StackName: name,
    TemplateDescription: description,
    CreationTime: since,
    StackStatus: status,
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

function describeEvent(stack: DeployedStack, event: ResourceEvent, nth: number) {
  return {
    StackId: stack.id,
    EventId: `${event.logicalId}-${nth}`,
    StackName: stack.name,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId,
    ResourceType: event.type,
    Timestamp: event.at,
    ResourceStatus: event.isRetained ? 'DELETE_SKIPPED' : 'DELETE_COMPLETE',
  };
}

function refuse(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
