import type { Need } from './caller.ts';
import { holdAll, type RequestContext } from './conditions.ts';
import type { Statement, StatementPrincipal } from './statement.ts';
import { matchesWildcards } from './wildcards.ts';

/** A role that a function has taken on, or a service of AWS that acts by itself. */
export type Principal =
  | { readonly kind: 'role'; readonly roleArn: string; readonly sessionName: string }
  | { readonly kind: 'service'; readonly name: string };

/** One thing that somebody wants to do. */
export interface AccessRequest extends Need {
  readonly principal: Principal;
  readonly context: RequestContext;
}

/** The policies of a stack, by whose they are. */
export interface Policies {
  /** By the role's ARN: what it may do. */
  readonly ofRoles: ReadonlyMap<string, readonly Statement[]>;
  /** By the role's ARN: who may take it on. */
  readonly trust: ReadonlyMap<string, readonly Statement[]>;
  /** By the ARN of the queue, bucket, bus or function that the policy is attached to. */
  readonly ofResources: ReadonlyMap<string, readonly Statement[]>;
}

/** What the policies say to a request. */
export type Verdict = 'allowed' | 'denied explicitly' | 'not allowed';

/**
 * As IAM decides within one account: a Deny anywhere wins; else one Allow is enough, of the role's own policies or of
 * the resource's.
 */
export function decide(policies: Policies, request: AccessRequest): Verdict {
  const { principal, action, resource, context } = request;
  const own = principal.kind === 'role' ? (policies.ofRoles.get(principal.roleArn) ?? []) : [];
  const attached = policies.ofResources.get(holderOf(resource)) ?? [];
  const applying = [...own, ...attached.filter((each) => isAbout(each.principals, principal))].filter(
    (statement) =>
      statement.actions.some((pattern) => isAction(pattern, action)) &&
      statement.resources.some((pattern) => matchesWildcards(pattern, resource)) &&
      holdAll(statement.conditions, context),
  );
  if (applying.some(({ effect }) => effect === 'Deny')) return 'denied explicitly';
  return applying.length > 0 ? 'allowed' : 'not allowed';
}

/** Whether a service may take the role on, which is asked when a function or a schedule is made. */
export function isTrusted(
  policies: Policies,
  roleArn: string,
  service: string,
  context: RequestContext,
): boolean {
  const asking: Principal = { kind: 'service', name: service };
  const applying = (policies.trust.get(roleArn) ?? []).filter(
    ({ actions, principals, conditions }) =>
      actions.some((pattern) => isAction(pattern, 'sts:AssumeRole')) &&
      isAbout(principals, asking) &&
      holdAll(conditions, context),
  );
  return applying.length > 0 && applying.every(({ effect }) => effect === 'Allow');
}

/** What a policy can be attached to: an object is its bucket's, everything else its own. */
function holderOf(resource: string): string {
  return /^(arn:aws:s3:::[^/]+)/.exec(resource)?.[1] ?? resource;
}

/** Names of actions are compared without regard to case, resources are not. */
function isAction(pattern: string, action: string): boolean {
  return matchesWildcards(pattern.toLowerCase(), action.toLowerCase());
}

function isAbout(principals: readonly StatementPrincipal[], asking: Principal): boolean {
  return principals.some((named) => {
    if (named === 'anybody') return true;
    if (asking.kind === 'service') return named.kind === 'Service' && named.name === asking.name;
    return named.kind === 'AWS' && named.name === asking.roleArn;
  });
}
