import { createHmac, randomBytes } from 'node:crypto';
import { AwsError } from '../protocol/aws-error.ts';
import { LOCAL_ACCOUNT } from '../protocol/aws-service.ts';
import type { FunctionKeys } from './access-keys.ts';
import { ACCOUNT_OWNER, type Caller, type Need } from './caller.ts';
import type { RequestContext } from './conditions.ts';
import {
  type AccessRequest,
  decide,
  isTrusted,
  type Policies,
  type Principal,
  type Verdict,
} from './decision.ts';
import type { Credentials } from './signature.ts';
import { parseStatements } from './statement.ts';

/** A function's access key and its role. */
export interface Identity {
  readonly accessKeyId: string;
  readonly roleArn: string;
  /** The function's name, which Lambda uses as the session name. */
  readonly sessionName: string;
}

/** A request and its verdict. */
export interface Decision {
  readonly request: AccessRequest;
  readonly verdict: Verdict;
}

/**
 * Loopback counts as secure transport: no byte leaves the machine, and the template denies plain http only because of
 * networks. There is only one account.
 */
const ALWAYS: RequestContext = { 'aws:SecureTransport': 'true', 'aws:SourceAccount': LOCAL_ACCOUNT };

const NOBODY: Policies = { ofRoles: new Map(), trust: new Map(), ofResources: new Map() };

/** Decides requests by the policies of the template. Before `enforce`, every caller is the account's owner. */
export class Authorizer implements FunctionKeys {
  readonly #secretOfRun = randomBytes(32);
  #policies = NOBODY;
  #identities = new Map<string, Identity>();
  /** By the ids of their access keys. */
  #secrets = new Map<string, string>();
  #queuePolicy: (queueArn: string) => string | undefined = () => undefined;
  readonly #listeners: ((decision: Decision) => void)[] = [];

  /**
   * Applies these policies from now on. `queuePolicy` returns the policy JSON of a queue that is not in the template.
   */
  enforce(
    policies: Policies,
    identities: readonly Identity[],
    queuePolicy: (queueArn: string) => string | undefined,
  ): void {
    this.#policies = policies;
    this.#identities = new Map(identities.map((identity) => [identity.accessKeyId, identity]));
    this.#secrets = new Map(identities.map(({ accessKeyId }) => [accessKeyId, this.#newSecret(accessKeyId)]));
    this.#queuePolicy = queuePolicy;
  }

  /** Reports every decision about a function or a service. The account's owner is not checked. */
  listen(listener: (decision: Decision) => void): void {
    this.#listeners.push(listener);
  }

  secretOf(accessKeyId: string): string | undefined {
    return this.#secrets.get(accessKeyId);
  }

  /** Returns the credentials that the function signs with. Throws an Error if no function has that access key. */
  credentialsOf(accessKeyId: string): Credentials {
    const secretAccessKey = this.secretOf(accessKeyId);
    if (secretAccessKey === undefined) throw new Error(`no function has the access key ${accessKeyId}`);
    return { accessKeyId, secretAccessKey };
  }

  callerWith(accessKeyId: string): Caller {
    const identity = this.#identities.get(accessKeyId);
    if (identity === undefined) return ACCOUNT_OWNER;
    const { roleArn, sessionName } = identity;
    return { demand: (need) => this.#demand({ kind: 'role', roleArn, sessionName }, need, {}) };
  }

  /** Returns the caller for a service that acts with the role of a function or a schedule. */
  actingAs(roleArn: string, sessionName: string): Caller {
    return { demand: (need) => this.#demand({ kind: 'role', roleArn, sessionName }, need, {}) };
  }

  /** Returns the caller for an AWS service that acts for the resource `sourceArn`. */
  service(name: string, sourceArn: string): Caller {
    const context: RequestContext = { 'aws:SourceArn': sourceArn };
    return { demand: (need) => this.#demand({ kind: 'service', name }, need, context) };
  }

  /** Returns the caller for anybody who calls a function's public URL. */
  throughUrl(): Caller {
    const context: RequestContext = {
      'lambda:FunctionUrlAuthType': 'NONE',
      'lambda:InvokedViaFunctionUrl': 'true',
    };
    return { demand: (need) => this.#demand({ kind: 'anybody' }, need, context) };
  }

  /** Returns what the role's own policies say; undefined if there is no such role. */
  simulate(roleArn: string, need: Need): Verdict | undefined {
    const { ofRoles } = this.#policies;
    if (!ofRoles.has(roleArn)) return undefined;
    const principal: Principal = { kind: 'role', roleArn, sessionName: 'simulation' };
    return decide({ ...NOBODY, ofRoles }, { principal, ...need, context: ALWAYS });
  }

  /** Returns whether the service may assume the role. */
  isTrusted(roleArn: string, service: string): boolean {
    return isTrusted(this.#policies, roleArn, service, ALWAYS);
  }

  /** Makes a secret that differs in each run. */
  #newSecret(accessKeyId: string): string {
    return createHmac('sha256', this.#secretOfRun).update(accessKeyId).digest('base64url');
  }

  #demand(principal: Principal, need: Need, more: RequestContext): void {
    const request: AccessRequest = { principal, ...need, context: { ...ALWAYS, ...more } };
    const verdict = decide(this.#policiesFor(need.resource), request);
    for (const listener of this.#listeners) listener({ request, verdict });
    if (verdict !== 'allowed') throw accessDenied({ request, verdict });
  }

  /** A queue that a program created has its own policy. */
  #policiesFor(resource: string): Policies {
    if (this.#policies.ofResources.has(resource)) return this.#policies;
    const policy = this.#queuePolicy(resource);
    if (policy === undefined) return this.#policies;
    return {
      ...this.#policies,
      ofResources: new Map([[resource, parseStatements(JSON.parse(policy), resource)]]),
    };
  }
}

/** Returns the message of an AccessDenied error, in AWS's wording. */
export function refusalSentence({ request, verdict }: Decision): string {
  const { principal, action, resource } = request;
  const who = nameOf(principal);
  const policy = principal.kind === 'role' ? 'identity-based' : 'resource-based';
  const why =
    verdict === 'denied explicitly'
      ? 'with an explicit deny'
      : `because no ${policy} policy allows the ${action} action`;
  return `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
}

function accessDenied(decision: Decision): AwsError {
  return new AwsError('AccessDeniedException', refusalSentence(decision), { queryCode: 'AccessDenied' });
}

function nameOf(principal: Principal): string {
  if (principal.kind === 'anybody') return 'anonymous';
  if (principal.kind === 'service') return principal.name;
  const roleName = principal.roleArn.slice(principal.roleArn.lastIndexOf('/') + 1);
  return `arn:aws:sts::${LOCAL_ACCOUNT}:assumed-role/${roleName}/${principal.sessionName}`;
}
