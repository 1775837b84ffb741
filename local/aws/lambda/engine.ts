import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../iam/caller.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type AwsService, LOCAL_ACCOUNT, LOCAL_REGION } from '../protocol/aws-service.ts';
import { notImplemented, sendJson, sendRefusal } from '../protocol/json-protocol.ts';

/** A function as Lambda describes it. */
export interface DescribedFunction {
  readonly name: string;
  readonly roleArn: string;
  /** How many of its invocations may run at once. Absent: as many as the account allows. */
  readonly reservedConcurrency?: number;
  /** Why Lambda cannot run it. Absent: it can. */
  readonly inactive?: { readonly code: string; readonly reason: string };
}

/** An event source mapping as Lambda describes it. */
export interface DescribedMapping {
  readonly id: string;
  readonly queueArn: string;
  readonly functionName: string;
  readonly enabled: boolean;
  /** What Lambda reports of its last batch of records. */
  readonly lastResult?: string;
}

type Answer = (id: string) => object;

const CONTENT_TYPE = 'application/json';

/** Lambda on the endpoint: describes functions and event source mappings. `local/lambda` runs them. */
export class LambdaEngine implements AwsService {
  readonly signingName = 'lambda';
  readonly #functions = new Map<string, DescribedFunction>();
  readonly #mappings = new Map<string, DescribedMapping>();
  /** By the path, in which the group is the id. */
  readonly #operations: readonly { name: string; path: RegExp; answer: Answer }[] = [
    {
      name: 'GetFunctionConfiguration',
      path: /^\/2015-03-31\/functions\/([^/]+)\/configuration$/,
      answer: (name) => wireFunction(this.#function(name)),
    },
    {
      name: 'GetFunctionConcurrency',
      path: /^\/2019-09-30\/functions\/([^/]+)\/concurrency$/,
      answer: (name) => {
        const { reservedConcurrency } = this.#function(name);
        return reservedConcurrency === undefined ? {} : { ReservedConcurrentExecutions: reservedConcurrency };
      },
    },
    {
      name: 'GetEventSourceMapping',
      path: /^\/2015-03-31\/event-source-mappings\/([^/]+)$/,
      answer: (id) => wireMapping(this.#mapping(id)),
    },
  ];

  /** Adds the function, or replaces the one with the same name. */
  putFunction(described: DescribedFunction): void {
    this.#functions.set(described.name, described);
  }

  /** Adds the mapping, or replaces the one with the same id. */
  putMapping(described: DescribedMapping): void {
    this.#mappings.set(described.id, described);
  }

  async handle(request: IncomingMessage, response: ServerResponse, caller: Caller): Promise<void> {
    try {
      sendJson(response, 200, CONTENT_TYPE, this.#answer(request, caller));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendRefusal(response, error, CONTENT_TYPE);
    }
  }

  async close(): Promise<void> {}

  #answer({ method, url = '' }: IncomingMessage, caller: Caller): object {
    const path = url.split('?')[0] ?? '';
    for (const { name, path: pattern, answer } of method === 'GET' ? this.#operations : []) {
      const id = pattern.exec(path)?.[1];
      if (id === undefined) continue;
      const asked = decodeURIComponent(id);
      const resource = name === 'GetEventSourceMapping' ? mappingArn(asked) : functionArn(asked);
      caller.demand({ action: `lambda:${name}`, resource });
      return answer(asked);
    }
    throw notImplemented(`${method} ${path} of Lambda`);
  }

  #function(name: string): DescribedFunction {
    const found = this.#functions.get(name);
    if (found !== undefined) return found;
    throw missing(`Function not found: ${functionArn(name)}`);
  }

  #mapping(id: string): DescribedMapping {
    const found = this.#mappings.get(id);
    if (found !== undefined) return found;
    throw missing(`The resource you requested does not exist: ${id}`);
  }
}

function missing(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, { status: 404 });
}

function wireFunction({ name, roleArn, inactive }: DescribedFunction): object {
  return {
    FunctionName: name,
    FunctionArn: functionArn(name),
    Role: roleArn,
    State: inactive === undefined ? 'Active' : 'Inactive',
    ...(inactive && { StateReasonCode: inactive.code, StateReason: inactive.reason }),
    LastUpdateStatus: 'Successful',
  };
}

function wireMapping({ id, queueArn, functionName, enabled, lastResult }: DescribedMapping): object {
  return {
    UUID: id,
    EventSourceArn: queueArn,
    FunctionArn: functionArn(functionName),
    State: enabled ? 'Enabled' : 'Disabled',
    StateTransitionReason: 'USER_INITIATED',
    ...(lastResult !== undefined && { LastProcessingResult: lastResult }),
  };
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:${name}`;
}

function mappingArn(id: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:event-source-mapping:${id}`;
}
